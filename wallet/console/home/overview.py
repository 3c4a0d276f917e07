"""What the first page of a programme shows of its figures: those of today beside what is usual, and
the days before as charts, each with its table."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger import words
from ledger.book import purchases
from ledger.languages import Language
from ledger.money import decimals
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.reports import days, today
from ledger.reports.figures import Amounts, FigureOf
from ledger.reports.today import FigureToday, Today
from ledger.reports.usual import Usual
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext

FIGURES = "programmes:read"  # the right to see them
PERIODS = (30, 90, 365)  # days that charts show
WALLETS = ("apple", "google")

SayAmount = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Band:
    """The usual range, drawn behind a figure: places from 0 to 100 on one line. `here` is that of
    today's figure by the same hour."""

    begin: int
    width: int
    here: int


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: what it is, how much, what stands beneath. `verdict` is a sentence if it is out
    of the usual range, and `is_low` says on which side. `usual` is the range in words."""

    name: str
    words: str
    amount: str
    under: Sequence[str] = ()
    usual: str = ""
    verdict: str = ""
    is_low: bool = False
    band: Band | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One series of a chart, which is a column of its table. Its sums count pieces of something
    with so many decimal places."""

    words: str
    sums: Sequence[FigureOf]
    say: SayAmount
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A day of a chart: in words, short, and its numbers as they are and as people write them."""

    date: date
    day: str
    short: str
    cells: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, by the numbers of its table."""

    name: str
    words: str
    columns: Sequence[str]
    rows: Sequence[ChartRow]
    entries: str | None = None  # of a chart of entries: their kind, "" for any

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing on any of its days."""
        return not any(value for row in self.rows for value, _said in row.cells)


class Overview:
    """The figures of one programme, in its main unit and the currencies that it sells in."""

    def __init__(self, session: Session, programme: Programme, now: datetime) -> None:
        self._session, self._programme, self._now = session, programme, now
        self._unit = units.named(session, programme.id, None)
        self._sums = days.sums(session, programme.id)
        self.waiting = days.waiting(session, programme.id)
        zone = ZoneInfo(programme.timezone)
        self.today = now.astimezone(zone).date()
        self.midnight = datetime.combine(self.today, time(), zone)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has ever happened in the programme."""
        return not any(self._sums.values())

    @property
    def currencies(self) -> list[str]:
        """The currencies of purchases, those with the most purchases first."""
        counted = {
            one.of: number for one, number in self._sums.items() if one.figure == "purchases"
        }
        return sorted(counted, key=lambda currency: -counted[currency])

    def tiles(self) -> list[Tile]:
        """The figures of today."""
        points = self._unit.code
        asked: dict[str, list[FigureOf]] = {
            "joined": [FigureOf("joined")],
            "cards": [FigureOf("card_added", wallet) for wallet in WALLETS],
            "issued": [FigureOf("issued", points)],
            "spent": [FigureOf("spent", points)],
            "owed": [FigureOf("owed", points)],
            "removed": [FigureOf("card_removed", wallet) for wallet in WALLETS],
            "accepted": [FigureOf("push_accepted", wallet) for wallet in WALLETS],
            "fetched": [FigureOf("fetched")],
            "failed": [FigureOf("push_failed", wallet) for wallet in WALLETS],
        }
        for currency in self.currencies[:1]:
            asked["purchases"] = [FigureOf("purchases", currency)]
            asked["paid"] = [FigureOf("paid", currency)]
        found = today.look(self._session, self._programme, asked, self._now)
        figures = found.figures
        tiles = [
            self._tile(found, "joined", _("New members"), under=[self._in_all()]),
            self._tile(found, "cards", _("Cards added"), under=self._in_wallets(figures)),
            self._tile(found, "issued", _("Earned"), self._points),
            self._tile(found, "spent", _("Spent"), self._points),
            self._owed(figures["owed"]),
        ]
        if "purchases" in figures:
            tiles.insert(4, self._purchases(found))
        if any(self._sum("push_accepted", wallet) for wallet in WALLETS):
            tiles.append(self._updates(found))
        return tiles

    def charts(self, period: int) -> list[Chart]:
        """The last `period` days, today among them."""
        first = self.today - timedelta(days=period - 1)
        by_day = days.between(self._session, self._programme.id, first, self.today)
        points = self._unit.code
        shown = [
            self._chart(
                "members",
                _("Members and cards"),
                by_day,
                first,
                [
                    Column(_("New members"), [FigureOf("joined")], number),
                    Column(
                        _("Cards added"), [FigureOf("card_added", one) for one in WALLETS], number
                    ),
                    Column(
                        _("Cards removed"),
                        [FigureOf("card_removed", one) for one in WALLETS],
                        number,
                    ),
                ],
            ),
            self._chart(
                "points",
                self._of_points(),
                by_day,
                first,
                [
                    Column(title, [FigureOf(figure, points)], self._points, self._unit.scale)
                    for figure, title in (
                        ("issued", _("Earned")),
                        ("spent", _("Spent")),
                        ("expired", _("Expired")),
                    )
                ],
            ),
        ]
        for currency in self.currencies:
            say = _money(currency)
            heading = _("Purchases, %(currency)s", currency=currency)
            columns = [
                Column(title, [FigureOf(figure, currency)], say, decimals(currency))
                for figure, title in (("paid", _("Paid")), ("returned", _("Returned")))
            ]
            shown.append(self._chart(f"paid-{currency}", heading, by_day, first, columns))
        columns = [
            Column(_("Accepted"), [FigureOf("push_accepted", one) for one in WALLETS], number),
            Column(_("Fetched"), [FigureOf("fetched")], number),
            Column(_("Refused"), [FigureOf("push_failed", one) for one in WALLETS], number),
        ]
        shown.append(self._chart("updates", _("Updates to phones"), by_day, first, columns))
        return [chart for chart in shown if not chart.is_empty]

    # Tiles

    def _tile(
        self,
        found: Today,
        name: str,
        title: str,
        say: SayAmount | None = None,
        under: Iterable[str] = (),
    ) -> Tile:
        say = say or number
        figure = found.figures[name]
        usual = figure.usual
        return Tile(
            name,
            title,
            say(figure.so_far),
            list(under),
            "" if usual is None else _usually(found, figure, usual, say),
            _stands_out(found, figure),
            figure.verdict == "lower",
            None if usual is None else _band(figure, usual),
        )

    def _in_all(self) -> str:
        count = self._sum("joined")
        return _("%(count)s joined so far", count=number(count))

    def _in_wallets(self, figures: Mapping[str, FigureToday]) -> list[str]:
        here = {
            one: self._sum("card_added", one) - self._sum("card_removed", one) for one in WALLETS
        }
        lines = [
            _(
                "Now: %(apple)s in Apple Wallet, %(google)s in Google Wallet",
                apple=number(here["apple"]),
                google=number(here["google"]),
            )
        ]
        if removed := figures["removed"].so_far:
            lines.append(_("Removed today: %(count)s", count=number(removed)))
        return lines

    def _owed(self, figure: FigureToday) -> Tile:
        """What members hold: it has no usual range, since it only grows or falls."""
        held = self._sum("owed", self._unit.code)
        change = figure.so_far
        lines = [
            _(
                "%(amount)s since midnight",
                amount=("+" if change > 0 else "") + self._points(change),
            )
        ]
        if debt := self._sum("debt", self._unit.code):
            lines.append(_("Members owe %(amount)s", amount=self._points(debt)))
        return Tile("owed", _("Held by members"), self._points(held), lines)

    def _purchases(self, found: Today) -> Tile:
        paid = _money(self.currencies[0])(found.figures["paid"].so_far)
        return self._tile(found, "purchases", _("Purchases"), under=[_("For %(sum)s", sum=paid)])

    def _updates(self, found: Today) -> Tile:
        lines = [_("Fetched by phones: %(count)s", count=number(found.figures["fetched"].so_far))]
        if failed := found.figures["failed"].so_far:
            lines.append(_("Refused: %(count)s", count=number(failed)))
        return self._tile(found, "accepted", _("Updates to phones"), under=lines)

    def _sum(self, figure: str, of: str = "") -> int:
        return self._sums.get(FigureOf(figure, of), 0)

    def _points(self, count: int) -> str:
        return language.amount(self._unit, count)

    # Charts

    def _of_points(self) -> str:
        match self._unit.kind:
            case "money":
                return _("Cashback")
            case "stamps":
                return _("Stamps")
        return _("Points")

    def _chart(
        self,
        name: str,
        title: str,
        by_day: Mapping[date, Amounts],
        first: date,
        columns: Sequence[Column],
    ) -> Chart:
        tongue = language.current()
        # Most numbers come again and again, nought above all.
        sayings = [functools.cache(column.say) for column in columns]
        rows = []
        for step in range((self.today - first).days + 1):
            day = first + timedelta(days=step)
            amounts = [
                sum(by_day.get(day, {}).get(counted, 0) for counted in column.sums)
                for column in columns
            ]
            cells = [
                (amount / 10**column.decimals, say(amount))
                for amount, column, say in zip(amounts, columns, sayings, strict=True)
            ]
            said, short = _day_words(tongue, day)
            if day == self.today:
                said = _("%(day)s, so far", day=said)
            rows.append(ChartRow(day, said, short, cells))
        entries = "" if name == "points" else "purchases" if name.startswith("paid-") else None
        return Chart(name, title, [column.words for column in columns], rows, entries)


@functools.lru_cache(2048)  # each chart says the same days
def _day_words(tongue: Language, day: date) -> tuple[str, str]:
    return words.day_in(tongue, day), words.short_day_in(tongue, day)


def number(count: int) -> str:
    """A number as the page writes it."""
    return words.number_in(language.current(), count)


def _money(currency: str) -> SayAmount:
    return lambda pieces: words.value_in(language.current(), purchases.money(pieces, currency))


def _band(figure: FigureToday, usual: Usual) -> Band:
    """Room for what is out of the range, on both sides."""
    low = min(usual.least, figure.before_this_hour, 0)
    high = max(usual.most, figure.before_this_hour, low + 1)
    span = (high - low) * 1.1

    def place(amount: int) -> int:
        return round(100 * (amount - low) / span)

    begin = place(usual.least)
    return Band(begin, max(2, place(usual.most) - begin), place(figure.before_this_hour))


def _usually(found: Today, figure: FigureToday, usual: Usual, say: SayAmount) -> str:
    by_now = say(figure.before_this_hour)
    hour = f"{found.hour}:00"
    if usual.least == usual.most:
        usually = say(usual.least)
    else:
        usually = _("%(least)s to %(most)s", least=say(usual.least), most=say(usual.most))
    return _(
        "By %(hour)s: %(amount)s, usually %(usually)s", hour=hour, amount=by_now, usually=usually
    )


def _stands_out(found: Today, figure: FigureToday) -> str:
    if figure.usual is None or figure.verdict == "usual":
        return ""
    weekday = _on_weekdays(found.day)
    weeks = figure.usual.weeks
    last = ngettext("the last %(num)s week", "the last %(num)s weeks", weeks)
    if figure.verdict == "lower":
        return _("Lower than %(weekdays)s of %(weeks)s", weekdays=weekday, weeks=last)
    return _("Higher than %(weekdays)s of %(weeks)s", weekdays=weekday, weeks=last)


def _on_weekdays(day: date) -> str:
    return (
        _("on Mondays"),
        _("on Tuesdays"),
        _("on Wednesdays"),
        _("on Thursdays"),
        _("on Fridays"),
        _("on Saturdays"),
        _("on Sundays"),
    )[day.weekday()]
