"""A receipt is priced: the catalogue completes it, promotions are asked, points pay and are earned.
Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.catalogue import completing
from ledger.errors import PromotionRefused
from ledger.people.members import Member
from ledger.points import checkout
from ledger.programmes import stores, units
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store
from ledger.programmes.units import Unit
from ledger.promotions import pricing
from ledger.promotions.conditions.code import folded
from ledger.promotions.pricing import PricedSale
from ledger.promotions.promotions import Promotion, Shelf
from ledger.promotions.quotes import Quote
from ledger.promotions.situations import SalePlace
from ledger.sales import buyers, limits, published, receipts
from ledger.sales.buyers import ShopVisit
from ledger.sales.limits import Whose
from ledger.sales.published import PublishedPromotions
from ledger.sales.receipts import TillReceipt


@dataclass(frozen=True, slots=True)
class Buyer:
    """The member who buys. `may_spend`: False for one who may not pay with points here."""

    member: Member
    may_spend: bool = True

    def who_only_earns(self) -> "Buyer":
        """The same member, who does not spend."""
        return replace(self, may_spend=False)


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote with what it was made from. `promotions`: those that could be given, by code.
    `buyer`: None for nobody that is known."""

    quote: Quote
    sale: PricedSale
    unit: Unit
    promotions: dict[str, Promotion]
    buyer: Buyer | None

    @property
    def codes(self) -> frozenset[str]:
        """The codes that were entered, as they are compared."""
        return frozenset(map(folded, self.sale.codes))

    def dates(self, promotion: str | None) -> tuple[datetime | None, datetime | None]:
        """When points become active and run out that this promotion gives, or the base programme;
        None where it is as the unit says."""
        if promotion is None:
            return None, None
        dates = self.promotions[promotion].rules.points_dates
        if not dates.active_after_days and dates.live_days is None:
            return None, None
        active = self.sale.clock.moment + timedelta(days=dates.active_after_days)
        if dates.live_days is None:
            return active, None
        return active, active + timedelta(days=dates.live_days)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is asked of a check: `drafts` beside what is published, in place of those with the same
    codes; `only` these promotions, if any are named; those that are only tried too."""

    drafts: Sequence[Promotion] = ()
    only: frozenset[str] = frozenset()


def quote(
    session: Session,
    programme: Programme,
    receipt: TillReceipt,
    buyer: Buyer | None,
    now: datetime,
    trial: Trial | None = None,
) -> Priced:
    """What the receipt costs and earns. Raises `UnknownStore`, `PromotionRefused` for a draft that
    is tried, and what `receipts.basket` and `buyers.stored_value` raise."""
    moment = receipt.at or now
    store = _store(session, programme, receipt.store)
    known = published.of(session, programme.id)
    unit = units.named(session, programme.id, None)
    rates = checkout.rates_of(session, unit)
    goods = completing.known(
        session, programme.id, store, moment, receipt.skus(), receipt.scanned()
    )
    usual = None if rates is None else rates.currency
    basket = receipts.basket(receipt, goods, usual)
    day_ends = time.fromisoformat(known.terms.day_ends)
    clock = buyers.clock(programme, store, moment, day_ends)
    shelf = _shelf(known, receipt.store, moment, usual, trial)
    sale = PricedSale(
        basket,
        known.terms,
        SalePlace(
            receipt.store, None if store is None else store.group, receipt.till, receipt.channel
        ),
        clock,
        codes=receipt.codes,
        is_traced=trial is not None,
    )
    near = pricing.near(sale, basket, shelf)
    member = None if buyer is None else buyer.member
    visit = ShopVisit(programme, store, clock, day_ends)
    asked = (question for one in near for question in one.rules.asks())
    codes = frozenset(map(folded, receipt.codes))
    whose = Whose(None if member is None else member.id, clock.day, codes, unit.scale)
    available = 0
    if buyer is not None and buyer.may_spend:
        standing = statements.main_balances(session, programme.id, [buyer.member], now)
        available = max(0, standing[buyer.member.id].available)
    sale = replace(
        sale,
        facts=buyers.facts(session, member, visit, asked),
        paid_by=receipt.paid_by,
        rates=rates,
        scale=unit.scale,
        available=available,
        wish=receipt.pays,
        rewards=receipt.rewards,
        left=limits.left(session, programme.id, near, whose),
        stored=buyers.stored_value(session, programme, receipt.gift_cards, basket.currency, now),
    )
    promotions = {one.code: one for one in shelf.all}
    return Priced(pricing.price(sale, shelf), sale, unit, promotions, buyer)


def business_day(
    session: Session, programme: Programme, receipt: TillReceipt, now: datetime
) -> date:
    """The day to which the receipt belongs in its store. Raises `UnknownStore`."""
    store = _store(session, programme, receipt.store)
    day_ends = time.fromisoformat(published.of(session, programme.id).terms.day_ends)
    return buyers.clock(programme, store, receipt.at or now, day_ends).day


def _store(session: Session, programme: Programme, code: str | None) -> Store | None:
    return None if code is None else stores.store_named(session, programme.id, code)


def _shelf(
    known: PublishedPromotions,
    store: str | None,
    moment: datetime,
    currency: str | None,
    trial: Trial | None,
) -> Shelf:
    """The promotions that are asked, with those that are to be tried."""
    given = known.shelf(store, moment, tests=trial is not None)
    if trial is None or not (trial.drafts or trial.only):
        return given
    tried: dict[str, Promotion] = {}
    for draft in trial.drafts:
        if draft.code in tried:
            raise PromotionRefused("with", "'{code}' stands there twice.", code=draft.code)
        published.check(known.terms, draft.code, draft.rules)
        published.require_currency("with", draft.rules.currency, currency)
        tried[draft.code] = draft
    asked = {one.code: one for one in given.all} | tried
    return Shelf(one for one in asked.values() if not trial.only or one.code in trial.only)
