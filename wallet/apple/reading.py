"""What an iPhone shows of a pass: its files read again by Apple's documentation, for the virtual
phone and for previews of a design.

Rules: Apple's "Wallet Passes" (Pass, PassFields) and the archived "Wallet Developer Guide". It is a
reading of its own and knows nothing of `bundle`, which makes passes: a mistake made there is not
repeated here. Pure."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from babel import Locale, UnknownLocaleError, dates, numbers

from ledger.languages import ENGLISH

STYLES = ("storeCard", "coupon", "generic", "eventTicket", "boardingPass")
GROUPS = ("headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields")
NEW_VALUE = "%@"
STRINGS_FILE = ".lproj/pass.strings"

STRINGS_LINE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=\s*"((?:[^"\\]|\\.)*)"\s*;', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
UNESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
DATE_STYLES = {
    f"PK{kind}Style{name}": name.lower()
    for kind in ("Date", "Time")
    for name in ("Short", "Medium", "Long", "Full")
}


class FieldTwice(ValueError):
    """Two fields have this `key`."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


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
    """A pass that was opened. `strings`: the translations by language. `sheet`: what it asks its
    owner, while it does not know whose it is."""

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

    def said(self, text: str, language: str) -> str:
        """A text of the pass in the phone's language. If the pass has no folder for that, another
        language's; a text without a translation stands as it is."""
        if not self.strings:
            return text
        folder = next(
            (name for name in self.strings if name.partition("-")[0].lower() == language),
            next(iter(self.strings)),
        )
        return self.strings[folder].get(text, text)

    def label(self, field_: PassField, language: str) -> str:
        return self.said(field_.label, language)

    def value(self, field_: PassField, language: str) -> str:
        """The value as the phone writes it: numbers and dates in the manner of its language."""
        if isinstance(field_.value, str) and not field_.style:
            return self.said(field_.value, language)
        return _formatted(field_, language)

    def image(self, name: str) -> bytes | None:
        """The finest of `name`.png, `name`@2x.png and `name`@3x.png."""
        scales = (f"{name}@3x.png", f"{name}@2x.png", f"{name}.png")
        return next((self.images[file] for file in scales if file in self.images), None)


def opened(files: Mapping[str, bytes], sheet: Sheet | None = None) -> OpenedPass:
    """The pass of these files, by their paths in the bundle. Raises what `fields` raises."""
    document = json.loads(files["pass.json"])
    return OpenedPass(
        document=document,
        fields=fields(document),
        images={name: data for name, data in files.items() if name.endswith(".png")},
        strings={
            name.partition(".lproj/")[0]: strings(data)
            for name, data in files.items()
            if name.endswith(STRINGS_FILE)
        },
        sheet=sheet,
    )


def lock_screen(before: OpenedPass, after: OpenedPass, language: str, general: str) -> str | None:
    """What the phone tells its owner of a change; None if it changes the card in silence.

    A changed value is announced if the new field has a change message. If several are, or if a
    message has no place for the value, the phone shows one `general` line."""
    old = by_key(before)
    # Apple does not say whether a field that is new is announced: here it is not.
    speaking = [
        now
        for key, now in by_key(after).items()
        if key in old and old[key].value != now.value and now.change_message
    ]
    if not speaking:
        return None
    message = after.said(speaking[0].change_message or "", language)
    if len(speaking) > 1 or NEW_VALUE not in message:
        return general
    return message.replace(NEW_VALUE, after.value(speaking[0], language))


def by_key(pass_: OpenedPass) -> dict[str, PassField]:
    """The fields of a pass by their keys."""
    return {field_.key: field_ for field_ in pass_.fields}


def fields(document: Mapping[str, Any]) -> tuple[PassField, ...]:
    """The fields of a pass.json, group by group. Raises `FieldTwice`, and AttributeError, KeyError,
    TypeError or ValueError for what is no field."""
    style = next(document[name] for name in STYLES if name in document)
    found: dict[str, PassField] = {}
    for group in GROUPS:
        for raw in style.get(group, []):
            field_ = _field(group, raw)
            if field_.key in found:
                raise FieldTwice(field_.key)
            found[field_.key] = field_
            _formatted(field_, ENGLISH)
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


def _formatted(field_: PassField, language: str) -> str:
    """A styled value that does not fit its style is no value at all: the phone refuses the pass."""
    value, style, locale = field_.value, field_.style, _locale(language)
    if "dateStyle" in style or "timeStyle" in style:
        return _date(str(value), style, locale)
    if isinstance(value, str):
        if "numberStyle" in style or "currencyCode" in style:
            raise ValueError("a number is wanted")
        return value
    if "currencyCode" in style:
        return numbers.format_currency(value, str(style["currencyCode"]), locale=locale)
    if style.get("numberStyle") == "PKNumberStylePercent":
        return numbers.format_percent(value, locale=locale)
    if "numberStyle" in style:
        return numbers.format_decimal(value, locale=locale)
    return str(value)


def _date(value: str, style: Mapping[str, object], locale: Locale) -> str:
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
        parts.append(dates.format_date(day, date_style, locale=locale))
    if time_style:
        parts.append(dates.format_time(moment.timetz(), time_style, locale=locale))
    return ", ".join(parts)


@functools.lru_cache(64)
def _locale(language: str) -> Locale:
    """How a phone in this language writes numbers and dates; as in English if nobody knows it."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(ENGLISH)


def strings(data: bytes) -> dict[str, str]:
    """A pass.strings file. UTF-16 is what Apple asks for; UTF-8 is read as well."""
    is_utf_16 = data.startswith((b"\xfe\xff", b"\xff\xfe"))
    text = data.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")
    return {_unescaped(key): _unescaped(said) for key, said in STRINGS_LINE.findall(text)}


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda match: UNESCAPED.get(match[1], match[1]), text)
