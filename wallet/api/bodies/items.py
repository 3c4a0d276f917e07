"""Items of a batch: one that does not fit fails alone."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator


@dataclass(frozen=True, slots=True)
class MalformedItem:
    """An item that does not fit, and why. `key` is None if it has none that can be read."""

    key: str | None
    error: ValidationError


def fails_alone(name: str) -> WrapValidator:
    """Puts a `MalformedItem` in the place of an item that does not fit. `name`: the field by which
    the caller knows its items."""

    def item(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError as error:
            key = value.get(name) if isinstance(value, dict) else None
            return MalformedItem(key if isinstance(key, str) else None, error)

    return WrapValidator(item)
