"""Words that nobody has chosen, carried whole through shells, Kubernetes, Argo, Jinja, GitHub and YAML."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OPENERS = re.compile(r"\{(?=[{%#])")
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}


def check_text(what: str, text: str) -> str:
    """`text`, known to hold no control character and to be Unicode. Raises BadInput: such a name cannot be said in a crontab or in YAML."""
    if _CONTROL.search(text) or not _encodes(text):
        raise BadInput(
            f"{what} {text!a} holds characters that a job file cannot carry.",
            expected="Expected text without line breaks and control characters.",
            next="Rename it, and export again.",
        )
    return text


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shell(words: Iterable[str]) -> str:
    """One line of POSIX shell that is exactly these words."""
    return shlex.join(words)


def templated_shell(words: Iterable[str]) -> str:
    """shell() without `{{`, `{%`, `{#`: Argo and Jinja find nothing to fill in, the shell reads the same words."""
    return " ".join(untemplated(shlex.quote(word)) for word in words)


def untemplated(quoted: str) -> str:
    """Break each template opener in a single-quoted shell word: `'{{a'` is `'{''{a'`."""
    return _OPENERS.sub("{''", quoted)


def kubernetes(text: str) -> str:
    """`text` as an item of a container's command or args, where `$(NAME)` would be filled in and `$$` means `$`."""
    return text.replace("$", "$$")


def github(text: str) -> str:
    """`text` where GitHub Actions evaluates `${{ … }}`: each opener becomes an expression that gives the opener."""
    return text.replace("${{", "${{ '${{' }}")


def as_json(value: object) -> str:
    """ASCII JSON in which no template language finds anything: inside texts, braces, `$` and `%` are escaped as well.

    The value is a list of texts, or a flat object of texts, whose own braces stand alone.
    """
    text = json.dumps(value, ensure_ascii=True)
    return text[0] + "".join(f"\\u{ord(sign):04x}" if sign in "{}$%" else sign for sign in text[1:-1]) + text[-1]


def comment(text: str) -> str:
    """`text` for a comment line: ASCII, quoted, never ending the line."""
    return ascii(text)


def slug(name: str, limit: int = 40) -> str:
    """A DNS label (RFC 1123) for any name: lower-case letters, digits and `-`; two names that lose something get different ones."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if plain == name and len(plain) <= limit:
        return plain
    return f"{plain[: limit - 9].strip('-') or 'job'}-{Digest.of_text(name).hex[:8]}"


def yaml_text(value: object) -> str:
    """Block YAML in the given order; text that a YAML 1.1 or 1.2 reader could take for something else stands in double quotes."""
    import yaml

    class Quoting(yaml.SafeDumper):
        """SafeDumper with double quotes around text values, and without anchors."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML's signature
            return True

    def text(dumper: yaml.SafeDumper, content: str) -> yaml.ScalarNode:
        style = None if _plain(content) else "|" if _block(content) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", content, style=style)

    Quoting.add_representer(str, text)
    Quoting.add_multi_representer(str, text)
    return yaml.dump(value, Dumper=Quoting, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False)


def _plain(content: str) -> bool:
    """Words that no YAML reader takes for a number, a date or true and false."""
    return bool(re.fullmatch(r"[A-Za-z]+(?:[_-][A-Za-z]+)*", content)) and content.lower() not in _WORDS


def _block(content: str) -> bool:
    """A script of several lines that a literal block can hold as it is."""
    return "\n" in content and content.isprintable() is False and bool(re.fullmatch(r"(?:[ -~]|[ -~]\n)+", content))
