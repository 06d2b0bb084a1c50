"""Finds validators and policy packs by entry points. Names are listed without importing; a broken plug-in says so and stops nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput, MlgovError, unknown
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.policy import Policy, load_policy

VALIDATORS = "jupyter_mlgov.validators"
POLICIES = "jupyter_mlgov.policies"


class TwiceInstalled(MlgovError):
    """Two distributions offer the same id: nobody can say which one would judge, so nothing starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A validator that could not be imported: one `error` result, with this sentence."""

    id: str
    distribution: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What is installed: a way to get each validator by its id. Nothing is imported until `get`.

    `installed` says that another process finds the same validators by their entry points.
    """

    offers: Mapping[str, Callable[[], Check | Broken]] = field(default_factory=dict)
    installed: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(sorted(self.offers))

    def get(self, id: str) -> Check | Broken:
        """The validator, imported now. Raises UsageError naming the nearest id for an unknown one."""
        if id not in self.offers:
            raise unknown("validator", id, self.ids)
        return self.offers[id]()

    @classmethod
    def of(cls, *checks: Check) -> Registry:
        """A registry of these validators alone, for tests of plug-ins."""
        return cls(offers={check.id: partial(_itself, check) for check in checks})


def _itself(check: Check) -> Check:
    return check


def installed_validators() -> Registry:
    """Every validator any installed distribution offers. Raises TwiceInstalled naming both distributions of a shared id."""
    return Registry(offers={name: _offer(entry) for name, entry in _entries(VALIDATORS).items()}, installed=True)


def policy_ids() -> tuple[str, ...]:
    """The ids of the installed policy packs."""
    return tuple(sorted(_entries(POLICIES)))


def installed_policies(ids: Iterable[str], root: Path | None = None) -> tuple[Policy, ...]:
    """The packs of these ids, in this order; an id may also be the path of a TOML file, under `root` where one is given.

    A pack from a file goes by that path, whatever it calls itself: it cannot pass for an installed one. Raises UsageError for an unknown
    id, BadInput for a pack that cannot be read, lies outside `root`, or does not carry its own id.
    """
    entries = _entries(POLICIES)
    wanted = tuple(dict.fromkeys(ids))
    return tuple(_pack(entries[name]) if name in entries else _file(name, entries, root) for name in wanted)


def _entries(group: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda one: (one.name, one.value)):
        other = found.setdefault(entry.name, entry)
        # Reading a distribution's name is slow, so only a second offer is asked for it.
        if other is not entry and (_distribution(other), other.value) != (_distribution(entry), entry.value):
            raise TwiceInstalled(
                f'"{entry.name}" is offered by {_distribution(other)} and by {_distribution(entry)}.',
                expected="One id, one distribution.",
                next="Uninstall one of them, or ask its author for another id.",
            )
    return found


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unnamed distribution"


def _offer(entry: EntryPoint) -> Callable[[], Check | Broken]:
    def get() -> Check | Broken:
        try:
            loaded = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plug-in raises at import is its own `error` result
            return _broken(entry, f"cannot be imported: {type(error).__name__}: {error}")
        if not isinstance(loaded, Check):
            return _broken(entry, f"is {type(loaded).__name__}, not a validator. Decorate it with jupyter_mlgov.sdk.validator.")
        if loaded.id != entry.name:
            return _broken(entry, f'calls itself "{loaded.id}". The name of the entry point and the id must be equal.')
        return loaded

    return get


def _broken(entry: EntryPoint, why: str) -> Broken:
    sentence = f"{entry.name} ({entry.value} of {_distribution(entry)}) {why}"
    return Broken(id=entry.name, distribution=_distribution(entry), sentence=sentence[:500])


def _pack(entry: EntryPoint) -> Policy:
    where = f"the policy pack {entry.name} of {_distribution(entry)}"
    try:
        given = entry.load()()
        text = given.read_text("utf-8") if isinstance(given, Path) else given
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a pack is foreign code too; without it nothing may be judged
        raise BadInput(f"{where} cannot be loaded: {type(error).__name__}: {error}.", next="Mend or uninstall it.") from None
    if not isinstance(text, str):
        raise BadInput(f"{where} gave {type(text).__name__}.", expected="Expected TOML text, or the Path of a TOML file.")
    pack = load_policy(text, where)
    if pack.id != entry.name:
        raise BadInput(f'{where} calls itself "{pack.id}".', expected="The name of the entry point and the id must be equal.")
    return pack


def _file(name: str, entries: Mapping[str, EntryPoint], root: Path | None) -> Policy:
    path = Path(name) if root is None else root / name
    if path.suffix != ".toml":
        raise unknown("policy pack", name, sorted(entries), next="Or name a TOML file of one. See `mlgov policy list`.")
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise BadInput(
            f"The policy file {name} lies outside the workspace, so nothing that is kept with the model says what it asked.",
            expected="Expected a path inside the workspace, or the id of an installed pack.",
            next="Copy it into the workspace, or install its package (entry point group `jupyter_mlgov.policies`).",
        )
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"The policy file {name} is not UTF-8 text (byte {error.start}).", next="Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"The policy file {name} cannot be read: {why}.", next="Name a TOML file that is there.") from None
    return replace(load_policy(text, path.name), id=name)
