"""Numbers that states give to people. A bare row of digits counts only with its word, or where most of a column passes."""

from __future__ import annotations

from mlgov_validators import checksums as check
from mlgov_validators.kinds import Kind, words


def _nino(text: str) -> bool:
    """A British national insurance number: prefixes that were never issued are none (HMRC NIM39110). It has no check digit."""
    packed = text.replace(" ", "")
    return packed[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


NATIONAL = (
    Kind(
        name="French social security number",
        core=r"[12][ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?(?:[0-9]{2}|2[AB])[ .-]?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{2}",
        valid=check.nir,
        checked=True,
        digits=14,
    ),
    Kind(
        name="Italian codice fiscale",
        digits=1,
        screen=r"[A-Z]{6}[0-9L-V]{2}[A-T]",
        core=r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
        valid=check.codice_fiscale,
        checked=True,
    ),
    Kind(
        name="Spanish DNI or NIE",
        core=r"(?:[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}|[XYZ]-?[0-9]{7})[ -]?[A-HJ-NP-TV-Z]",
        valid=check.dni,
        checked=True,
        digits=7,
    ),
    Kind(
        name="Finnish personal identity code", core=r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", valid=check.hetu, checked=True, digits=9
    ),
    Kind(name="Swiss AHV number", core=r"756[ .]?[0-9]{4}[ .]?[0-9]{4}[ .]?[0-9]{2}", valid=check.ahv, checked=True, digits=13),
    Kind(name="Brazilian CPF", core=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", valid=check.cpf, checked=True, digits=11),
    Kind(
        name="Belgian national number",
        core=r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
        valid=check.rijksregister,
        checked=True,
        digits=11,
    ),
    Kind(
        name="Chinese resident identity number",
        core=r"[1-9][0-9]{5}(?:19|[2-9][0-9])[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]",
        valid=check.resident_id,
        checked=True,
        digits=17,
    ),
    Kind(name="Swedish personnummer", core=r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", valid=check.personnummer, checked=True, digits=10),
    Kind(
        name="British national insurance number",
        core=r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
        valid=_nino,
        checked=False,
        digits=6,
    ),
    # Bare digits: one in ten or eleven passes by chance, so a word or most of a column has to say it.
    Kind(
        name="German tax identification number",
        core=r"[1-9][0-9](?:[ ]?[0-9]{3}){3}",
        valid=check.steuer_id,
        checked=True,
        digits=11,
        context=words(
            "steuer.?id(?:nr|entifikationsnummer)?\\.?",
            "steuer-?id-?nr",
            "idnr",
            "tin",
            "tax.?id",
            "steuer(?:liche)? id",
            "identifikationsnummer",
        ),
    ),
    Kind(name="Polish PESEL", core=r"[0-9]{11}", valid=check.pesel, checked=True, digits=11, context=words("pesel")),
    Kind(name="Brazilian CPF", core=r"[0-9]{11}", valid=check.cpf, checked=True, digits=11, context=words("cpf")),
    Kind(
        name="Belgian national number",
        core=r"[0-9]{11}",
        valid=check.rijksregister,
        checked=True,
        digits=11,
        context=words("rijksregister(?:nummer)?", "registre national", "insz", "niss", "nrn", "rrn"),
    ),
    Kind(
        name="Dutch BSN",
        core=r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}",
        valid=check.bsn,
        checked=True,
        digits=9,
        context=words("bsn", "burgerservicenummer", "sofi(?:nummer)?"),
    ),
    Kind(
        name="Canadian social insurance number",
        core=r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}",
        valid=check.sin,
        checked=True,
        digits=9,
        context=words("sin", "social insurance", "nas", "assurance sociale"),
    ),
    Kind(
        name="Indian Aadhaar number",
        core=r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}",
        valid=check.aadhaar,
        checked=True,
        digits=12,
        context=words("aadhaar", "aadhar", "uidai?"),
    ),
    Kind(
        name="British NHS number",
        core=r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}",
        valid=check.nhs,
        checked=True,
        digits=10,
        context=words("nhs(?: ?(?:no|number|num))?"),
    ),
    Kind(
        name="Swedish personnummer",
        core=r"(?:19|20)?[0-9]{10}",
        valid=check.personnummer,
        checked=True,
        digits=10,
        context=words("personnummer", "personnr", "pnr"),
    ),
    Kind(
        name="social security number",
        core=r"[0-9]{9}",
        valid=lambda text: check.ssn(f"{text[:3]}-{text[3:5]}-{text[5:]}") and not check.runs(text),
        checked=True,
        digits=9,
        context=words("ssn", "social security", "soc sec"),
    ),
)
