"""The reference, made from the code it is about: commands, magics, settings, routes, validators, policies, the public API."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import click


def pages() -> dict[str, str]:
    """Page of the site -> its Markdown."""
    return {
        "reference/commands.md": commands(),
        "reference/magics.md": magics(),
        "reference/settings.md": settings(),
        "reference/routes.md": routes(),
        "reference/validators.md": validators(),
        "reference/policies.md": policies(),
        "reference/api.md": api(),
    }


def commands() -> str:
    """Each verb's own `--help`."""
    from jupyter_mlgov.cli import VERBS, mlgov

    parts = ["# Commands\n\nWhat each verb says of itself. By task: [the shell](../users/cli.md).\n"]
    top = click.Context(mlgov, info_name="mlgov")
    for verb, (_, line) in VERBS.items():
        command = mlgov.get_command(top, verb)
        if command is None:
            raise LookupError(verb)
        parts += [f"## `mlgov {verb}`\n\n{_text(line)}\n", *_helps(command, verb, top)]
    return "\n".join(parts)


def _helps(command: click.Command, name: str, above: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above)
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            if below is not None:
                yield f"### `{context.command_path} {word}`\n"
                yield from _helps(below, word, context)


def magics() -> str:
    """Every word of `%mlgov`, with what it does."""
    from jupyter_mlgov.kernel import magics as code

    holder = next(one for _, one in inspect.getmembers(code, inspect.isclass) if hasattr(one, "_status"))
    rows = [f"| `%mlgov {verb}` | {_first(getattr(holder, f'_{verb}'))} |" for verb in code.VERBS]
    rows += [f"| `%%mlgov {verb}` | |" for verb in code.CELL_VERBS]
    return "# Magics\n\nWith examples: [the magics](../users/magics.md).\n\n| magic | what |\n|---|---|\n" + "\n".join(rows) + "\n"


def settings() -> str:
    """The server's traits."""
    from jupyter_mlgov.server import GovernanceApp

    rows = []
    for name, trait in sorted(GovernanceApp.class_own_traits(config=True).items()):
        if name != "serverapp_config":
            rows.append(f"| `GovernanceApp.{name}` | `{trait.default_value!r}` | {_text(str(trait.help))} |")
    head = "# Settings\n\nEnvironment variables and what they mean: [operators](../operators/README.md#settings).\n\n"
    return head + "| trait | default | what |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def routes() -> str:
    """The server's routes, from its OpenAPI document."""
    from jupyter_mlgov.server.handlers import ROUTES
    from jupyter_mlgov.server.openapi import document

    made: dict[str, Any] = json.loads(json.dumps(document(ROUTES, "/mlgov/api")))
    rows = []
    for path, methods in sorted(made["paths"].items()):
        for method, about in sorted(methods.items()):
            query = ", ".join(f"`{one['name']}`" for one in about.get("parameters", ()))
            right = about.get("x-mlgov-action", "")
            rows.append(f"| `{method.upper()} mlgov/api{path}` | {right} | {query} | {_text(about.get('summary', ''))} |")
    return "# Routes\n\n| route | right | query | what |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def validators() -> str:
    """Every installed validator: what it needs, and what it is held to where no policy says otherwise."""
    from jupyter_mlgov.validation.plugins import installed_validators

    registry = installed_validators()
    parts = ["# Validators\n\nWith method, sources and limits: [each validator's page](../validators.md).\n"]
    for name in registry.ids:
        check: Any = registry.get(name)
        rows = [f"| `{key}` | `{value}` | {check.stricter.get(key, '')} |" for key, value in check.defaults.items()]
        table = "| parameter | default | stricter is |\n|---|---|---|\n" + "\n".join(rows) + "\n" if rows else ""
        needs = ", ".join(f"`{one}`" for one in check.needs) or "nothing"
        parts.append(f"## `{name}`\n\n{_text(check.title)}, version {check.version}. Needs {needs}.\n\n{table}")
    return "\n".join(parts)


def policies() -> str:
    """Every pack: its controls, and by what they are checked."""
    from importlib.metadata import entry_points

    from jupyter_mlgov.validation.plugins import installed_policies

    parts = ["# Policies\n\nHow packs are put together and answered: [policies](../users/policy.md).\n"]
    for name in sorted({entry.name for entry in entry_points(group="jupyter_mlgov.policies")}):
        (pack,) = installed_policies((name,))
        rows = []
        for control in pack.controls:
            by = ", ".join(f"`{one.validator}`" for one in control.requirements) or "people"
            rows.append(f"| `{control.id}` | {control.severity} | {_text(control.cite)} | {by} |")
        head = f"## `{name}`\n\n{_text(pack.title)}. Version {pack.version}.\n\n"
        head += "| control | severity | source | checked by |\n|---|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)


def api() -> str:
    """What may be imported: `jupyter_mlgov`, `jupyter_mlgov.sdk`, `jupyter_mlgov.testing`."""
    import jupyter_mlgov
    from jupyter_mlgov import sdk, testing

    parts = ["# Public API\n\nThese names are kept. Anything else may change without a word.\n"]
    for module in (jupyter_mlgov, sdk, testing):
        parts.append(f"## `{module.__name__}`\n")
        names = getattr(module, "__all__", None) or [name for name, one in vars(module).items() if _ours(one, module.__name__)]
        parts += [f"### `{name}`\n\n{_described(getattr(module, name))}\n" for name in names]
    return "\n".join(parts)


def _ours(value: object, module: str) -> bool:
    return getattr(value, "__module__", "") == module and not str(getattr(value, "__name__", "_")).startswith("_")


def _described(value: object) -> str:
    if not callable(value):
        return f"`{value!r}`"
    try:
        signature = f"```python\n{getattr(value, '__name__', '')}{inspect.signature(value)}\n```\n\n"
    except (TypeError, ValueError):
        signature = ""
    doc = inspect.getdoc(value) or ""
    return signature + _text(doc, lines=True)


def _first(value: object) -> str:
    return _text((inspect.getdoc(value) or "").partition("\n")[0])


def _text(text: str, *, lines: bool = False) -> str:
    """Plain text as Markdown: nothing in it is markup."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return safe if lines else " ".join(safe.split())
