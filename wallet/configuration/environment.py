"""Variables of the environment, one at a time, and all that is wrong with them."""

import re
from collections.abc import Mapping
from pathlib import Path

from wallet.errors import SettingsError


class Environment:
    """What is wrong is kept, by name, and a default stands in for it. Every `NAME` may be given as
    `NAME_FILE`, a file with the value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[SettingsError] = []

    def refuse(self, name: str, sentence: str) -> None:
        self.problems.append(SettingsError(name, sentence))

    def _get(self, name: str) -> str | None:
        value = self._environ.get(name)
        file = self._environ.get(f"{name}_FILE")
        if value is None and file:
            try:
                value = Path(file).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not text"
                self.refuse(f"{name}_FILE", f"cannot be read: {why}.")
        return value or None

    def text(self, name: str, default: str) -> str:
        return self._get(name) or default

    def optional(self, name: str) -> str | None:
        return self._get(name)

    def required(self, name: str, advice: str) -> str:
        """Empty if it is missing."""
        known = len(self.problems)
        value = self._get(name)
        if value is None and len(self.problems) == known:
            self.refuse(name, f"is not set. {advice}")
        return value or ""

    def path(self, name: str, default: Path | None) -> Path | None:
        value = self._get(name)
        return Path(value) if value else default

    def number(self, name: str, default: int, least: int = 1) -> int:
        value = self._get(name)
        if value is None:
            return default
        if not value.isdecimal() or not least <= int(value) < 65536:
            self.refuse(name, f"{value!r} is not a number from {least} to 65535.")
            return default
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self._get(name)
        if value is None:
            return default
        if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) <= 0:
            self.refuse(name, f"{value!r} is not a number of seconds above zero.")
            return default
        return float(value)

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._get(name) or default
        if value not in choices:
            self.refuse(name, f"{value!r} is none of {', '.join(choices)}.")
            return default
        return value
