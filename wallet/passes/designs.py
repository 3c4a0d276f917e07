"""Which designs a card can have in any wallet. Each vendor adds rules of its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from ledger.languages import TAG
from wallet.errors import DesignRefused
from wallet.passes import plain, rules
from wallet.passes.content import (
    Alignment,
    DateFormat,
    Design,
    Detector,
    Fact,
    FieldDesign,
    NumberFormat,
    PassKind,
    Slot,
    Symbology,
)
from wallet.passes.parts import (
    Action,
    App,
    Asked,
    BackMessage,
    Beacon,
    Enrolment,
    Link,
    RelevantTime,
    SemanticAction,
    Translations,
)
from wallet.passes.rules import Rule

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# Control characters except tab and line ends, and lone surrogates: not every file format can hold
# them.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
NEW_VALUE = "%@"
NUMBERS = frozenset[Fact]({"points"})
DATES = frozenset[Fact]({"expires"})


def said(text: Translations, language: str, default: str) -> str:
    """`text` in `language`; if it is not translated there, in the `default` language."""
    return text.get(language) or text.get(default, "")


def check(design: Design) -> None:
    """Refuse a design that no wallet could show. Raises `DesignRefused`, which names the part to
    change."""
    _check_languages(design.languages)
    _require_text("organization", design.organization_name)
    _check_translations("organization", design.names, design.languages)
    _require_text("description", design.description.get(design.languages[0], ""))
    _check_translations("description", design.description, design.languages)
    _check_translations("logo_text", design.logo_texts, design.languages)
    for place, named in (("organization", design.names), ("logo_text", design.logo_texts)):
        _check_plain(place, named)
    for name in ("background", "foreground", "label_colour"):
        if COLOUR.fullmatch(getattr(design, name)) is None:
            raise DesignRefused(name, "a colour is written #rrggbb, for example #1f3a5f.")
    _require_one_of("kind", design.kind, get_args(PassKind))
    _require_one_of("symbology", design.symbology, get_args(Symbology))
    keys: set[str] = set()
    for field in design.fields:
        _check_field(field, design.languages)
        if field.key in keys:
            raise DesignRefused(
                f"fields.{field.key}", "two fields have this key; each needs its own."
            )
        keys.add(field.key)
    for place, key in _keys_of_parts(design):
        if key in keys:
            raise DesignRefused(place, "another part or field has this key; each needs its own.")
        keys.add(key)
    _check_parts(design)


def texts(design: Design) -> Iterator[tuple[str, Translations]]:
    """Every text that a card has in several languages, with its place in the design."""
    yield "description", design.description
    for place, named in (("organization", design.names), ("logo_text", design.logo_texts)):
        if len(named) > 1:
            yield place, named
    for field in design.fields:
        for name in ("label", "change_message", "text", "linked"):
            if (text := getattr(field, name)) is not None:
                yield f"fields.{field.key}.{name}", text
    for place, part in _parts(design):
        for name in ("text", "label", "title", "terms"):
            if (text := getattr(part, name, None)) is not None:
                yield f"{place}.{name}", text


def _parts(design: Design) -> Iterator[tuple[str, Any]]:
    for name in rules.MOST:
        for number, part in enumerate(getattr(design, name)):
            yield f"{name}.{number}", part
    for name in ("nfc", "app", "enrolment"):
        if (part := getattr(design, name)) is not None:
            yield name, part


def _keys_of_parts(design: Design) -> Iterator[tuple[str, str]]:
    for place, part in _parts(design):
        if hasattr(part, "key"):
            yield f"{place}.key", part.key


def _check_parts(design: Design) -> None:
    for name, most in rules.MOST.items():
        if len(getattr(design, name)) > most:
            raise DesignRefused(name, "a card has room for {most} of them.", most=most)
    _check_by("", design, rules.DESIGN)
    if design.fallback is not None:
        _require_one_of("fallback", design.fallback, get_args(Symbology))
    _check_semantics("semantics", design.semantics)
    for place, part in _parts(design):
        _check_by(f"{place}.", part, rules.PARTS.get(type(part), {}))
        _check_texts(place, part, design.languages)
        match part:
            case RelevantTime():
                _check_occasion(place, part)
            case Beacon(major=None, minor=int()):
                raise DesignRefused(f"{place}.minor", "says nothing without major.")
            case Action():
                _require_one_of(f"{place}.type", part.type, get_args(SemanticAction))
            case App(launch_url=str(), store_ids=()):
                raise DesignRefused(f"{place}.launch_url", "needs store_ids: whose address is it?")
    _check_together(design)


def _check_together(design: Design) -> None:
    """Rules about several parts at once."""
    if design.enrolment is not None:
        if design.nfc is None or design.kind != "loyalty":
            raise DesignRefused("enrolment", "phones ask on loyalty cards with nfc alone.")
        for word in design.enrolment.asks:
            _require_one_of("enrolment.asks", word, get_args(Asked))
        if not 0 < len(design.enrolment.asks) == len(set(design.enrolment.asks)):
            raise DesignRefused("enrolment.asks", "name what to ask for, each once.")
    if len({beacon.uuid.lower() for beacon in design.beacons}) > rules.MOST_UUIDS:
        raise DesignRefused("beacons", "at most {most} different uuids.", most=rules.MOST_UUIDS)
    if len({one.identifier for one in design.featured_actions}) < len(design.featured_actions):
        raise DesignRefused("featured_actions", "both have the same identifier.")


def _check_texts(place: str, part: Any, languages: tuple[str, ...]) -> None:
    """Refuse a link without a name and news without words: they would be empty lines."""
    match part:
        case Enrolment():
            needed = {"text"}
        case Link() | BackMessage():
            needed = {"label", "title", "text"}
        case App(android_package=str()):
            needed = {"label"}
        case _:
            needed = set()
    for name in ("label", "title", "text", "terms"):
        text = getattr(part, name, None)
        if isinstance(text, Mapping):
            _check_translations(f"{place}.{name}", text, languages)
            if name in needed:
                _require_text(f"{place}.{name}", text.get(languages[0], ""))


def _check_occasion(place: str, occasion: RelevantTime) -> None:
    for name in ("begins", "ends"):
        if (value := getattr(occasion, name)) is not None:
            _require(f"{place}.{name}", value, rules.A_MOMENT)
    begins = rules.moment(occasion.begins)
    ends = rules.moment(occasion.ends) if occasion.ends is not None else None
    if begins is None or ends is None:
        return
    if ends <= begins:
        raise DesignRefused(f"{place}.ends", "must be later than begins.")
    if ends - begins > rules.LONGEST_OCCASION:
        raise DesignRefused(f"{place}.ends", "must be within 24 hours after begins.")


def _check_by(prefix: str, part: Any, table: Mapping[str, Rule]) -> None:
    """Check the values of a part by the rules of its table. Values that were not given are not
    checked."""
    for field in fields(part):
        value = getattr(part, field.name)
        if value is None:
            continue
        if field.name in table:
            _require(f"{prefix}{field.name}", value, table[field.name])
        if isinstance(value, str):
            _refuse_unwritable(f"{prefix}{field.name}", value)


def _check_semantics(place: str, tags: Mapping[str, Any]) -> None:
    for name, value in tags.items():
        if name not in rules.SEMANTICS:
            raise DesignRefused(
                f"{place}.{name}",
                "there is no such tag here; there are {known}.",
                known=", ".join(rules.SEMANTICS),
            )
        _require(f"{place}.{name}", value, rules.SEMANTICS[name])


def _require(place: str, value: Any, rule: Rule) -> None:
    if not rule.holds(value):
        raise DesignRefused(place, rule.words, **rule.facts)


def _check_languages(languages: tuple[str, ...]) -> None:
    if not languages:
        raise DesignRefused("languages", "at least one is needed; the first is the default.")
    for language in languages:
        if TAG.fullmatch(language) is None:
            raise DesignRefused(
                "languages",
                "'{language}' is not a language code such as ru, de-AT or zh-Hans.",
                language=language,
            )
    if len({language.casefold() for language in languages}) < len(languages):
        raise DesignRefused("languages", "a language is named twice.")


def _check_field(field: FieldDesign, languages: tuple[str, ...]) -> None:
    place = f"fields.{field.key}"
    _require(place, field.key, rules.A_KEY)
    _require_one_of(f"{place}.slot", field.slot, get_args(Slot))
    _require_one_of(f"{place}.shows", field.shows, get_args(Fact))
    _check_translations(f"{place}.label", field.label, languages)
    _check_text(place, field, languages)
    _check_format(place, field)
    _check_semantics(f"{place}.semantics", field.semantics)
    if field.change_message is None:
        return
    message = f"{place}.change_message"
    _require_text(message, field.change_message.get(languages[0], ""))
    _check_translations(message, field.change_message, languages)
    for language in languages:
        # The message is filled with one value: a second %@ would have nothing to show.
        if said(field.change_message, language, languages[0]).count(NEW_VALUE) != 1:
            raise DesignRefused(
                message,
                "in {language}: {place} must stand once, where the new value goes.",
                language=language,
                place=NEW_VALUE,
            )


def _check_text(place: str, field: FieldDesign, languages: Sequence[str]) -> None:
    """A field that shows "text" must have a text; other fields must not."""
    for name in ("text", "linked"):
        text = getattr(field, name)
        if text is None:
            continue
        if field.shows != "text":
            raise DesignRefused(f"{place}.{name}", 'belongs to a field that shows "text".')
        _check_translations(f"{place}.{name}", text, tuple(languages))
    if field.shows == "text":
        _require_text(f"{place}.text", (field.text or {}).get(languages[0], ""))
    for language, text in (field.linked or {}).items():
        if not rules.is_linked(text):
            raise DesignRefused(
                f"{place}.linked",
                'in {language}: only links as in <a href="https://shop.example">our shop</a>, and'
                " & is written &amp;.",
                language=language,
            )


def _check_format(place: str, field: FieldDesign) -> None:
    """A value has at most one format, and one that fits it: a phone rejects the whole pass if a
    value does not fit its format."""
    for name, words in (
        ("number", NumberFormat),
        ("date", DateFormat),
        ("time", DateFormat),
        ("alignment", Alignment),
    ):
        if (word := getattr(field, name)) is not None:
            _require_one_of(f"{place}.{name}", word, get_args(words))
    _check_by(f"{place}.", field, rules.FIELD)
    _check_kind_of_value(place, field)
    if field.number is not None and field.currency is not None:
        raise DesignRefused(f"{place}.currency", "excludes number: give one of the two.")
    if field.alignment is not None and field.slot in ("primary", "back"):
        raise DesignRefused(
            f"{place}.alignment", "has no effect in the slot {slot}.", slot=field.slot
        )
    for name in ("detectors", "linked"):
        if getattr(field, name) is not None and field.slot != "back":
            raise DesignRefused(f"{place}.{name}", "works on the back alone.")
    for word in field.detectors or ():
        _require_one_of(f"{place}.detectors", word, get_args(Detector))


def _check_kind_of_value(place: str, field: FieldDesign) -> None:
    for name in ("number", "currency"):
        if getattr(field, name) and field.shows not in NUMBERS:
            raise DesignRefused(
                f"{place}.{name}",
                "is for numbers, and a field that shows {fact} has none.",
                fact=field.shows,
            )
    for name in ("date", "time", "relative", "ignores_time_zone"):
        if getattr(field, name) and field.shows not in DATES:
            raise DesignRefused(
                f"{place}.{name}",
                "is for dates, and a field that shows {fact} has none.",
                fact=field.shows,
            )


def _check_translations(place: str, text: Translations, languages: tuple[str, ...]) -> None:
    for language in languages:
        _refuse_unwritable(place, text.get(language, ""))
        if text.get(language) and not text.get(languages[0]):
            raise DesignRefused(
                place,
                "is translated into {language} but missing in {default}, the default.",
                language=language,
                default=languages[0],
            )


def _check_plain(place: str, text: Translations) -> None:
    for written in filter(None, map(plain.place_in, text.values())):
        raise DesignRefused(
            place,
            "“{written}” would be read just so: nothing is filled in here. Take the double braces"
            " out.",
            written=written,
        )


def _require_one_of(place: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise DesignRefused(place, "must be one of {known}.", known=", ".join(words))


def _require_text(place: str, text: str) -> None:
    if not text.strip():
        raise DesignRefused(place, "must not be empty.")
    _refuse_unwritable(place, text)


def _refuse_unwritable(place: str, text: str) -> None:
    if UNWRITABLE.search(text) is not None:
        raise DesignRefused(place, "contains control characters; please type the text anew.")
