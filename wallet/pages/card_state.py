"""What a card's page shows now, in its language, and what of it changes while it is open."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
from flask import url_for
from sqlalchemy.orm import Session

from ledger import words
from ledger.book import statements
from ledger.book.accounts import Balance
from ledger.book.statements import LotLine
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import consents, members, persons
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access import counter_deeds
from wallet.counter import spend_codes
from wallet.installation import current_installation
from wallet.pages import designs, language
from wallet.pages.language import gettext as _
from wallet.passes import issued, showing, templates
from wallet.passes.content import Design, Facts
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

# Points that run out later than this are no news yet.
SOON = timedelta(days=60)
MOST_LOTS = 1_000  # of points that are still to come


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An offer on the page. `button` and `url` lead to its coupon; empty once that is over.
    `is_new`: there is no coupon yet, and the button makes it. `note` says if it was used."""

    title: str
    text: str
    until: str
    note: str
    button: str
    url: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class CardPageState:
    """What changes on the page while it is open, in its language. `pending`, `burning` and `debt`
    are sentences, empty where there is nothing to say. `spending` asks whether so much is to be
    spent, and `spend_code` is the code by which it is; both are empty where nobody wants to."""

    version: int
    name: str
    label: str
    points: str
    unit: str
    pending: str
    burning: str
    debt: str
    offers: tuple[OfferLine, ...]
    confirmed: bool
    spending: str
    spend_code: str

    def json(self) -> bytes:
        """The state as the page's script reads it."""
        return orjson.dumps(asdict(self))

    def etag(self) -> str:
        """Differs whenever the state does."""
        return hashlib.sha256(self.json()).hexdigest()[:32]


def now_shown(
    session: Session, pass_: Pass, programme: Programme, now: datetime
) -> tuple[Facts, CardPageState]:
    """The facts of a card, and what its page shows of them. From now on the page speaks the
    member's language, unless its reader asked for another."""
    facts = showing.facts(session, programme, [pass_.member_id], now)[pass_.member_id]
    shown = offers.shown(session, programme.id, [pass_.member_id], now)[pass_.member_id]
    coupons = issued.coupons_of(session, pass_.member_id)
    locale = persons.profile_of(session, pass_.member_id).locale
    language.suggest(member=locale, programme=programme.languages)
    token = current_installation().keys.link_token(pass_.link)
    unit = units.named(session, programme.id, None)
    design = templates.design(session.get_one(Template, pass_.template_id))
    balance_words = designs.balance_words(design, unit, facts.points)
    balance = _balance(session, pass_, now)
    has_points = designs.counts(design)
    member = members.by_id(session, pass_.member_id)
    asked = spend_codes.shown(session, current_installation().keys, member, now)
    state = CardPageState(
        version=pass_.version,
        name=facts.name,
        label=balance_words.label,
        points=language.amount(unit, facts.points),
        unit=balance_words.unit,
        pending=_pending(session, balance, unit, programme, now) if has_points else "",
        burning=_burning(session, balance, unit, programme, now) if has_points else "",
        debt=_debt(design, unit, facts.debt),
        # The facts speak the member's language; this page may speak another.
        offers=tuple(
            _offer_line(offer, programme, token, coupons.get(offer.id), now) for offer in shown
        ),
        confirmed=not member.unconfirmed and not _must_accept(session, member),
        spending=""
        if asked is None
        else _("Spend %(amount)s?", amount=counted(unit, asked.points)),
        spend_code="" if asked is None else designs.in_threes(asked.code),
    )
    return facts, state


def _must_accept(session: Session, member: Member) -> bool:
    """Whether a cashier made the card, and its owner has not accepted the rules. They may have said
    a code that was sent to them, and spend; but they have agreed to nothing by that."""
    made = counter_deeds.made_at_counter(session, member.id)
    return made and "rules" not in consents.current(session, member.id)


def counted(unit: Unit, count: int) -> str:
    """So many points, with their word; money with its sign."""
    return f"{language.amount(unit, count)} {language.unit_word(unit, count)}".strip()


def balance_in_words(session: Session, pass_: Pass, programme: Programme, now: datetime) -> str:
    """All that is on the card, and still to come; empty for nothing."""
    balance = _balance(session, pass_, now)
    total = balance.available + balance.pending + balance.held
    return counted(units.named(session, programme.id, None), total) if total else ""


def _balance(session: Session, pass_: Pass, now: datetime) -> Balance:
    member = members.by_id(session, pass_.member_id)
    return statements.main_balances(session, pass_.programme_id, [member], now)[member.id]


def _pending(
    session: Session, balance: Balance, unit: Unit, programme: Programme, now: datetime
) -> str:
    """What comes later, and when."""
    if not balance.pending:
        return ""
    lots = statements.lot_lines(session, balance.account_id, None, MOST_LOTS)
    begin = sorted(lot.activates_at for lot in lots if lot.state(now) == "pending")
    if not begin:
        return ""
    amount, day = counted(unit, balance.pending), language.day(begin[0], programme.timezone)
    if _days(lots, programme, now) > 1:
        return _("%(amount)s more to come, the first on %(day)s", amount=amount, day=day)
    return _("%(amount)s more on %(day)s", amount=amount, day=day)


def _days(lots: Sequence[LotLine], programme: Programme, now: datetime) -> int:
    zone = ZoneInfo(programme.timezone)
    pending = [lot for lot in lots if lot.state(now) == "pending"]
    return len({lot.activates_at.astimezone(zone).date() for lot in pending})


def _burning(
    session: Session, balance: Balance, unit: Unit, programme: Programme, now: datetime
) -> str:
    """What runs out soon, and on which day it counts for the last time."""
    found = statements.next_expiries(session, [balance.account_id], now).get(balance.account_id)
    if found is None or found.expires_at > now + SOON:
        return ""
    end = found.expires_at.astimezone(ZoneInfo(programme.timezone))
    day = words.end_in(language.current(), end)
    return _("%(amount)s until %(day)s", amount=counted(unit, found.points), day=day)


def _debt(design: Design, unit: Unit, owed: int) -> str:
    """What the member owes, as a sentence; empty for nothing."""
    if not owed:
        return ""
    balance_words = designs.balance_words(design, unit, owed)
    amount = f"{language.amount(unit, owed)} {balance_words.unit}".strip()
    return _("You owe %(amount)s. What comes in next pays this first.", amount=amount)


def _offer_line(
    offer: Offer, programme: Programme, token: str, coupon: Pass | None, now: datetime
) -> OfferLine:
    is_over = coupon is not None and not issued.counts(coupon, now)
    title, text = showing.wording(offer, programme, *language.wanted())
    return OfferLine(
        title=title,
        text=text,
        until=showing.until(offer, programme, language.current()),
        note=_note(coupon, is_over=is_over),
        button="" if is_over else _("Get the coupon") if coupon is None else _("Open the coupon"),
        url=""
        if is_over
        else url_for("pages.own_coupon.show", token=token, offer_id=offer.public_id),
        is_new=coupon is None,
    )


def _note(coupon: Pass | None, *, is_over: bool) -> str:
    """What is said of the member's coupon of an offer, if they have one."""
    if coupon is None:
        return ""
    if coupon.state == "used":
        return _("You have used it")
    if is_over:
        return ""
    return _("You have this coupon: open it and show it at the till.")
