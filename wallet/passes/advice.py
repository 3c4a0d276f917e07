"""What is allowed in a design and yet does not look as its author hopes: told while they work, and
before cards change. What no wallet would show is refused, see `designs`."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from wallet.passes import artwork, contrast
from wallet.passes.content import Design, Fact, FieldDesign, Slot
from wallet.passes.designs import said

AdviceCode = Literal[
    "contrast_weak",
    "label_long",
    "text_long",
    "label_missing",
    "translation_missing",
    "change_silent",
    "change_says_other_word",
    "messages_not_shown",
    "strip_covers",
    "picture_soft",
    "many_places",
    "google_not_on_face",
    "google_not_shown",
    "google_long",
]

# How wide a label may be before a phone cuts it, in letters, with as many fields beside it.
HEADER_LETTERS = 12
ROW_LETTERS = 34  # of all fields of a row together
PRIMARY_LETTERS = 24
FACE_TEXT_LETTERS = 40
# Facts that change while the card is in a phone, so that its owner might want to hear of it.
LIVELY: tuple[Fact, ...] = ("points", "offer", "message")
SHARP = ("icon", "logo", "strip", "thumbnail")
# Two words are of one stem if they begin with so many letters alike; the endings of the shorter and
# of the longer one have so many letters at most.
STEM_LETTERS, SHORT_ENDING, LONG_ENDING = 3, 2, 3
WORD = re.compile(r"[^\W\d_]+")
MOST_PLACES = 5  # more of them wear people out: the card comes up wherever they go


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to look at. `place` is the part of the design, as refusals name it."""

    code: AdviceCode
    place: str
    facts: Mapping[str, str] = field(default_factory=dict)


# Labels that a field had, or has on most cards: by its key, then by language.
UsualLabels = Mapping[str, Mapping[str, Sequence[str]]]


def of(design: Design, image_names: Collection[str], usual: UsualLabels) -> list[Advice]:
    """All that there is to say of a design with these pictures, the gravest first."""
    return [
        *_of_colours(design),
        *_of_fields(design),
        *_of_changes(design, usual),
        *_of_pictures(design, image_names),
        *_of_places(design),
    ]


def letters(text: str) -> int:
    """How wide a text is, in letters of the Latin script: those of East Asia, and emoji, take
    two, accents none."""
    return sum(
        0
        if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf"
        else 2
        if unicodedata.east_asian_width(sign) in "WF"
        else 1
        for sign in text
    )


def _of_colours(design: Design) -> Iterator[Advice]:
    for name, ratio in contrast.weak(design):
        yield Advice("contrast_weak", name, {"ratio": ratio})


def _of_fields(design: Design) -> Iterator[Advice]:
    for one in design.fields:
        yield from _of_words(design, one)
        if one.shows in LIVELY and one.change_message is None and one.slot != "back":
            yield Advice("change_silent", f"fields.{one.key}.change_message")
    for language in design.languages:
        yield from _of_labels(design, language)
    if not any(one.shows == "message" and one.change_message for one in design.fields):
        yield Advice("messages_not_shown", "fields")


def _of_changes(design: Design, usual: UsualLabels) -> Iterator[Advice]:
    """What a phone says of a change in other words than the label: it was changed, and the sentence
    forgotten."""
    for one in design.fields:
        for language, sentence in (one.change_message or {}).items():
            label, known = one.label.get(language, ""), usual.get(one.key, {}).get(language, ())
            word = _other_word(sentence, label, known)
            if word:
                facts = {"language": language, "word": word, "label": label}
                yield Advice("change_says_other_word", f"fields.{one.key}.change_message", facts)


def _other_word(sentence: str, label: str, known: Sequence[str]) -> str:
    """The word of the sentence that is of a known label, if none in it is of this label; else
    empty."""
    said_, meant = WORD.findall(sentence), WORD.findall(label)
    if not meant or any(_alike(one, other) for one in said_ for other in meant):
        return ""
    earlier = [word for text in known for word in WORD.findall(text)]
    return next((one for one in said_ if any(_alike(one, other) for other in earlier)), "")


def _alike(one: str, other: str) -> bool:
    """Whether two words are of one stem: Russian ones end otherwise in a sentence."""
    words = [word.casefold().replace("ё", "е") for word in (one, other)]
    pairs = enumerate(zip(*words, strict=False))
    short, long = sorted(map(len, words))
    alike = next((at for at, (left, right) in pairs if left != right), short)
    return alike >= max(STEM_LETTERS, short - SHORT_ENDING, long - LONG_ENDING)


def _of_words(design: Design, one: FieldDesign) -> Iterator[Advice]:
    """What of a field is missing in a language, or too long for the face of a card."""
    default, place = design.languages[0], f"fields.{one.key}"
    if not one.label.get(default):
        yield Advice("label_missing", f"{place}.label")
    for language in design.languages[1:]:
        for name in ("label", "change_message", "text"):
            text = getattr(one, name) or {}
            if text.get(default) and not text.get(language):
                yield Advice("translation_missing", f"{place}.{name}", {"language": language})
    if one.slot == "back" or one.shows != "text":
        return
    for language in design.languages:
        if letters(said(one.text or {}, language, default)) > FACE_TEXT_LETTERS:
            yield Advice("text_long", f"{place}.text", {"language": language})


def _of_labels(design: Design, language: str) -> Iterator[Advice]:
    """Labels that a phone would cut. Those of a row share its width."""
    for slot, most in (("header", HEADER_LETTERS), ("primary", PRIMARY_LETTERS)):
        for one in _in(design, slot):  # type: ignore[arg-type]
            yield from _too_long(design, one, language, most)
    rows = [_in(design, "secondary"), _in(design, "auxiliary")]
    if design.kind != "generic":
        rows = [[*rows[0], *rows[1]]]
    for row in rows:
        for one in row:
            yield from _too_long(design, one, language, ROW_LETTERS // len(row))


def _too_long(design: Design, one: FieldDesign, language: str, most: int) -> Iterator[Advice]:
    label = said(one.label, language, design.languages[0])
    if letters(label) > most:
        facts = {"language": language, "label": label, "most": str(most)}
        yield Advice("label_long", f"fields.{one.key}.label", facts)


def _in(design: Design, slot: Slot) -> list[FieldDesign]:
    return [one for one in design.fields if one.slot == slot]


def _of_pictures(design: Design, names: Collection[str]) -> Iterator[Advice]:
    kinds = {artwork.kind(name) for name in names}
    for kind in SHARP:
        there = [name for name in names if artwork.kind(name) == kind]
        if there and not any("@3x" in name for name in there):
            yield Advice("picture_soft", kind)
    if "strip" in kinds and design.kind != "generic" and _in(design, "primary"):
        yield Advice("strip_covers", "strip")


def _of_places(design: Design) -> Iterator[Advice]:
    if len(design.locations) > MOST_PLACES:
        yield Advice("many_places", "locations", {"most": str(MOST_PLACES)})
