"""Variables of the environment, one at a time, and all that is wrong with them."""

import re
from collections.abc import Mapping
from pathlib import Path

from wallet.errors import SettingsError


class Environment:
    """Reads variables. What is wrong with one is kept in `problems`, and a default stands in for
    it, so that all problems can be said at once. Every `NAME` may be given as `NAME_FILE`, a file
    with the value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[SettingsError] = []

    def refuse(self, name: str, sentence: str) -> None:
        """Note what is wrong with the variable `name`; raises nothing."""
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
        """The value; `default` if it is missing or empty."""
        return self._get(name) or default

    def optional(self, name: str) -> str | None:
        """The value; None if it is missing or empty."""
        return self._get(name)

    def required(self, name: str, advice: str) -> str:
        """The value; if it is missing or empty, an empty text, and a problem that gives the
        `advice`."""
        known = len(self.problems)
        value = self._get(name)
        if value is None and len(self.problems) == known:
            self.refuse(name, f"is not set. {advice}")
        return value or ""

    def path(self, name: str, default: Path | None) -> Path | None:
        """The value as a path, which need not exist."""
        value = self._get(name)
        return Path(value) if value else default

    def number(self, name: str, default: int, least: int = 1) -> int:
        """A whole number from `least` to 65535, for ports and for counts."""
        value = self._get(name)
        if value is None:
            return default
        if not value.isdecimal() or not least <= int(value) < 65536:
            self.refuse(name, f"{value!r} is not a number from {least} to 65535.")
            return default
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        """A number of seconds above zero, which may have decimal places."""
        value = self._get(name)
        if value is None:
            return default
        if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) <= 0:
            self.refuse(name, f"{value!r} is not a number of seconds above zero.")
            return default
        return float(value)

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """The value, if it is one of `choices`."""
        value = self._get(name) or default
        if value not in choices:
            self.refuse(name, f"{value!r} is none of {', '.join(choices)}.")
            return default
        return value
