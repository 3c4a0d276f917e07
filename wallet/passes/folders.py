"""A card design as a folder: `design.json` and PNG files, to be edited with any editor and stored
again.

Everything in the folder is used or refused by name. A misspelt word or a picture of the wrong kind
that was ignored silently would cost its owner an hour."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ledger import strict_json
from ledger.languages import Language
from ledger.strict_json import JsonMalformed
from wallet import sentences
from wallet.errors import DesignRefused
from wallet.passes import templates
from wallet.passes.content import Design
from wallet.passes.parts import Translations

DESIGN_FILE = "design.json"
PICTURE = ".png"
LANGUAGE_FOLDER = ".lproj"
OTHER_PICTURES = (".gif", ".heic", ".jpeg", ".jpg", ".svg", ".tiff", ".webp")


class FieldRefused(DesignRefused):
    """A value in the file is not of the kind that its field needs, by pydantic's error."""

    def __init__(self, error: ErrorDetails) -> None:
        super().__init__(".".join(str(part) for part in error["loc"]) or DESIGN_FILE, error["type"])
        self._error = error

    def reason(self, language: Language) -> str:
        """What is wrong with the field, in words of ours."""
        return f"{sentences.of_field(self._error, language)}."


def write(
    folder: Path, design: Design, images: Mapping[str, bytes], *, overwrite: bool = False
) -> None:
    """Write a design into a folder, which is made if needed. Raises `DesignRefused` if a file is
    there already, unless it may be overwritten."""
    text = json.dumps(asdict(design), ensure_ascii=False, indent=2)
    files = {DESIGN_FILE: f"{text}\n".encode(), **images}
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise DesignRefused(
            there[0],
            "is in {folder} already. Name another folder, or add --force to replace it.",
            folder=folder,
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def read(folder: Path) -> tuple[Design, dict[str, bytes]]:
    """The design and the pictures of a folder. Raises `DesignRefused` with the place in the file.
    The pictures themselves are checked when they are stored."""
    path = folder / DESIGN_FILE
    try:
        document = strict_json.read(path.read_bytes())
        _refuse_unknown(document)
        design = templates.design_from(document)
    except FileNotFoundError:
        raise DesignRefused(
            DESIGN_FILE, "there is no such file in {folder}.", folder=folder
        ) from None
    except JsonMalformed as error:
        if error.line is None:
            raise DesignRefused(
                DESIGN_FILE,
                "is not JSON in UTF-8, or names something twice in one place.",
            ) from None
        raise DesignRefused(
            DESIGN_FILE,
            "is not JSON: look at line {line}, character {column}.",
            line=error.line,
            column=error.column,
        ) from None
    except ValidationError as error:
        raise FieldRefused(error.errors()[0]) from None
    return design, _pictures(folder)


def _refuse_unknown(document: object) -> None:
    """Refuse names that a design does not have, on any level. A document that is not an object is
    left to pydantic."""
    if not isinstance(document, dict):
        return
    languages = document.get("languages")
    known = tuple(map(str, languages)) if isinstance(languages, list) else ()
    _refuse_within("", Design, document, known)


def _refuse_within(
    place: str, kind: type[Any], document: Mapping[str, Any], languages: tuple[str, ...]
) -> None:
    """Refuse names in `document` that the dataclass `kind` does not have."""
    kinds = get_type_hints(kind)
    _refuse_names(place, document, tuple(kinds))
    for name, value in document.items():
        meant = _meant(kinds[name])
        if meant == Translations:
            _refuse_languages(f"{place}{name}", value, languages)
        elif is_dataclass(meant) and isinstance(value, dict):
            _refuse_within(f"{place}{name}.", cast(type[Any], meant), value, languages)
        elif is_dataclass(meant) and isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, dict):
                    part = cast(type[Any], meant)
                    _refuse_within(f"{place}{name}.{number}.", part, one, languages)


def _meant(hint: Any) -> Any:
    """The type behind `X | None` and `tuple[X, ...]`."""
    if get_origin(hint) in (UnionType, Union):
        hint = next(one for one in get_args(hint) if one is not NoneType)
    return get_args(hint)[0] if get_origin(hint) is tuple else hint


def _refuse_names(place: str, found: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            if near := difflib.get_close_matches(name, known, 1):
                raise DesignRefused(
                    f"{place}{name}", "there is no such name; did you mean {near}?", near=near[0]
                )
            raise DesignRefused(
                f"{place}{name}",
                "there is no such name; there are {known}.",
                known=", ".join(known),
            )


def _refuse_languages(place: str, texts: object, known: tuple[str, ...]) -> None:
    for language in texts if isinstance(texts, dict) else ():
        if language not in known:
            raise DesignRefused(
                f"{place}.{language}",
                "cards of this design speak {known}; add {language} to languages, or leave this"
                " text out.",
                known=", ".join(known),
                language=language,
            )


def _pictures(folder: Path) -> dict[str, bytes]:
    """The pictures for all languages, and those in folders such as ru.lproj. Cameras and old
    systems write LOGO.PNG, so the case of letters does not matter."""
    found = _pictures_in(folder)
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and inner.name.endswith(LANGUAGE_FOLDER):
            for name, data in _pictures_in(inner).items():
                found[f"{inner.name}/{name}"] = data
    return found


def _pictures_in(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in sorted(folder.iterdir()):
        name = file.name.lower()
        if name.endswith(OTHER_PICTURES):
            raise DesignRefused(file.name, "a card takes PNG pictures only; save it as PNG.")
        if not name.endswith(PICTURE):
            continue
        if name in found:
            raise DesignRefused(
                file.name, "{name} is there twice, in other letters; keep one of them.", name=name
            )
        found[name] = file.read_bytes()
    return found
