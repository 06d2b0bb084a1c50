"""Ways to reach a person, and what a person has: e-mail, telephone, address, card, account, vehicle, date of birth."""

from __future__ import annotations

import ipaddress
import re

from mlgov_validators import checksums as check
from mlgov_validators.kinds import Kind, words


def _public(text: str) -> bool:
    """An address on the internet; private, documentation and loopback ranges are nobody's (RFC 6890)."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in ipaddress.ip_network("2000::/3"))


def _telephone(text: str) -> bool:
    """8 to 15 digits (ITU-T E.164), not all the same; a date or an area-exchange of ones is no number."""
    number = re.split(r"x|ext", text)[0]
    count = check.digits(number)
    return (
        8 <= len(count) - 2 * number.startswith("00") <= 16 and len(set(count)) > 2 and not re.match(r"\d{2}[./-]\d{2}[./-]\d{4}$", number)
    )


def _anything(text: str) -> bool:
    return bool(text)


_PHONE_WORDS = words(
    "t[eé]l(?:[eé]f)?",
    "telefone?o?n?",
    "telephone",
    "phone",
    "mobile?",
    "cell(?:phone)?",
    "handy",
    "fax",
    "portable",
    "movil",
    "móvil",
    "cellulare",
    "komórka",
    "call(?:ed)?",
    "ring",
    "contact",
    "whatsapp",
    "sms",
    "numéro",
    "rufnummer",
)
_LETTER = "A-Za-zÀ-ɏΑ-ωЀ-ӿぁ-ヿ一-鿿가-힣"
# What stands before a number that is none of a card, however its digits add up.
_ORDERS = words(
    *(
        "order",
        "invoice",
        "tracking",
        "shipment",
        "parcel",
        "ticket",
        "batch",
        "lot",
        "serial",
        "barcode",
        "ean",
        "gtin",
        "upc",
        "isbn",
        "imei",
    ),
    *("sku", "bestell(?:ung|nr|nummer)?", "rechnung(?:snr|snummer)?", "auftrag(?:snr|snummer)?", "sendung(?:snr|snummer)?", "commande"),
    *("facture", "pedido", "factura", "ordine", "fattura", "bestelling", "factuur", "zamówienie", "faktura"),
)
_VERSIONS = words(
    "version", "ver", "v", "release", "build", "firmware", "oid", "section", "sec", "clause", "chapter", "kapitel", "abschnitt"
)

_REPOSITORIES = ("git@", "hg@", "svn@")  # addresses of repositories, not of people

EMAIL = Kind(
    name="e-mail address",
    core=rf"[{_LETTER}0-9][{_LETTER}0-9._%+'-]{{0,63}}@(?:[{_LETTER}0-9-]{{1,63}}\.){{1,5}}[{_LETTER}]{{2,24}}",
    valid=lambda text: ".." not in text and not text.endswith((".py", ".ipynb", ".parquet")) and not text.startswith(_REPOSITORIES),
    checked=False,
    before=r"(?<![\w.+-])",
    after=r"(?![\w@])",
    holds="@",
    screen="@",
)
CARD = Kind(
    name="payment card number",
    core=r"[0-9](?:[ -]?[0-9]){11,22}",
    valid=check.card,
    checked=True,
    unless=_ORDERS,
    before=r"(?<![\w.,+-])",
    digits=12,
    # One group of digits, or the first three as cards are printed: ISBNs and IBANs in groups are neither (checksums.card).
    form=r"(?:^|[^A-Za-z0-9_.,+-]|[0-9]-)(?:[0-9]{12,19}|[0-9]{4}[ -](?:[0-9]{4}[ -][0-9]{4,5}|[0-9]{6}[ -][0-9]{4,5}))(?:$|[^A-Za-z0-9_])",
)
IBAN = Kind(
    name="IBAN",
    core=r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}",
    valid=check.iban_in,
    checked=True,
    before=r"(?<!\w)",
    after=r"(?!\w)",
    digits=2,
    screen=r"[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]",
)
SSN = Kind(
    name="social security number",
    core=r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}",
    valid=check.ssn,
    checked=True,
    before=r"(?<![\w-])",
    after=r"(?![\w-])",
    digits=9,
)
IPV4 = Kind(
    name="IP address",
    # Networks 0 and 10, and all from 224 on, are not the internet's (RFC 6890): the engine can leave them out.
    core=r"(?:[1-9]|1[1-9]|[2-9][0-9]|1[0-9]{2}|2[01][0-9]|22[0-3])(?:\.[0-9]{1,3}){3}",
    valid=_public,
    checked=False,
    unless=_VERSIONS,
    before=r"(?<![\w.-])(?<!==)",
    after=r"(?![\w-]|\.[0-9])",
    holds=".",
    digits=4,
)
IPV6 = Kind(
    name="IP address (v6)",
    core=r"[23][0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}",
    valid=_public,
    checked=False,
    before=r"(?<![\w:.])",
    after=r"(?![\w:])",
    holds=":",
    screen=r"[23][0-9A-Fa-f]{3}:",
)
TELEPHONE = Kind(
    name="telephone number",
    core=(
        r"(?:\+|00)[1-9][0-9]{0,2}[ ./-]{0,2}(?:\(0?[0-9]{0,4}\)[ ./-]?)?(?:[ ./()-]{0,2}[0-9]){6,12}(?: ?(?:x|ext\.? ?)[0-9]{1,6})?"
        r"|\([2-9][0-9]{2}\)[ .-]?[2-9][0-9]{2}[ .-][0-9]{4}(?: ?(?:x|ext\.? ?)[0-9]{1,6})?"
        r"|(?:1[ .-])?[2-9][0-9]{2}[.-][2-9][0-9]{2}[.-][0-9]{4}(?: ?(?:x|ext\.? ?)[0-9]{1,6})?"
        r"|\(0[1-9][0-9]{1,4}\)[ /-]{0,2}[0-9](?:[ -]?[0-9]){4,8}"
        r"|0[1-9][0-9]{1,4}[ /-][0-9]{3,4}[ -]?[0-9]{2,4}"
        r"|0[1-9](?:[ .-][0-9]{2}){4}"
    ),
    valid=_telephone,
    checked=False,
    before=r"(?<![\w.+,(-])",
    after=r"(?![\w-]|[.,][0-9])",
    digits=8,
)
BARE_TELEPHONE = Kind(
    name="telephone number",
    core=(r"[0-9]{9,13}|[2-9][0-9]{2} [2-9][0-9]{2} [0-9]{4}|[6-9][0-9]{2}(?: [0-9]{2}){3}|[6-9][0-9]{2}(?: [0-9]{3}){2}"),
    valid=_telephone,
    checked=False,
    context=_PHONE_WORDS,
    digits=9,
)
VIN = Kind(
    name="vehicle identification number",
    core=r"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}",
    valid=check.vin,
    checked=True,
    before=r"(?<![\w-])",
    after=r"(?![\w-])",
    digits=3,
)

_STREET_AFTER = (
    r"[A-ZÀ-Ž][a-zà-ž]+(?: [A-ZÀ-Ž][a-zà-ž]+){0,2} "
    r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Terrace|Close|Crescent|Way)"
)
ADDRESS = Kind(
    name="street address",
    core=(
        rf"[0-9]{{1,5}}[a-z]? {_STREET_AFTER}"
        r"|[A-ZÀ-Ž][a-zà-žß-]+(?:straße|strasse|str\.|weg|platz|gasse|allee|ring|damm|straat|laan|plein|gracht|gatan|vägen|katu|tie)"
        r" [0-9]{1,4}[a-z]?"
        r"|[0-9]{1,4}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|place|chemin|impasse|allée|quai)"
        r" (?:de |du |des |la |le |l'|d'){0,2}[A-ZÀ-Ž][a-zà-ž]+"
        r"|(?:Calle|Avenida|Avda\.?|Plaza|Paseo|Via|Viale|Piazza|Corso|Rua|Travessa|ul\.|Aleja|Plac)"
        r" (?:[A-ZÀ-Ž]?[a-zà-ž]+ ){1,4},? ?(?:n\.? ?)?[0-9]{1,4}"
    ),
    valid=_anything,
    checked=False,
    before=r"(?<!\w)",
    after=r"(?!\w)",
    digits=1,
)
BIRTH = Kind(
    name="date of birth",
    core=r"[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}",
    valid=_anything,
    checked=False,
    context=words(
        "born",
        "birth",
        "birth ?date",
        "date of birth",
        "dob",
        "geboren",
        "geb\\.?",
        "geburtsdatum",
        "née?",
        "naissance",
        "nacimiento",
        "nascita",
        "nacido",
        "nato",
        "nata",
        "geboortedatum",
        "urodzon[ya]",
        "född",
    ),
    digits=6,
)
