"""Opens a .pkpass as a phone does: trusts nothing, then reads what the card shows.

Rules: Apple's "Wallet Passes" (Pass, PassFields) and the archived "Wallet Developer Guide". Like
`wallet.sandbox.signature` this is a reading of its own, so that a mistake of the service's builder
is not repeated here."""

import hashlib
import io
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from babel import dates, numbers
from cryptography import x509

from ledger.languages import ENGLISH, Language
from wallet.sandbox import signature, words
from wallet.sandbox.troubles import PassRefused

MEDIA_TYPE = "application/vnd.apple.pkpass"
SEVERAL_MEDIA_TYPE = "application/vnd.apple.pkpasses"
MOST_IN_ONE_FILE = 10

MOST_FILES = 40
MOST_BYTES = 10_000_000
SHORTEST_TOKEN = 16
STYLES = ("storeCard", "coupon", "generic", "eventTicket", "boardingPass")
GROUPS = ("headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields")
REQUIRED = (
    "passTypeIdentifier",
    "serialNumber",
    "teamIdentifier",
    "organizationName",
    "description",
)
SHEET = "personalization.json"
ASKED = {
    "PKPassPersonalizationFieldName": "name",
    "PKPassPersonalizationFieldPhoneNumber": "phone",
    "PKPassPersonalizationFieldEmailAddress": "email",
    "PKPassPersonalizationFieldPostalCode": "postal_code",
}
UNLISTED = frozenset({"manifest.json", "signature"})
NEW_VALUE = "%@"

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
# A file at the top, or in the folder of a language. Any other name is an attempt to get out of the
# pass.
MEMBER_NAME = re.compile(r"([A-Za-z0-9-]+\.lproj/)?[A-Za-z0-9][A-Za-z0-9@._-]*")
STRINGS_LINE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=\s*"((?:[^"\\]|\\.)*)"\s*;', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
UNESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
DATE_STYLES = {
    f"PK{kind}Style{name}": name.lower()
    for kind in ("Date", "Time")
    for name in ("Short", "Medium", "Long", "Full")
}


@dataclass(frozen=True, slots=True)
class PassField:
    """A field as pass.json has it. `style` holds the keys that say how to write the value."""

    key: str
    group: str
    label: str
    value: str | int | float
    change_message: str | None
    style: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PassBarcode:
    format: str
    message: str
    caption: str

    @property
    def number(self) -> str:
        """The card's number, whatever its code holds."""
        return self.caption or self.message


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a pass asks its owner when it is added, with the words above and the terms below."""

    asks: tuple[str, ...]
    text: str
    terms: str


@dataclass(frozen=True, slots=True)
class OpenedPass:
    """A pass whose every byte was checked. `strings`: the translations by language. `sheet`: what
    it asks its owner, while it does not know whose it is."""

    document: Mapping[str, Any] = field(repr=False)
    fields: tuple[PassField, ...]
    images: Mapping[str, bytes] = field(repr=False)
    strings: Mapping[str, Mapping[str, str]] = field(repr=False)
    sheet: Sheet | None = None

    @property
    def pass_type(self) -> str:
        return str(self.document["passTypeIdentifier"])

    @property
    def serial(self) -> str:
        return str(self.document["serialNumber"])

    @property
    def token(self) -> str:
        return str(self.document.get("authenticationToken", ""))

    @property
    def web_service_url(self) -> str | None:
        """Where it asks for news; None for a pass that never changes."""
        url = self.document.get("webServiceURL")
        return str(url).rstrip("/") if url else None

    @property
    def organization(self) -> str:
        return str(self.document["organizationName"])

    @property
    def barcode(self) -> PassBarcode | None:
        """The first one of the list, as on a phone that can draw them all."""
        listed = self.document.get("barcodes") or [self.document.get("barcode")]
        if not isinstance(listed, list) or not isinstance(listed[0], dict):
            return None
        first = listed[0]
        caption = str(first.get("altText", ""))
        return PassBarcode(str(first.get("format")), str(first.get("message", "")), caption)

    def said(self, text: str, language: Language) -> str:
        """A text of the pass in the phone's language. If the pass has no folder for that, another
        language's; a text without a translation stands as it is."""
        if not self.strings:
            return text
        folder = next(
            (name for name in self.strings if name.partition("-")[0].lower() == language),
            next(iter(self.strings)),
        )
        return self.strings[folder].get(text, text)

    def label(self, field_: PassField, language: Language) -> str:
        return self.said(field_.label, language)

    def value(self, field_: PassField, language: Language) -> str:
        """The value as the phone writes it: numbers and dates in the manner of its language."""
        if isinstance(field_.value, str) and not field_.style:
            return self.said(field_.value, language)
        return _formatted(field_, language)

    def image(self, name: str) -> bytes | None:
        """The finest of `name`.png, `name`@2x.png and `name`@3x.png."""
        scales = (f"{name}@3x.png", f"{name}@2x.png", f"{name}.png")
        return next((self.images[file] for file in scales if file in self.images), None)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a field said and says now; empty where the field was not there, or is gone."""

    label: str
    before: str
    after: str


def open_pass(bundle: bytes, root: x509.Certificate, now: datetime) -> OpenedPass:
    """Check the bundle, from the archive to its contents, and read it. Raises `PassRefused`."""
    files = _unpack(bundle)
    _require_manifest(files)
    seal = signature.verify(files["signature"], files["manifest.json"], root, now)
    document = _json_object(files, "pass.json")
    _require_keys(document)
    if document["passTypeIdentifier"] != seal.pass_type:
        raise PassRefused("pass_type_of_another_certificate")
    if document["teamIdentifier"] != seal.team:
        raise PassRefused("team_of_another_certificate")
    if not any(name.startswith("icon") for name in files):
        raise PassRefused("without_icon")
    return OpenedPass(
        document=document,
        fields=_fields(document),
        images={name: data for name, data in files.items() if name.endswith(".png")},
        strings={
            name.partition(".lproj/")[0]: _strings(data)
            for name, data in files.items()
            if name.endswith(".lproj/pass.strings")
        },
        sheet=_sheet(files, document),
    )


def open_several(data: bytes, root: x509.Certificate, now: datetime) -> tuple[OpenedPass, ...]:
    """The passes of a .pkpasses. The file has no list and no signature of its own, so each pass is
    checked as if it had come alone, and if one is refused all are. Raises `PassRefused`."""
    files = _unpack(data, MOST_IN_ONE_FILE, MOST_IN_ONE_FILE * MOST_BYTES)
    if not files or any(not name.endswith(".pkpass") for name in files):
        raise PassRefused("not_passes")
    return tuple(open_pass(bundle, root, now) for bundle in files.values())


def changes(before: OpenedPass, after: OpenedPass, language: Language) -> tuple[FieldChange, ...]:
    """The fields whose values differ, by key, in the order of the newer pass."""
    old, new = _by_key(before), _by_key(after)
    found = []
    for key in (*new, *(key for key in old if key not in new)):
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and was.value == now.value:
            continue
        said_before = before.value(was, language) if was else ""
        if now is not None:
            found.append(
                FieldChange(after.label(now, language), said_before, after.value(now, language))
            )
        elif was is not None:
            found.append(FieldChange(before.label(was, language), said_before, ""))
    return tuple(found)


def lock_screen(before: OpenedPass, after: OpenedPass, language: Language) -> str | None:
    """What the phone tells its owner of a change; None if it changes the card in silence.

    A changed value is announced if the new field has a change message. If several are, or if a
    message has no place for the value, the phone shows one general line."""
    old = _by_key(before)
    # Apple does not say whether a field that is new is announced: here it is not.
    speaking = [
        now
        for key, now in _by_key(after).items()
        if key in old and old[key].value != now.value and now.change_message
    ]
    if not speaking:
        return None
    message = after.said(speaking[0].change_message or "", language)
    if len(speaking) > 1 or NEW_VALUE not in message:
        return words.said("card_changed", language)
    return message.replace(NEW_VALUE, after.value(speaking[0], language))


def _by_key(pass_: OpenedPass) -> dict[str, PassField]:
    return {field_.key: field_ for field_ in pass_.fields}


def _sheet(files: Mapping[str, bytes], document: Mapping[str, Any]) -> Sheet | None:
    """A pass may ask if it is one for NFC, and has a logo to ask under ("Rewards Enrollment")."""
    if SHEET not in files:
        return None
    asked = _json_object(files, SHEET)
    names, text = asked.get("requiredPersonalizationFields"), asked.get("description")
    is_sound = isinstance(names, list) and names and all(name in ASKED for name in names)
    if not is_sound or not isinstance(text, str) or not text:
        raise PassRefused("bad_sheet")
    if "nfc" not in document or not any(name.startswith("personalizationLogo") for name in files):
        raise PassRefused("may_not_ask")
    terms = asked.get("termsAndConditions", "")
    return Sheet(tuple(ASKED[name] for name in names or ()), text, str(terms))


def _unpack(
    bundle: bytes, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES
) -> dict[str, bytes]:
    """All files of the zip, by name. Nothing is written anywhere."""
    if len(bundle) > most_bytes:
        raise PassRefused("too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _require_harmless(members, most_files, most_bytes)
            return {member.filename: archive.read(member) for member in members}
    # A crafted zip fails in many ways: bad lengths, cut streams, checksums that do not hold.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise PassRefused("not_a_zip") from error


def _require_harmless(members: list[zipfile.ZipInfo], most_files: int, most_bytes: int) -> None:
    if len(members) > most_files:
        raise PassRefused("too_many_files")
    if sum(member.file_size for member in members) > most_bytes:
        raise PassRefused("too_large")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise PassRefused("file_twice")
    for member in members:
        if stat.S_ISLNK(member.external_attr >> 16):
            raise PassRefused("symlink")
        if member.compress_type not in METHODS or member.flag_bits & ENCRYPTED:
            raise PassRefused("not_a_zip")
        # `orig_filename` is what stands in the zip, before Python cut or turned anything in it.
        if MEMBER_NAME.fullmatch(member.orig_filename) is None:
            raise PassRefused("path_in_zip")


def _require_manifest(files: Mapping[str, bytes]) -> None:
    for name in ("pass.json", *UNLISTED):
        if name not in files:
            raise PassRefused("file_missing", name=name)
    manifest = _json_object(files, "manifest.json")
    if manifest.keys() != files.keys() - UNLISTED:
        raise PassRefused("manifest_incomplete")
    for name, promised in manifest.items():
        # The format's own choice; what is trusted is the signature over the list.
        if hashlib.sha1(files[name], usedforsecurity=False).hexdigest() != promised:
            raise PassRefused("file_tampered", name=name)


def _json_object(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise PassRefused("not_json", name=name) from error
    if not isinstance(found, dict):
        raise PassRefused("not_json", name=name)
    return found


def _require_keys(document: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if not isinstance(document.get(name), str) or not document[name]:
            raise PassRefused("key_missing", name=name)
    if document.get("formatVersion") != 1:
        raise PassRefused("key_missing", name="formatVersion")
    if sum(style in document for style in STYLES) != 1:
        raise PassRefused("key_missing", name=" / ".join(STYLES))
    if document.get("webServiceURL"):
        if len(str(document.get("authenticationToken", ""))) < SHORTEST_TOKEN:
            raise PassRefused("key_missing", name="authenticationToken")
        # A real phone wants https; http is for its developer switch, and for this sandbox.
        if not re.match(r"https?://[^/]", str(document["webServiceURL"])):
            raise PassRefused("key_missing", name="webServiceURL")


def _fields(document: Mapping[str, Any]) -> tuple[PassField, ...]:
    style = next(document[name] for name in STYLES if name in document)
    found: dict[str, PassField] = {}
    try:
        for group in GROUPS:
            for raw in style.get(group, []):
                field_ = _field(group, raw)
                if field_.key in found:
                    raise PassRefused("field_twice", name=field_.key)
                found[field_.key] = field_
                _formatted(field_, ENGLISH)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PassRefused("bad_field") from error
    return tuple(found.values())


def _field(group: str, raw: Mapping[str, Any]) -> PassField:
    value, message = raw["value"], raw.get("changeMessage")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("a value is a text or a number")
    styles = ("numberStyle", "currencyCode", "dateStyle", "timeStyle", "ignoresTimeZone")
    return PassField(
        key=str(raw["key"]),
        group=group,
        label=str(raw.get("label", "")),
        value=value,
        change_message=str(message) if message else None,
        style={name: raw[name] for name in styles if name in raw},
    )


def _formatted(field_: PassField, language: Language) -> str:
    """A styled value that does not fit its style is no value at all: the phone refuses the pass."""
    value, style = field_.value, field_.style
    if "dateStyle" in style or "timeStyle" in style:
        return _date(str(value), style, language)
    if isinstance(value, str):
        if "numberStyle" in style or "currencyCode" in style:
            raise ValueError("a number is wanted")
        return value
    if "currencyCode" in style:
        return numbers.format_currency(value, str(style["currencyCode"]), locale=language)
    if style.get("numberStyle") == "PKNumberStylePercent":
        return numbers.format_percent(value, locale=language)
    if "numberStyle" in style:
        return numbers.format_decimal(value, locale=language)
    return str(value)


def _date(value: str, style: Mapping[str, object], language: Language) -> str:
    """The date in the zone of this machine, or in the one that is written in the value."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date comes with its time zone")
    if not style.get("ignoresTimeZone"):
        moment = moment.astimezone()
    date_style = DATE_STYLES.get(str(style.get("dateStyle")))
    time_style = DATE_STYLES.get(str(style.get("timeStyle")))
    parts = []
    if date_style:
        day: date = moment.date()
        parts.append(dates.format_date(day, date_style, locale=language))
    if time_style:
        parts.append(dates.format_time(moment.timetz(), time_style, locale=language))
    return ", ".join(parts)


def _strings(data: bytes) -> dict[str, str]:
    """A pass.strings file. UTF-16 is what Apple asks for; UTF-8 is read as well."""
    is_utf_16 = data.startswith((b"\xfe\xff", b"\xff\xfe"))
    text = data.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")
    return {_unescaped(key): _unescaped(said) for key, said in STRINGS_LINE.findall(text)}


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda match: UNESCAPED.get(match[1], match[1]), text)
