"""Which designs a card can have in any wallet; each vendor adds the rules of its own."""

import re
from typing import get_args

from wallet.errors import DesignRefused
from wallet.passes.content import Design, Fact, FieldDesign, Slot, Symbology, Translations

# A BCP 47 tag in the form that folders and vendors use: `ru`, `de-AT`, `zh-Hans`.
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
FIELD_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Control characters but for tab and line ends, and lone surrogates: not every file can carry them.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
NEW_VALUE = "%@"


def said(text: Translations, language: str, default: str) -> str:
    """`text` in `language`, or in the `default` language where nobody has translated it."""
    return text.get(language) or text.get(default, "")


def check(design: Design) -> None:
    """Refuse a design that no wallet could show: `DesignRefused` names the part to change."""
    _check_languages(design.languages)
    _require_text("organization", design.organization)
    _require_text("description", design.description.get(design.languages[0], ""))
    _check_translations("description", design.description, design.languages)
    _refuse_unwritable("logo_text", design.logo_text)
    for name in ("background", "foreground", "label_colour"):
        if COLOUR.fullmatch(getattr(design, name)) is None:
            raise DesignRefused(name, "a colour is written #rrggbb, for example #1f3a5f.")
    _require_one_of("symbology", design.symbology, get_args(Symbology))
    keys: set[str] = set()
    for field in design.fields:
        _check_field(field, design.languages)
        if field.key in keys:
            raise DesignRefused(
                f"fields.{field.key}", "two fields have this key; each needs its own."
            )
        keys.add(field.key)


def _check_languages(languages: tuple[str, ...]) -> None:
    if not languages:
        raise DesignRefused("languages", "at least one is needed; the first is the default.")
    for language in languages:
        if LANGUAGE.fullmatch(language) is None:
            raise DesignRefused(
                "languages", f"{language!r} is not a language code such as ru, de-AT or zh-Hans."
            )
    if len({language.casefold() for language in languages}) < len(languages):
        raise DesignRefused("languages", "a language is named twice.")


def _check_field(field: FieldDesign, languages: tuple[str, ...]) -> None:
    place = f"fields.{field.key}"
    if FIELD_KEY.fullmatch(field.key) is None:
        raise DesignRefused(
            place, "a key consists of Latin letters, digits, dots, dashes and underscores."
        )
    _require_one_of(f"{place}.slot", field.slot, get_args(Slot))
    _require_one_of(f"{place}.shows", field.shows, get_args(Fact))
    _check_translations(f"{place}.label", field.label, languages)
    if field.change_message is None:
        return
    message = f"{place}.change_message"
    _require_text(message, field.change_message.get(languages[0], ""))
    _check_translations(message, field.change_message, languages)
    for language in languages:
        # The message is filled with one value: a second %@ would have nothing to show.
        if said(field.change_message, language, languages[0]).count(NEW_VALUE) != 1:
            raise DesignRefused(
                message, f"in {language}: {NEW_VALUE} must stand once, where the new value goes."
            )


def _check_translations(place: str, text: Translations, languages: tuple[str, ...]) -> None:
    for language in languages:
        _refuse_unwritable(place, text.get(language, ""))
        if text.get(language) and not text.get(languages[0]):
            raise DesignRefused(
                place, f"is translated into {language} but missing in {languages[0]}, the default."
            )


def _require_one_of(place: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise DesignRefused(place, f"must be one of {', '.join(words)}.")


def _require_text(place: str, text: str) -> None:
    if not text.strip():
        raise DesignRefused(place, "must not be empty.")
    _refuse_unwritable(place, text)


def _refuse_unwritable(place: str, text: str) -> None:
    if UNWRITABLE.search(text) is not None:
        raise DesignRefused(place, "contains control characters; please type the text anew.")
