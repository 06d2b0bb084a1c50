"""Words that tell a special category (GDPR Art 9(1), 10): in the names of columns, and as values of a column. Written down here by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlgov_validators.kinds import words

# Patterns, in English, German, French, Spanish, Italian, Dutch. A line begins a category; whole words: `racecourse` says nothing.
_NAMES = """
racial or ethnic origin: race, racial, ethnic(?:ity)?, ethnie, etnia, ethnische herkunft, hautfarbe, raza, razza, origine ethnique
    skin colou?r, white, black, hispan(?:ic)?, latin[oax], asian, nonwhite, tribe, caste, roma
political opinions: politic(?:al|s)?, party membership, partei, parti politique, partido, partito, vot(?:e|er|ing)
religious or philosophical beliefs: religio(?:n|us), religión, religione, konfession, kirche, kirchensteuer, croyance, faith, beliefs?
    denomination, church tax
trade union membership: trade union, union member(?:ship)?, gewerkschaft, syndicat, sindicato, sindacato, vakbond
genetic data: genetic, genom(?:e|ic), dna, snp, genetisch, génétique, genético
biometric data: biometric, fingerprint, iris, face embedding, voiceprint, biometrisch, biométrique
health: health, diagnos(?:is|es|e), icd(?:10|9)?, disab(?:led|ility), disease, illness, medic(?:al|ation), sick(?:ness)?, patient
    gesundheit, krankheit, behinderung, santé, maladie, handicap, salud, enfermedad, salute, pregnan(?:t|cy), bmi, smoker, hiv
    mental, hospital(?:ised|ized)?, prescription
sex life or sexual orientation: sexual, orientation sexuelle, sexuality, lgbtq?, gay, sex life
criminal convictions: criminal, convict(?:ion|ed)?s?, offen[cs]es?, arrest(?:s|ed)?, felony, prison, vorstrafen?, casier judiciaire
    antecedentes penales
"""
_VALUES = """
racial or ethnic origin: white, black, asian, hispanic, latino, latina, caucasian, african-american, african american, native american
    american indian, pacific islander, non-white, non-hispanic, roma, arab
religious or philosophical beliefs: catholic, roman catholic, protestant, muslim, jewish, hindu, buddhist, sikh, atheist, agnostic
    christian, orthodox, evangelisch, katholisch, islam, konfessionslos
political opinions: democrat, republican, liberal, conservative, labour, socialist, communist, cdu, spd, afd, fdp
sex life or sexual orientation: heterosexual, homosexual, bisexual, gay, lesbian, straight, queer, asexual
"""


def _lists(text: str) -> Iterator[tuple[str, list[str]]]:
    """(category, its words): a line that is set in goes on from the one above."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        category, _, listed = entry.partition(": ")
        yield category, [word.strip() for word in re.split(r",|\n", listed) if word.strip()]


NAMES: Mapping[str, re.Pattern[str]] = {category: words(*listed) for category, listed in _lists(_NAMES)}
VALUES: Mapping[str, frozenset[str]] = {category: frozenset(listed) for category, listed in _lists(_VALUES)}
