"""What a cashier sees: of a guest before they are served, and of what was done for them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import segno
from babel.numbers import get_currency_symbol
from sqlalchemy.orm import Session

from ledger import languages
from ledger.book import statements
from ledger.book.accounts import Balance
from ledger.limits import NEVER
from ledger.money import Money, decimals
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import cards, members, persons
from ledger.people.members import Member
from ledger.people.persons import Search
from ledger.points import checkout
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access.counter_deeds import CounterDeed, GuestNamedBy
from wallet.console import moments, pages
from wallet.console.members import people
from wallet.counter import spend_codes
from wallet.counter.spend_codes import SpendRule
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import coupons, issued, showing

SOON = timedelta(days=60)  # points that run out later are no news yet
MOST_SHOWN = 4  # offers and coupons: the panel must not be scrolled


@dataclass(frozen=True, slots=True)
class ServedGuest:
    """Whom a panel serves, as its forms say it: public id, card number, how they were named, and
    what was scanned or typed. A card number is no secret between a guest and their card; but who
    was named by a phone number is not told theirs, or it would spend in place of a code."""

    member: str
    card: str
    named_by: GuestNamedBy
    typed: str

    @property
    def known_as(self) -> str:
        """By what a receipt that waits for a network names them."""
        return self.card if self.named_by == "card" else self.typed

    @property
    def number(self) -> str:
        """The card number as the cashier sees it."""
        shown = people.grouped(self.card) if self.named_by == "card" else self.card[-4:]
        return shown if self.named_by == "card" else f"•• {shown}"

    def sealed(self, now: datetime) -> str:
        """As the forms hold it."""
        told = [pages.programme().id, now.timestamp(), *astuple(self)]
        return current_installation().keys.seal(orjson.dumps(told).decode())


@dataclass(frozen=True, slots=True)
class OfferAtCounter:
    """An announcement that the guest sees, in words; with a `serial`, their coupon of it."""

    title: str
    text: str
    until: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class GuestPanel:
    """What a cashier sees of a guest. `may_spend`: they have points, and may. `says`: what to tell
    them, in words. `scanned`: the serial number of the coupon that was scanned. `currency`: in
    which purchases are typed, as a sign; empty where the programme counts stamps, and None where
    nothing says what a purchase earns. `finds_card`: by a code that the cashier tells them."""

    called: str
    may_spend: bool
    points: str
    unit: str
    says: Sequence[str]
    coupons: Sequence[OfferAtCounter]
    offers: Sequence[OfferAtCounter]
    currency: str | None
    scanned: str | None
    known_as: str
    who: str
    finds_card: bool


def spend_rule(session: Session, guest: ServedGuest) -> SpendRule:
    """How this guest spends."""
    programme = pages.programme_row(session)
    return spend_codes.rule(session, programme, scanned=guest.named_by == "card")


def why_not(session: Session, guest: ServedGuest, member: Member) -> str:
    """Why this guest spends no points now; empty if they may."""
    rule = spend_rule(session, guest)
    if rule == "never":
        return _("To spend points, ask for the card: a phone number is not enough here.")
    if member.unconfirmed and rule == "free":
        return _("Spends points once they have accepted the rules on their own phone.")
    return ""


def seen(
    session: Session, member: Member, guest: ServedGuest, scanned: str | None, now: datetime
) -> GuestPanel:
    """The panel of this guest; `scanned`: the coupon that was."""
    programme = pages.programme_row(session)
    unit = units.named(session, programme.id, None)
    balance = statements.main_balances(session, programme.id, [member], now)[member.id]
    shown = offers.shown(session, programme.id, [member.id], now)[member.id]
    held = issued.coupons_of(session, member.id)
    theirs, others = list[OfferAtCounter](), list[OfferAtCounter]()
    for offer in shown:
        pass_ = held.get(offer.id)
        if pass_ is None:
            others.append(_in_words(offer, programme, offer.ends_at))
        elif coupons.state(session, pass_, now) == "active":
            ends_at = coupons.ends_at(pass_, offer)
            theirs.append(_in_words(offer, programme, ends_at, pass_.serial))
    theirs.sort(key=lambda one: one.serial != scanned)
    says = _says(session, programme, member, unit, balance, now)
    if scanned is not None and scanned not in {one.serial for one in theirs}:
        says.insert(0, _("This coupon was used already, or has ended."))
    if guest.named_by != "card" and _is_shared(session, member, guest):
        says.append(_("There is another card with this number or address."))
    return GuestPanel(
        _called(session, member, guest.number),
        balance.available > 0 and not why_not(session, guest, member),
        language.amount(unit, balance.available),
        language.unit_word(unit, balance.available),
        says,
        theirs[:MOST_SHOWN],
        others[:MOST_SHOWN],
        _currency(session, unit),
        scanned,
        guest.known_as,
        guest.sealed(now),
        programme.keeps_personal,
    )


def _called(session: Session, member: Member, number: str) -> str:
    name = persons.profile_of(session, member.id).name
    return name or _("Card %(number)s", number=number)


def _is_shared(session: Session, member: Member, guest: ServedGuest) -> bool:
    """Whether somebody else joined with the same address."""
    known, there = persons.profile_of(session, member.id), member.programme_id
    if guest.named_by == "phone" and known.phone is not None:
        wanted = Search(phones=(known.phone,), programme_id=there)
    elif guest.named_by == "email" and known.email is not None:
        wanted = Search(email=known.email, programme_id=there)
    else:
        return False
    return len(persons.search(session, wanted, 0, 2)) > 1


def _in_words(
    offer: Offer, programme: Programme, ends_at: datetime, serial: str = ""
) -> OfferAtCounter:
    title, text = showing.wording(offer, programme, language.current())
    until = "" if ends_at == NEVER else moments.last_day(ends_at, programme.timezone)
    return OfferAtCounter(title, text, until, serial)


def _title(offer: Offer, programme: Programme) -> str:
    return showing.wording(offer, programme, language.current())[0]


def _currency(session: Session, unit: Unit) -> str | None:
    if unit.kind == "stamps":
        return ""
    rates, tongue = checkout.rates_of(session, unit), language.current()
    return None if rates is None else get_currency_symbol(rates.currency, languages.locale(tongue))


def _says(
    session: Session,
    programme: Programme,
    member: Member,
    unit: Unit,
    balance: Balance,
    now: datetime,
) -> list[str]:
    """What a good cashier tells this guest."""
    said = []
    today = now.astimezone(ZoneInfo(programme.timezone)).date()
    birthday = persons.profile_of(session, member.id).birthday
    if birthday is not None and (birthday.month, birthday.day) == (today.month, today.day):
        said.append(_("It is their birthday today."))
    ends = statements.next_expiries(session, [balance.account_id], now).get(balance.account_id)
    if ends is not None and ends.expires_at < now + SOON:
        day = moments.last_day(ends.expires_at, programme.timezone)
        said.append(
            _("%(amount)s until %(day)s.", amount=people.points(unit, ends.points), day=day)
        )
    if balance.debt:
        said.append(_("They owe %(amount)s.", amount=people.points(unit, balance.debt)))
    return said


def told(session: Session, deed: CounterDeed, now: datetime) -> dict[str, object]:
    """What a deed brought, in words."""
    unit = units.named(session, deed.programme_id, None)
    told: dict[str, object] = {"deed": deed, "said": people.points, "unit": unit}
    if deed.member_id is None:
        return told
    member = members.resolve_merged(session, members.by_id(session, deed.member_id))
    balance = statements.main_balances(session, deed.programme_id, [member], now)[member.id]
    told["balance"] = people.points(unit, balance.available)
    told["called"] = _called(
        session, member, f"•• {cards.newest_of(session, member.id).number[-4:]}"
    )
    told["debt"] = people.points(unit, balance.debt) if balance.debt else ""
    if deed.total is not None and deed.currency is not None:
        rates = checkout.rates_of(session, unit)
        paid = 0 if rates is None else rates.pays(deed.spent)
        due = Money.of(deed.total - paid, decimals(deed.currency), deed.currency)
        told["due"] = due.written(language.current())
        total = Money.of(deed.total, decimals(deed.currency), deed.currency)
        told["total"] = total.written(language.current())
    if deed.kind == "joined":
        link = current_installation().card_link(issued.card_of(session, member.id))
        told["link"] = link
        told["drawing"] = segno.make(link, error="m").svg_data_uri(scale=6, border=2)
    elif deed.serial is not None:
        pass_ = issued.by_serial(session, deed.serial)
        if pass_ is not None and pass_.offer_id is not None:
            told["title"] = _title(
                session.get_one(Offer, pass_.offer_id), pages.programme_row(session)
            )
    return told
