"""A Google Wallet card as a phone reads it: class and object become a face, in one language.

Google draws by its own plan: programme, points, code, then the text modules and messages; a class
may order the rows of the face (`classTemplateInfo`)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wallet.sandbox.passbook import FieldChange
from wallet.sandbox.words import Language

MODULE_PATH = re.compile(r"textModulesData\[['\"]([^'\"]+)['\"]\]")
MOST_MODULES = 10  # of the class and of the object each
DEFAULT_COLOUR = "#3c4043"

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A label with its value; `key` tells it from the others on the card."""

    key: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class AndroidCard:
    """What Google handed over: an object with its class."""

    id: str
    class_: Part = field(repr=False)
    object_: Part = field(repr=False)

    @property
    def code(self) -> str:
        """What a till reads: without a value the account's id is drawn."""
        return str(self._barcode.get("value") or self.object_.get("accountId", ""))

    @property
    def code_type(self) -> str:
        return str(self._barcode.get("type", ""))

    @property
    def caption(self) -> str:
        return str(self._barcode.get("alternateText", ""))

    @property
    def _barcode(self) -> Part:
        return self.object_.get("barcode") or {}

    @property
    def colour(self) -> str:
        return str(self.class_.get("hexBackgroundColor", DEFAULT_COLOUR))

    @property
    def is_active(self) -> bool:
        return str(self.object_.get("state", "")).upper() == "ACTIVE"

    def issuer(self, language: Language) -> str:
        return _said(self.class_, "issuerName", language)

    def programme(self, language: Language) -> str:
        return _said(self.class_, "programName", language)

    def picture(self, name: str) -> str:
        """The address of `logo` or `hero`; the object's own banner comes first."""
        found = (
            self.class_.get("programLogo")
            if name == "logo"
            else self.object_.get("heroImage") or self.class_.get("heroImage")
        )
        return str((found or {}).get("sourceUri", {}).get("uri", ""))

    def face(self, language: Language) -> list[list[Line]]:
        """The rows above the code."""
        override = self.class_.get("classTemplateInfo", {}).get("cardTemplateOverride", {})
        ordered = override.get("cardRowTemplateInfos")
        if not ordered:
            own = [*self._points(language)]
            return [own] if own else []
        rows = [[*self._ordered(row, language)] for row in ordered]
        return [row for row in rows if row]

    def details(self, language: Language) -> list[Line]:
        """What stands below the code: account, modules and messages."""
        found = []
        for name, label in (("accountName", "accountNameLabel"), ("accountId", "accountIdLabel")):
            if value := self.object_.get(name):
                found.append(Line(name, _said(self.class_, label, language), str(value)))
        return [*found, *self._modules(language), *self._messages(language)]

    def lines(self, language: Language) -> dict[str, Line]:
        """All that may change, by key."""
        whole = [*self._points(language), *self.details(language)]
        return {line.key: line for line in whole}

    def _points(self, language: Language) -> Iterator[Line]:
        for name in ("loyaltyPoints", "secondaryLoyaltyPoints"):
            if points := self.object_.get(name):
                value = balance(points.get("balance") or {}, language)
                yield Line(name, _said(points, "label", language), value)

    def _modules(self, language: Language) -> Iterator[Line]:
        for owner, part in (("object", self.object_), ("class", self.class_)):
            for number, module in enumerate(part.get("textModulesData", [])[:MOST_MODULES]):
                key = f"{owner}.{module.get('id', number)}"
                yield Line(key, _said(module, "header", language), _said(module, "body", language))

    def _messages(self, language: Language) -> Iterator[Line]:
        for owner, part in (("object", self.object_), ("class", self.class_)):
            for number, one in enumerate(part.get("messages", [])):
                key = f"{owner}.message.{one.get('id', number)}"
                yield Line(key, _said(one, "header", language), _said(one, "body", language))

    def _ordered(self, row: Part, language: Language) -> Iterator[Line]:
        """The items of a row; a path that leads to nothing is blank."""
        for items in row.values():
            for item in items.values():
                fields = item.get("firstValue", {}).get("fields", [])
                found = (self._at(one.get("fieldPath", ""), language) for one in fields)
                yield from [line for line in found if line is not None][:1]

    def _at(self, path: str, language: Language) -> Line | None:
        owner, _, rest = path.partition(".")
        lines = self.lines(language)
        if match := MODULE_PATH.match(rest):
            return lines.get(f"{owner}.{match[1]}")
        name = rest.partition(".")[0]
        if name in lines:
            return lines[name]
        value = (self.object_ if owner == "object" else self.class_).get(name)
        return Line(path, "", str(value)) if isinstance(value, str) else None


def changes(before: AndroidCard, after: AndroidCard, language: Language) -> tuple[FieldChange, ...]:
    """The lines whose values differ, in the order of the newer card."""
    old, new = before.lines(language), after.lines(language)
    found = []
    for key in (*new, *(key for key in old if key not in new)):
        was, now = old.get(key), new.get(key)
        values = (was.value if was else "", now.value if now else "")
        if values[0] != values[1]:
            label = (now or was or Line(key, "", "")).label
            found.append(FieldChange(label, *values))
    return tuple(found)


def balance(value: Part, language: Language) -> str:
    """A LoyaltyPointsBalance as it is drawn."""
    if "money" in value:
        amount = int(value["money"]["micros"]) / 1_000_000
        return f"{amount:.2f} {value['money'].get('currencyCode', '')}"
    number = next(iter(value.values()), "")
    if isinstance(number, int):
        grouped = f"{number:,}"
        return grouped.replace(",", "\u00a0") if language == "ru" else grouped
    return str(number)


def _said(part: Part, name: str, language: Language) -> str:
    """A text in the phone's language where there is one: `label`, and `localizedLabel` above it."""
    localized = part.get(f"localized{name[0].upper()}{name[1:]}") or {}
    default = localized.get("defaultValue") or {}
    for one in (*localized.get("translatedValues", ()), default):
        if str(one.get("language", "")).partition("-")[0].lower() == language:
            return str(one.get("value", ""))
    return str(default.get("value") or part.get(name, ""))
