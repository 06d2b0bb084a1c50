"""The files that European law asks for: AI Act Annex IV, the record of processing, DPIA and FRIA."""

from __future__ import annotations

from jupyter_mlgov.reports.dossier import recorded
from jupyter_mlgov.reports.dossier.checked import checks
from jupyter_mlgov.reports.dossier.development import DATA, PERSONAL, plan
from jupyter_mlgov.reports.dossier.document import Block, Section
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import asked, section
from jupyter_mlgov.reports.dossier.validation import signatures

ANNEX_TITLE = "Technical documentation under Annex IV of the EU AI Act"
ANNEX_BASIS = (
    "The nine headings of Annex IV as paraphrased in other documents (mark S): hold them against the Official Journal before they are "
    "filed. High-risk duties of Annex III apply from 2 December 2027; until then this file shows readiness. Kept for 10 years (Art 18)."
)
ROPA_TITLE = "Record of processing activities, GDPR Article 30(1)"
ROPA_BASIS = "Fields (a) to (g) of Article 30(1), primary text; paraphrased. The controller's own record is the one that counts."
DPIA_TITLE = "Data protection impact assessment, GDPR Article 35"
DPIA_BASIS = (
    "Contents (a) to (d) of Article 35(7) with 35(2), 35(9) and 35(11), primary text; paraphrased. The judgement is the controller's."
)
FRIA_TITLE = "Fundamental rights impact assessment, EU AI Act Article 27"
FRIA_BASIS = (
    "Elements (a) to (f) of Article 27(1), seen as quotations (mark Q); it may point to parts of the DPIA, which does not replace it."
)


def annex_iv(facts: DossierFacts) -> tuple[Section, ...]:
    """The nine headings, with the record under those it answers."""

    def write(*ids: str) -> tuple[Block, ...]:
        return asked(facts, "annex-iv", *ids)

    return (
        section("1", "General description", recorded.identity(facts), write("intended", "instructions")),
        section(
            "2",
            "Elements and development",
            write("design", "class"),
            recorded.training(facts),
            recorded.data(facts),
            recorded.columns(facts),
            checks(facts, *DATA, *PERSONAL, caption="Data checks"),
            write("oversight", "predetermined", "cybersecurity"),
            signatures(facts),
            checks(facts, "robust.adversarial", "code.*", caption="Security of the model and its code"),
        ),
        section(
            "3",
            "Monitoring, functioning and control",
            checks(facts, "perf.discrim", "perf.calibration", "fair.*", caption="Accuracy, by group where groups are declared"),
            write("harms", "inputs"),
        ),
        section("4", "Why these metrics fit", write("metrics")),
        section("5", "Risk management system", write("risk_system"), checks(facts, "gov.findings", "gov.inventory", caption="Risk checks")),
        section("6", "Changes over the life of the system", recorded.history(facts)),
        section("7", "Standards applied or other solutions", write("standards")),
        section("8", "EU declaration of conformity", write("declaration")),
        section(
            "9", "Post-market monitoring plan", plan(facts), write("post_market"), checks(facts, "monitor.*", caption="Monitoring checks")
        ),
    )


def record(facts: DossierFacts) -> tuple[Section, ...]:
    """One entry of the record of processing."""
    fields = ("controller", "purposes", "categories", "recipients", "transfers", "limits", "security")
    return (
        section("1", "The entry", *(asked(facts, "ropa", field) for field in fields)),
        section(
            "2",
            "What the record of the model shows",
            recorded.data(facts),
            recorded.columns(facts),
            checks(facts, *PERSONAL, caption="Personal data checks"),
        ),
        section("3", "The entry held against its rule", checks(facts, "priv.ropa", "audit.retention", caption="Record checks")),
    )


def assessment(facts: DossierFacts) -> tuple[Section, ...]:
    """The data protection impact assessment."""

    def write(*ids: str) -> tuple[Block, ...]:
        return asked(facts, "dpia", *ids)

    return (
        section("1", "Description of the processing and its purposes", write("description"), recorded.data(facts)),
        section(
            "2",
            "Necessity and proportionality",
            write("necessity"),
            checks(facts, "priv.minimise", "priv.purpose", caption="Minimisation and purpose"),
        ),
        section(
            "3",
            "Risks to people",
            write("risks"),
            checks(facts, "fair.*", "proxy.detect", "priv.special", caption="What was measured about groups"),
        ),
        section(
            "4",
            "Measures",
            write("measures"),
            checks(facts, "priv.pii", "priv.retention", "human.oversight", caption="What was measured about measures"),
        ),
        section("5", "Advice of the data protection officer", write("dpo")),
        section("6", "Views of the people concerned", write("views")),
        section("7", "Review", write("review"), checks(facts, "priv.dpia", caption="The assessment held against its rule")),
    )


def rights(facts: DossierFacts) -> tuple[Section, ...]:
    """The fundamental rights impact assessment."""
    ids = ("process", "period", "people", "harms", "oversight", "measures")
    titles = ("Process", "Period and frequency", "People and groups", "Risks of harm", "Human oversight", "When risks come true")
    return tuple(
        section(str(place), title, asked(facts, "fria", name)) for place, (name, title) in enumerate(zip(ids, titles, strict=True), 1)
    )
