"""A Google Wallet card as a phone reads it: class and object become a face, in one language.
For the virtual phone, and for previews of a design. It knows nothing of `objects`, which makes
cards.

A class may say where everything stands (`classTemplateInfo`). Without that Google draws by its own
plan: points above the code, account and text modules below it. Pure."""

import hmac
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# `object.accountName`, `object.loyaltyPoints.balance`, `object.textModulesData['offer']`
PATH = re.compile(
    r"(object|class)\.(?:textModulesData\[['\"](?P<module>[\w-]+)['\"]\]|(?P<name>[A-Za-z.]+))"
)
MOST_MODULES = 10  # of the class and of the object each
DEFAULT_COLOUR = "#3c4043"
LIGHT, DARK = "#ffffff", "#202124"
# Relative luminance at which black and white text are equally easy to read (WCAG 2.2).
EVEN = 0.179

CardPart = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CardLine:
    """A label with its value; `key` tells it from the others on the card."""

    key: str
    label: str
    value: str

    def __bool__(self) -> bool:
        return bool(self.value)


BLANK = CardLine("", "", "")


@dataclass(frozen=True, slots=True)
class AndroidCard:
    """What Google handed over: an object with its class."""

    id: str
    class_: CardPart = field(repr=False)
    object_: CardPart = field(repr=False)

    @property
    def code(self) -> str:
        """What a till reads, unless the code rotates. A code without a value is drawn from the
        account's id."""
        return str(self._barcode.get("value") or self.object_.get("accountId", ""))

    @property
    def code_type(self) -> str:
        return str(self._barcode.get("type", ""))

    @property
    def caption(self) -> str:
        return str(self._barcode.get("alternateText", ""))

    @property
    def number(self) -> str:
        """The card's number, whatever its code holds."""
        return self.caption or self.code

    @property
    def rotates_every_s(self) -> int | None:
        """How often, in seconds, the phone draws another code; None if its code does not rotate."""
        details = self._rotating.get("totpDetails") or {}
        millis = int(details.get("periodMillis", 0))
        return millis // 1000 if millis and details.get("parameters") else None

    def drawn_at(self, now: datetime) -> str:
        """What a till reads at this moment. A rotating code comes before one that does not
        rotate."""
        period_s = self.rotates_every_s
        if period_s is None:
            return self.code
        seconds = int(now.timestamp())
        text = str(self._rotating["valuePattern"])
        text = text.replace("{totp_timestamp_seconds}", str(seconds))
        text = text.replace("{totp_timestamp_millis}", str(seconds * 1000))
        for place, parameter in enumerate(self._rotating["totpDetails"]["parameters"]):
            value = _totp(parameter["key"], seconds // period_s, parameter["valueLength"])
            text = text.replace(f"{{totp_value_{place}}}", value)
        return text

    @property
    def _rotating(self) -> CardPart:
        return self.object_.get("rotatingBarcode") or {}

    @property
    def _barcode(self) -> CardPart:
        return self.object_.get("barcode") or {}

    @property
    def colour(self) -> str:
        found = self.class_.get("hexBackgroundColor") or self.object_.get("hexBackgroundColor")
        return str(found or DEFAULT_COLOUR)

    @staticmethod
    def ink_on(colour: str) -> str:
        """The colour of the text: Google chooses one that can be read on the class's colour."""
        return LIGHT if _luminance(colour) < EVEN else DARK

    @property
    def is_active(self) -> bool:
        return str(self.object_.get("state", "")).upper() == "ACTIVE"

    def issuer(self, language: str) -> str:
        """Who issued the card. A generic card says it itself, since its class has no texts."""
        return _said(self.class_, "issuerName", language) or spoken(
            self.object_.get("cardTitle"), language
        )

    def programme(self, language: str) -> str:
        """What the card is called: the programme of a loyalty card, the title of a coupon or of a
        generic card."""
        return (
            _said(self.class_, "programName", language)
            or _said(self.class_, "title", language)
            or spoken(self.object_.get("header"), language)
        )

    def picture(self, name: str) -> str:
        """The address of `logo` or `hero`; the object's own banner comes first."""
        found = (
            self.class_.get("programLogo") or self.object_.get("logo")
            if name == "logo"
            else self.object_.get("heroImage") or self.class_.get("heroImage")
        )
        return str((found or {}).get("sourceUri", {}).get("uri", ""))

    def face(self, language: str) -> list[list[CardLine]]:
        """The rows above the code. An item whose path leads to nothing keeps its place and is
        blank."""
        ordered = self._template("cardTemplateOverride").get("cardRowTemplateInfos")
        title = [*self._title(language)]
        if not ordered:
            own = [*title, *self._points(language)]
            return [own] if own else []
        rows = [title, *(self._row(row, language) for row in ordered)]
        return [row for row in rows if any(row)]

    def listed(self, language: str) -> tuple[CardLine, CardLine]:
        """The card's two lines among other passes."""
        ordered = self._template("listTemplateOverride")
        first = self._selected((ordered.get("firstRowOption") or {}).get("fieldOption"), language)
        second = self._selected(ordered.get("secondRowOption"), language)
        return (
            first or CardLine("issuerName", "", self.issuer(language)),
            second or CardLine("programName", "", self.programme(language)),
        )

    def details(self, language: str) -> list[CardLine]:
        """What stands below the code: modules, then messages."""
        ordered = self._template("detailsTemplateOverride").get("detailsItemInfos")
        if ordered:
            lines = [self._item(one.get("item") or {}, language) for one in ordered]
            found = [line for line in lines if line]
        else:
            found = [*self._account(language), *self._modules(language)]
        return [*found, *self._messages(language)]

    def lines(self, language: str) -> dict[str, CardLine]:
        """All that may change, by key."""
        whole = (self._title, self._points, self._account, self._modules, self._messages)
        return {line.key: line for part in whole for line in part(language)}

    def _template(self, part: str) -> CardPart:
        return (self.class_.get("classTemplateInfo") or {}).get(part) or {}

    def _title(self, language: str) -> Iterator[CardLine]:
        """The title of a generic card, which every one has: it stands above all rows."""
        if header := spoken(self.object_.get("header"), language):
            yield CardLine("header", spoken(self.object_.get("subheader"), language), header)

    def _account(self, language: str) -> Iterator[CardLine]:
        for name, label in (("accountName", "accountNameLabel"), ("accountId", "accountIdLabel")):
            if value := self.object_.get(name):
                yield CardLine(name, _said(self.class_, label, language), str(value))

    def _points(self, language: str) -> Iterator[CardLine]:
        for name in ("loyaltyPoints", "secondaryLoyaltyPoints"):
            if points := self.object_.get(name):
                value = balance(points.get("balance") or {}, language)
                yield CardLine(name, _said(points, "label", language), value)

    def _modules(self, language: str) -> Iterator[CardLine]:
        for owner, part in (("object", self.object_), ("class", self.class_)):
            for number, module in enumerate(part.get("textModulesData", [])[:MOST_MODULES]):
                key = f"{owner}.{module.get('id', number)}"
                yield CardLine(
                    key, _said(module, "header", language), _said(module, "body", language)
                )

    def _messages(self, language: str) -> Iterator[CardLine]:
        for owner, part in (("object", self.object_), ("class", self.class_)):
            for number, one in enumerate(part.get("messages", [])):
                key = f"{owner}.message.{one.get('id', number)}"
                yield CardLine(key, _said(one, "header", language), _said(one, "body", language))

    def _row(self, row: CardPart, language: str) -> list[CardLine]:
        items: CardPart = next(iter(row.values()), {})
        places = ("item", "startItem", "middleItem", "endItem")
        return [self._item(items[place], language) for place in places if place in items]

    def _item(self, item: CardPart, language: str) -> CardLine:
        """One field, or two with a slash between them; `BLANK` where there is nothing."""
        pair = [self._selected(item.get(name), language) for name in ("firstValue", "secondValue")]
        first, *second = [line for line in pair if line] or [BLANK]
        if not second:
            return first
        label, value = (
            f"{a} / {b}"
            for a, b in ((first.label, second[0].label), (first.value, second[0].value))
        )
        return CardLine(f"{first.key}/{second[0].key}", label, value)

    def _selected(self, selector: CardPart | None, language: str) -> CardLine | None:
        """The first of the fields that is not empty."""
        fields = (selector or {}).get("fields", [])
        found = (self._at(one.get("fieldPath", ""), language) for one in fields)
        return next((line for line in found if line), None)

    def _at(self, path: str, language: str) -> CardLine | None:
        """What stands at a path; None for one that leads to nothing."""
        match = PATH.fullmatch(path)
        if match is None:
            return None
        owner, module, name = match.groups()
        if module is not None:
            return self.lines(language).get(f"{owner}.{module}")
        if owner == "object":
            return self.lines(language).get(name.removesuffix(".balance"))
        value = _said(self.class_, name, language)
        return CardLine(path, "", value) if value else None


def balance(value: CardPart, language: str) -> str:
    """A LoyaltyPointsBalance as it is drawn."""
    if "money" in value:
        amount = int(value["money"]["micros"]) / 1_000_000
        return f"{amount:.2f} {value['money'].get('currencyCode', '')}"
    number = next(iter(value.values()), "")
    if isinstance(number, int):
        grouped = f"{number:,}"
        return grouped.replace(",", "\u00a0") if language == "ru" else grouped
    return str(number)


def _said(part: CardPart, name: str, language: str) -> str:
    """A text in the phone's language if there is one: `localizedLabel` comes before `label`."""
    localized = part.get(f"localized{name[0].upper()}{name[1:]}")
    return spoken(localized, language) or str(part.get(name, ""))


def spoken(localized: CardPart | None, language: str) -> str:
    """A LocalizedString in the phone's language, otherwise its default value."""
    default = (localized or {}).get("defaultValue") or {}
    for one in (*(localized or {}).get("translatedValues", ()), default):
        if str(one.get("language", "")).partition("-")[0].lower() == language:
            return str(one.get("value", ""))
    return str(default.get("value", ""))


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of `#rgb` or `#rrggbb`."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [channel / 255 for channel in bytes.fromhex(digits)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _totp(key: str, step: int, length: int) -> str:
    """RFC 6238 with SHA-1, on the bytes of a Base16 key."""
    mac = hmac.new(bytes.fromhex(key), struct.pack(">Q", step), "sha1").digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**length).zfill(length)
