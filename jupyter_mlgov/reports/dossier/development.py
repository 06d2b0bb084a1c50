"""The model development document: thirteen sections and an appendix, each from the record or from its author."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.reports.dossier import recorded, standing
from jupyter_mlgov.reports.dossier.checked import checks
from jupyter_mlgov.reports.dossier.document import Block, Gap, Section, Table, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import asked, section

TITLE = "Model development document"
BASIS = (
    "Sections after SR 26-2 sec IV and VI (primary text) and PRA SS1/23 Principle 3.5 (paraphrased). SR 26-2 prescribes no list of "
    "sections; this one is the house's."
)
DATA = ("data.quality", "data.represent", "data.leakage", "lineage.complete")
PERSONAL = ("priv.pii", "priv.special", "priv.minimise", "priv.purpose", "priv.retention")
TESTS = (
    ("Discrimination", ("perf.discrim", "perf.benchmark")),
    ("Calibration", ("perf.calibration", "perf.backtest")),
    ("Stability and sensitivity", ("robust.sensitivity", "robust.adversarial", "monitor.drift")),
    ("Stress", ("robust.stress",)),
    ("Fairness", ("fair.*",)),
    ("Explainability", ("explain.*",)),
)


def sections(facts: DossierFacts) -> tuple[Section, ...]:
    """The numbered sections of the document."""

    def write(*ids: str) -> tuple[Block, ...]:
        return asked(facts, "development", *ids)

    tests = tuple(section(f"8.{place}", title, checks(facts, *names, caption=title)) for place, (title, names) in enumerate(TESTS, 1))
    return (
        section(
            "1",
            "Identity, owner, tier and scope",
            recorded.identity(facts),
            recorded.owners(facts),
            regimes(facts),
            write("scope", "materiality"),
        ),
        section("2", "Purpose, intended and prohibited use, boundaries", write("purpose", "prohibited", "boundaries")),
        section(
            "3",
            "Data",
            recorded.data(facts),
            recorded.columns(facts),
            checks(facts, *DATA, caption="Data checks"),
            checks(facts, *PERSONAL, caption="Personal data checks"),
            write("data_choice", "exclusions", "grounds"),
        ),
        section("4", "Theory, method, alternatives", write("theory", "alternatives")),
        section("5", "Assumptions", write("assumptions")),
        section("6", "Features", write("features"), checks(facts, "proxy.detect", caption="Proxy checks")),
        section(
            "7",
            "Training",
            recorded.training(facts),
            recorded.environment(facts),
            write("tuning"),
            checks(facts, "env.pin", "repro.rerun", "code.*", caption="Environment, code and reproduction"),
        ),
        section("8", "Developmental testing", inner=tests),
        section("9", "Limits and overlays", write("limits", "overlays"), checks(facts, "deploy.limits", caption="Limits in deployment")),
        section(
            "10",
            "Implementation",
            write("implementation"),
            checks(facts, "deploy.canary", "deploy.rollback", "deploy.killswitch", caption="Deployment checks"),
        ),
        section(
            "11",
            "Monitoring plan",
            plan(facts),
            write("response"),
            checks(facts, "monitor.plan", "monitor.performance", caption="Monitoring checks"),
        ),
        section("12", "Change history", recorded.history(facts)),
        section("13", "Open findings", standing.findings(facts)),
        section("A", "Appendix: reproduction", recorded.reproduction(facts)),
    )


def regimes(facts: DossierFacts) -> Iterator[Block]:
    """Which packs were asked, and how many of their controls bind, wait or lie outside."""
    report = facts.report
    if report is None or not report.policies:
        yield Gap(
            what="No policy pack was asked about this version.", next="Name packs under [policy] in mlgov.toml, then `mlgov validate`."
        )
        return
    rows = []
    for pack in report.policies:
        standing: dict[str, set[str]] = {}
        for item in report.requirements:
            if item.policy == pack.id:
                standing.setdefault(item.standing, set()).add(item.control)
        told = ", ".join(f"{len(controls)} {name}" for name, controls in standing.items())
        rows.append(
            (say(pack.title or pack.id), say(pack.version), say(told or "no control"), (*say(pack.digest[:19] + "…", pack.digest),))
        )
    yield Table(caption="Regimes", columns=("Pack", "Version", "Controls", "Digest"), rows=tuple(rows), widths=(34, 14, 30, 22))


def plan(facts: DossierFacts) -> Iterator[Block]:
    """The monitoring plan as the team file has it."""
    register = {name: body for name, body in facts.team.register.get("monitoring", {}).items() if isinstance(body, dict)}
    if not register:
        yield Gap(what="There is no monitoring plan.", next="Write [monitoring.METRIC] in mlgov.toml (docs/users/team-file.md).")
        return
    keys = ("threshold", "owner", "frequency", "source", "label_delay", "response")
    rows = tuple((say(name), *(say(str(body.get(key, "—")), facts.team.digest) for key in keys)) for name, body in register.items())
    yield Table(
        caption="What is watched", columns=("Metric", "Threshold", "Owner", "How often", "Source", "Label delay", "Response"), rows=rows
    )
