"""What somebody typed into a form, read as people write, and what is wrong with it, in words.

Only what an entry is (a number, a day) is decided here. Whether it may be so is decided where the
API asks as well; `refused` takes over what those refuse."""

import re
from collections.abc import Collection
from datetime import date
from html import escape, unescape
from html.parser import HTMLParser

from flask import request
from werkzeug.wrappers import Response

from ledger.contacts import Unfit
from ledger.errors import Refusal, WithReason
from ledger.money import Money, hundredths
from wallet.pages import language
from wallet.pages.language import gettext as _

# A whole number as people write it: 1 250, 1 250 with any space, 1,250.
_SPACES = re.compile(r"[\s\u00a0\u202f_']")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
LONGEST_NUMBER = 18  # digits: more fit into no column

# In the summary above a form, where the label of a field belongs.
_NAMED = re.compile(r' data-field="([^"]*)">')
_SAYS_NO_NAME = ("k-optional", "k-help")  # beside a label, or in it

FORM = "form"  # in `problems`: what is wrong with all of it


class FormRefused(Exception):
    """The entries of the form say what is wrong with it; nothing is written."""


class FormEntries:
    """The entries of the form that was sent. `problems`: what is wrong, a sentence by the name of
    its field; with the name `form`, what is wrong with all of it. What was typed stays readable by
    name: `entries["phone"]`."""

    def __init__(self) -> None:
        self._form = request.form
        self.problems: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._form.get(name, "")

    @property
    def fit(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.problems

    def text(self, name: str, *, required: bool = True, most: int | None = None) -> str:
        """The entry without spaces around it."""
        typed = self[name].strip()
        if required and not typed:
            self.refuse(name, _("Please fill this in."))
        elif most is not None and len(typed) > most:
            self.refuse(name, _("At most %(count)s characters.", count=str(most)))
        return typed

    def whole(self, name: str, *, required: bool = True) -> int | None:
        """A whole number; None for nothing, or for what is none."""
        typed = self.text(name, required=required)
        digits = _SPACES.sub("", typed).replace("\u2212", "-")
        if _GROUPED.fullmatch(digits):
            digits = digits.replace(",", "")
        if not digits:
            return None
        if not re.fullmatch(rf"[+-]?\d{{1,{LONGEST_NUMBER}}}", digits, re.ASCII):
            self.refuse(name, _("This is not a whole number."))
            return None
        return int(digits)

    def percent(self, name: str, *, required: bool = True) -> int | None:
        """A percent in hundredths, written with a comma or a point; None for nothing, or for what
        is none."""
        typed = self.text(name, required=required)
        if not typed:
            return None
        try:
            return hundredths(_SPACES.sub("", typed).removesuffix("%").replace(",", "."))
        except Unfit:
            self.refuse(name, _("A percent from 0 to 100, such as 5 or 2.75."))
            return None

    def money(self, name: str, currency: str, *, required: bool = True) -> Money | None:
        """An amount of this currency, written with a comma or a point before its decimals; None for
        nothing, or for what is none."""
        typed = self.text(name, required=required)
        if not typed:
            return None
        digits = _SPACES.sub("", typed).replace(",", ".")
        if not re.fullmatch(rf"[0-9]{{1,{LONGEST_NUMBER}}}(\.[0-9]+)?", digits, re.ASCII):
            self.refuse(name, _("An amount of money, such as 100 or 99.90."))
            return None
        whole, _point, places = digits.partition(".")
        return Money(f"{int(whole)}.{places}" if places else str(int(whole)), currency)

    def day(self, name: str, *, required: bool = True) -> date | None:
        """A day, as browsers send it; None for nothing, or for what is none."""
        typed = self.text(name, required=required)
        if not typed:
            return None
        try:
            return date.fromisoformat(typed)
        except ValueError:
            self.refuse(name, _("This is not a day."))
            return None

    def choice(self, name: str, known: Collection[str]) -> str:
        """One of the known values."""
        typed = self[name]
        if typed not in known:
            self.refuse(name, _("Please choose one of them."))
        return typed

    def several(self, name: str) -> list[str]:
        """All values of a field that may be there more than once, such as ticked boxes."""
        return self._form.getlist(name)

    def ticked(self, name: str) -> bool:
        """Whether this box is ticked."""
        return name in self._form

    def refuse(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field; what was said first stays."""
        self.problems.setdefault(name, sentence)

    def refused(self, refusal: Refusal, name: str = FORM) -> None:
        """Say in words why what was asked for is refused, at a field or above the form."""
        tongue = language.current()
        is_plain = isinstance(refusal, WithReason) and name != FORM
        sentence = refusal.reason(tongue) if is_plain else refusal.sentence(tongue)  # type: ignore[attr-defined]
        self.refuse(name, sentence[:1].upper() + sentence[1:])


# --- The summary above a form ------------------------------------------------------------------


def name_fields(response: Response) -> Response:
    """Have each line of the summary above a refused form say which field it is about, by the label
    that the field has in the page."""
    if response.mimetype != "text/html" or response.is_streamed:
        return response
    page = response.get_data(as_text=True) if response.status_code >= 400 else ""
    if _NAMED.search(page) is None:
        return response
    labels = _Labels(page).found

    def named(line: re.Match[str]) -> str:
        label = labels.get(unescape(line[1]), "")
        return f"><b>{escape(label)}:</b> " if label else ">"

    response.set_data(_NAMED.sub(named, page))
    return response


class _Labels(HTMLParser):
    """The label of each field of a page, by the id of the field; of a group, its legend."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._groups: list[str] = []
        self._of: str | None = None  # the field whose label is read
        self._words: list[str] = []
        self._skipped = 0  # elements within the label that are no part of its words
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin to read a label, or learn whose it is."""
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "fieldset":
                self._groups.append(given.get("id", ""))
            case "label" | "legend":
                self._of, self._words = given.get("for", self._group(tag)), []
            case "input" if self._of == "" and given.get("type") != "hidden":
                self._of = given.get("id", "")  # it stands in its label
            case "span" if self._skipped or given.get("class", "") in _SAYS_NO_NAME:
                self._skipped += 1

    def handle_data(self, data: str) -> None:
        """Words of a label."""
        if self._of is not None and not self._skipped:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """The label was read."""
        if tag == "span" and self._skipped:
            self._skipped -= 1
        elif tag == "fieldset" and self._groups:
            self._groups.pop()
        elif tag in ("label", "legend"):
            words = " ".join("".join(self._words).split()).rstrip(":")
            if self._of and words:
                self.found.setdefault(self._of, words)
            self._of = None

    def _group(self, tag: str) -> str:
        return self._groups[-1] if tag == "legend" and self._groups else ""
