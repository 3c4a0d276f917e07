"""A card design as a folder: `design.json` and PNG files, to edit with any editor and put back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from wallet.errors import DesignRefused
from wallet.passes import templates
from wallet.passes.content import Design

DESIGN_FILE = "design.json"


def write(folder: Path, design: Design, images: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(design), ensure_ascii=False, indent=2)
    (folder / DESIGN_FILE).write_text(f"{text}\n", encoding="utf-8")
    for name, data in images.items():
        (folder / name).write_bytes(data)


def read(folder: Path) -> tuple[Design, dict[str, bytes]]:
    """Raises `DesignRefused`, with the place in the file. Pictures are checked when stored."""
    path = folder / DESIGN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        design = templates.design_from(document)
    except FileNotFoundError:
        raise DesignRefused(DESIGN_FILE, f"there is no such file in {folder}.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DesignRefused(DESIGN_FILE, f"is not JSON: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or DESIGN_FILE
        raise DesignRefused(place, f"{first['msg']}.") from None
    return design, {image.name: image.read_bytes() for image in sorted(folder.glob("*.png"))}
