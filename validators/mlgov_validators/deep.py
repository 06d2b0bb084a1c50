"""presidio as a second pair of eyes: its recognizers on a sample of each column and on the notebook's texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_mlgov.sdk import Finding, Subject, Verdict
from mlgov_validators.columns import candidates, seen_share
from mlgov_validators.intervals import wilson

SAMPLE = 1_000
LONGEST = 100_000  # characters of one text
SCORE = 0.5
MISSING = 'presidio is not installed, so its recognizers were not run. Run `pip install "jupyter-mlgov[pii]"`, or set deep = false.'

Engine = Callable[[str], set[str]]


def deep_findings(subject: Subject, share: float) -> list[Finding]:
    """What presidio recognizes with a score of 0.5 or more; one `inconclusive` finding where it is not installed or breaks."""
    try:
        recognize, has_names = engine()
    except ImportError:
        return [Finding(message=MISSING, verdict=Verdict.INCONCLUSIVE)]
    found = [*_columns(subject, share, recognize), *_texts(subject, recognize)]
    if not has_names:
        said = "presidio ran without a language model: its recognizers of patterns only, none of names and places."
        found.append(Finding(message=said, verdict=Verdict.PASS))
    return found


def engine() -> tuple[Engine, bool]:
    """A function text -> entity types, and whether a language model for names is there."""
    found, has_names = analyzer()
    return lambda text: {item.entity_type for item in found.analyze(text, language="en", score_threshold=SCORE)}, has_names


def analyzer() -> tuple[Any, bool]:
    """presidio's AnalyzerEngine, and whether a language model for names is there. Nothing is downloaded."""
    import logging

    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider, SpacyNlpEngine

    # presidio asks tldextract, which would fetch a list of suffixes from the network and write it to a cache: the bundled one does.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    model = next((name for name in ("en_core_web_lg", "en_core_web_md", "en_core_web_sm") if spacy.util.is_package(name)), "")
    if model:
        settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
        nlp = NlpEngineProvider(nlp_configuration=settings).create_engine()
    else:
        blank: Any = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
        blank.nlp = {"en": spacy.blank("en")}
        nlp = blank
    return AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"]), bool(model)


def _columns(subject: Subject, share: float, recognize: Engine) -> Iterator[Finding]:
    if not subject.has_table:
        return
    table = subject.table
    for column in table.columns:
        if not table[column].type().is_string() or column in subject.roles.declared_personal:
            continue
        sample = candidates(subject.ask, table, table[column], most=SAMPLE)
        rows = sum(number for _, number in sample.values)
        counts: Counter[str] = Counter()
        for value, number in sample.values:
            counts.update(dict.fromkeys(recognize(value[:LONGEST]), number))
        for entity, number in sorted(counts.items()):
            if entity not in ("DATE_TIME", "URL"):
                said = (
                    f"presidio sees {entity} in {number:,} of the {rows:,} rows of {column} it looked at, and nobody declared the column."
                )
                if sample.sampled:
                    said += f" What {seen_share(len(sample.values)):.2%} or more of the values hold would have been seen with 99 %."
                verdict = Verdict.WARN if number >= share * rows else Verdict.PASS
                yield Finding(message=said, verdict=verdict, measured=number / rows, n=rows, interval=wilson(number, rows), where=column)


def _texts(subject: Subject, recognize: Engine) -> Iterator[Finding]:
    for text in subject.texts:
        for entity in sorted(recognize(text.content[:LONGEST]) - {"DATE_TIME", "URL"}):
            where = text.where[:1].upper() + text.where[1:]
            yield Finding(message=f"{where} holds what presidio takes for {entity}.", verdict=Verdict.WARN, where=text.where)
        if len(text.content) > LONGEST:
            said = f"presidio looked at the first {LONGEST:,} characters of {text.where} only."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=text.where)
