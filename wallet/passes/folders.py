"""A card design as a folder: `design.json` and PNG files, to be edited with any editor and stored
again.

Everything in the folder is used or refused by name. A misspelt word or a picture of the wrong kind
that was ignored silently would cost its owner an hour."""

import difflib
import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ledger import strict_json
from ledger.languages import Language
from ledger.strict_json import JsonMalformed
from ledger.words import N_
from wallet import sentences
from wallet.errors import DesignRefused
from wallet.passes import artwork, templates
from wallet.passes.content import Design
from wallet.passes.parts import Translations

DESIGN_FILE = "design.json"
PICTURE = ".png"
LANGUAGE_FOLDER = ".lproj"
MOST_JSON_BYTES = 500_000
MOST_PICTURE_BYTES = 20_000_000  # of all pictures together
MOST_NESTED = 20  # levels of design.json
NO_FILE = N_("must be an ordinary file, no link, device or pipe.")
OTHER_PICTURES = (".gif", ".heic", ".jpeg", ".jpg", ".svg", ".tiff", ".webp")


class FieldRefused(DesignRefused):
    """A value in the file is not of the kind that its field needs, by pydantic's error."""

    def __init__(self, error: ErrorDetails) -> None:
        super().__init__(".".join(str(part) for part in error["loc"]) or DESIGN_FILE, error["type"])
        self._error = error

    def reason(self, language: Language, /, **_better: object) -> str:
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
    try:
        document = strict_json.read(_contents(folder / DESIGN_FILE, MOST_JSON_BYTES))
        _refuse_deep(document)
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
                "is not JSON in UTF-8, names something twice in one place, or is nested without"
                " end.",
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


def _contents(path: Path, most: int) -> bytes:
    """What is in a file of at most `most` bytes. Raises `DesignRefused` for one that is larger, and
    for what is no file at all: a folder may come from anybody, and a device has no end, a pipe
    waits for ever, and a link leads out of the folder. Raises FileNotFoundError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise DesignRefused(path.name, "cannot be read ({why}).", why=error.strerror) from None
        raise DesignRefused(path.name, NO_FILE) from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise DesignRefused(path.name, NO_FILE)
        if facts.st_size > most:
            raise DesignRefused(
                path.name,
                "the file has {size} KB; at most {most} are allowed.",
                size=facts.st_size // 1000,
                most=most // 1000,
            )
        return file.read(most)


def _refuse_deep(document: object) -> None:
    """Refuse what is nested deeper than any design, level by level."""
    level = [document]
    for _ in range(MOST_NESTED):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
    if level:
        raise DesignRefused(
            DESIGN_FILE, "is nested more than {most} levels deep.", most=MOST_NESTED
        )


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
    found: dict[str, bytes] = {}
    for place in (folder, *_language_folders(folder)):
        prefix = "" if place == folder else f"{place.name}/"
        for file, name in _named_pictures(place):
            if prefix + name in found:
                raise DesignRefused(
                    file.name,
                    "{name} is there twice, in other letters; keep one of them.",
                    name=name,
                )
            found[prefix + name] = _contents(file, artwork.MOST_BYTES)
            if sum(map(len, found.values())) > MOST_PICTURE_BYTES:
                raise DesignRefused(
                    file.name,
                    "all pictures together may have {most} KB; with this one they have more.",
                    most=MOST_PICTURE_BYTES // 1000,
                )
    return found


def _language_folders(folder: Path) -> Iterator[Path]:
    for inner in sorted(folder.iterdir()):
        if not inner.name.endswith(LANGUAGE_FOLDER):
            continue
        if inner.is_symlink() or not inner.is_dir():
            raise DesignRefused(inner.name, "must be a folder, no file and no link.")
        yield inner


def _named_pictures(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each picture of a folder and its name in small letters. Names that no picture has are refused
    before anything is read."""
    for file in sorted(folder.iterdir()):
        name = file.name.lower()
        if name.endswith(OTHER_PICTURES):
            raise DesignRefused(file.name, "a card takes PNG pictures only; save it as PNG.")
        if name.endswith(PICTURE):
            artwork.check_name(name)
            yield file, name
