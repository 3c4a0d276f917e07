"""JSON as it comes from outside: one reader for requests, webhooks, designs and key files (RFC
8259). What two readers could understand in two ways is refused."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

BYTE_ORDER_MARK = "\ufeff"


class JsonMalformed(ValueError):
    """Text that is not the JSON that it should be; where it breaks off, if it does."""

    def __init__(self, line: int | None = None, column: int | None = None) -> None:
        super().__init__("not JSON")
        self.line, self.column = line, column


# Half of a character, written as an escape: no text in UTF-8 can hold it alone.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read(data: bytes | str) -> Any:
    """The value that the text stands for. A byte order mark in front is skipped. Raises
    `JsonMalformed` for text that is not UTF-8 or not JSON, names that an object has twice, NaN and
    infinity, half characters, numbers and nesting beyond all use."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = _DECODER(text.removeprefix(BYTE_ORDER_MARK))
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise JsonMalformed(error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise JsonMalformed from None
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER: Callable[[str], Any] = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_number
).decode
