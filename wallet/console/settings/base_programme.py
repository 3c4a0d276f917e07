"""The base programme: what purchases earn, what points pay, how long they live, and gifts, with the
sentence that all of it makes."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal, TermsRefused
from ledger.limits import MOST_POINTS
from ledger.money import Money, decimals, percent, usual_in
from ledger.programmes import units
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access.changes import ChangedThing
from wallet.console import doing, opened, pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes
from wallet.errors import NoMessageField
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.outreach.base_programme import BaseChoice
from wallet.outreach.gifts import MessageGift
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "settings"
PAGE = "console/settings/base_programme.html"
# At which field of the form a refusal of these terms stands.
FIELDS = {
    "percent_back": "back",
    "percent_payable": "payable",
    "point_worth": "worth",
    "welcome": "welcome_points",
    "live_days": "live_days",
}
MOST_DAYS_BEFORE, MOST_DAYS_AWAY = 60, 365

routes = Blueprint("base_programme", __name__)


@dataclass(frozen=True, slots=True)
class CountedUnit:
    """What the form speaks of: whether the unit is money, and the currency of amounts."""

    unit: Unit
    currency: str

    @property
    def is_money(self) -> bool:
        """Whether points are money, which pays what it is."""
        return self.unit.currency is not None


def counted(session: Session, programme: Programme) -> CountedUnit:
    """The main unit, and the currency in which a point has a worth: the one it has, or that of the
    programme's country."""
    unit = units.named(session, programme.id, None)
    known = base_programme.of(session, programme)
    if unit.currency is not None:
        return CountedUnit(unit, unit.currency)
    if known is not None and known.terms.worth is not None:
        return CountedUnit(unit, known.terms.worth.currency)
    return CountedUnit(unit, usual_in(programme.country) or "RUB")


@routes.get(f"{IN_PROGRAMME}/settings/base")
@needs("programmes:read")
def show() -> str:
    """The base programme as it is, with the form that changes it."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        base = base_programme.of(session, programme)
        of = counted(session, programme)
        shown = base or BaseChoice(BaseTerms(0, 0, Money("1", of.currency)), of.unit.live_days)
        return pages.show(
            PAGE,
            HERE,
            typed=typed(shown, of),
            problems={},
            is_set=base is not None,
            sentence=_sentence(session, programme, shown),
            opened=opened.last_change(session, things(programme, of.unit)),
            of=of,
        )


@routes.post(f"{IN_PROGRAMME}/settings/base")
@needs("terms:write")
def save() -> Response:
    """Set the base programme, whole."""
    entries, house = FormEntries(), current_installation()

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        of = counted(session, programme)
        programme_changes.hold(session, programme)
        opened.require_fresh(session, entries, things(programme, of.unit))
        wanted = read(entries, of)
        if wanted is None:
            raise FormRefused
        try:
            base_programme.put(session, programme, wanted, pages.author(), house.clock())
        except NoMessageField:
            entries.refuse(
                FORM,
                _(
                    "Cards of this programme show no messages, so a gift that comes with words"
                    " cannot be given. Add a field for messages to the design first."
                ),
            )
            raise FormRefused from None

    if not doing.done(entries, work, field_of):
        return _again(entries)
    pages.say(_("Saved. It holds from the next purchase on."))
    return pages.go("console.base_programme.show")


@routes.post(f"{IN_PROGRAMME}/settings/base/sentence")
@needs("terms:write")
def preview() -> str:
    """The sentence that what is typed so far would make; nothing is saved."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        wanted = read(entries, counted(session, programme))
        sentence = ""
        if wanted is not None:
            sentence = _sentence(session, programme, wanted)
    return render_template("console/settings/base_sentence.html", sentence=sentence)


def _again(entries: FormEntries) -> Response:
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        of = counted(session, programme)
        wanted = read(FormEntries(), of)
        return pages.show_again(
            PAGE,
            HERE,
            entries,
            typed=entries,
            is_set=True,
            sentence="" if wanted is None else _sentence(session, programme, wanted),
            opened=opened.last_change(session, things(programme, of.unit)),
            of=of,
        )


def field_of(refusal: Refusal) -> str:
    """At which field of the form a refusal is said."""
    return FIELDS.get(refusal.field, FORM) if isinstance(refusal, TermsRefused) else FORM


def things(programme: Programme, unit: Unit) -> list[ChangedThing]:
    """What the base programme is made of, as the record of changes names it."""
    return [
        ChangedThing("programme", programme.code, programme.id),
        ChangedThing("unit", unit.code, programme.id),
        ChangedThing("message", "birthday", programme.id),
        ChangedThing("message", "lapsed", programme.id),
    ]


def _sentence(session: Session, programme: Programme, wanted: BaseChoice) -> str:
    """The sentence in the reader's language; empty for terms that cannot be."""
    try:
        said = base_programme.sentence(session, programme, wanted, language.current())
    except Refusal:
        return ""
    return said


def read(entries: FormEntries, of: CountedUnit) -> BaseChoice | None:
    """The base programme that was typed; None if something of it is none."""
    back, payable = entries.percent("back"), entries.percent("payable")
    worth = None if of.is_money else entries.money("worth", of.currency)
    live_days = None if entries.ticked("for_ever") else entries.whole("live_days")
    welcome = _gift(entries, "welcome", of)
    birthday, lapsed = _gift(entries, "birthday", of), _gift(entries, "lapsed", of)
    ahead = entries.whole("birthday_days", required=False) or 0
    away = entries.whole("lapsed_days", required=False) or base_programme.AWAY_DAYS
    if not 0 <= ahead <= MOST_DAYS_BEFORE:
        sentence = _("From 0 to %(most)s days.", most=str(MOST_DAYS_BEFORE))
        entries.refuse("birthday_days", sentence)
    if not 1 <= away <= MOST_DAYS_AWAY:
        entries.refuse("lapsed_days", _("From 1 to %(most)s days.", most=str(MOST_DAYS_AWAY)))
    if not entries.fit or back is None or payable is None:
        return None
    return BaseChoice(
        BaseTerms(
            back,
            payable,
            worth,
            None if welcome is None else welcome.points,
            None if welcome is None else welcome.live_days,
        ),
        live_days,
        birthday,
        ahead,
        lapsed,
        away,
    )


def _gift(entries: FormEntries, name: str, of: CountedUnit) -> MessageGift | None:
    """A gift of the form; None for none."""
    field = f"{name}_points"
    live_days = entries.whole(f"{name}_live_days", required=False)
    if live_days is not None and not 1 <= live_days <= units.MOST_LIVE_DAYS:
        most = str(units.MOST_LIVE_DAYS)
        entries.refuse(f"{name}_live_days", _("From 1 to %(most)s days.", most=most))
    if of.is_money:
        money = entries.money(field, of.currency, required=False)
        try:
            points = None if money is None else of.unit.points(money)
        except Refusal as refusal:
            entries.refused(refusal, field)
            return None
    else:
        points = entries.whole(field, required=False)
    if not points:
        if live_days is not None:
            entries.refuse(field, _("Say how many, or leave the days empty as well."))
        return None
    if not 0 < points <= MOST_POINTS:
        entries.refuse(field, _("From 1 to %(most)s.", most=str(MOST_POINTS)))
        return None
    return MessageGift(points, live_days)


def typed(base: BaseChoice, of: CountedUnit) -> Mapping[str, str]:
    """The base programme as it stands in the form."""
    terms = base.terms
    welcome = None
    if terms.welcome_gift is not None:
        welcome = MessageGift(terms.welcome_gift, terms.welcome_live_days)
    worth = terms.worth or Money("1", of.currency)
    typed = {
        "back": _with_comma(percent(terms.back)),
        "payable": _with_comma(percent(terms.payable)),
        "worth": _with_comma(_plain(worth)),
        "live_days": "" if base.live_days is None else str(base.live_days),
        "for_ever": "yes" if base.live_days is None else "",
        "birthday_days": str(base.birthday_days or ""),
        "lapsed_days": str(base.lapsed_days),
    }
    for name, gift in (("welcome", welcome), ("birthday", base.birthday), ("lapsed", base.lapsed)):
        typed[f"{name}_points"] = "" if gift is None else _amount(gift.points, of)
        live_days = None if gift is None else gift.live_days
        typed[f"{name}_live_days"] = "" if live_days is None else str(live_days)
    return typed


def _amount(points: int, of: CountedUnit) -> str:
    money = of.unit.money(points)
    return str(points) if money is None else _with_comma(_plain(money))


def _plain(money: Money) -> str:
    whole, _point, places = money.amount.partition(".")
    return money.amount if places.strip("0") else whole


def _with_comma(number: str) -> str:
    """A number as the reader writes it."""
    return number.replace(".", ",") if language.current() == "ru" else number


def example(base: BaseChoice, of: CountedUnit) -> tuple[Money, int, int] | None:
    """A purchase that shows how it goes: of how much money, what it earns when paid in money, and
    how many points may pay of it. None where purchases earn nothing and points pay nothing."""
    rates = base_programme.rates(of.unit, base.terms)
    places = decimals(rates.currency)
    total = 1_000 * 10**places
    earned, most = rates.earned(total), rates.most_points(total)
    return (Money.of(total, places, rates.currency), earned, most) if earned or most else None
