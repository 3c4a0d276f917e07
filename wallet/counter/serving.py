"""A guest at the counter: found by what was scanned or typed, and served. Every deed is done once,
under the key that the device chose, and can be undone.

Lock order: the key of the deed, then as in docs/architecture.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.book import reversals
from ledger.contacts import Unfit, email_address, phone_number
from ledger.errors import NothingEarned, Refusal, UnknownCard, UnknownMember
from ledger.money import Money, decimals
from ledger.people import cards, members, persons
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, checkout, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.programmes.programmes import Programme
from wallet.access import counter_deeds, counter_limits
from wallet.access.changes import Author
from wallet.access.counter_deeds import OWN_FOR, AtCounter, CounterDeed, GuestNamedBy
from wallet.configuration.keyring import KeyRing
from wallet.counter import spend_codes
from wallet.delivery.refresh import MakeDue
from wallet.errors import CodeOutdated, DeedNotOwn, DeedNotReversible, SpendNeedsCard
from wallet.passes import codes, coupons, issued, renewal
from wallet.people import deeds as people_deeds
from wallet.people import pass_deeds

LONGEST_TYPED = 400  # characters: a coupon with a signed code is 350
CLOCK_IS_OFF = timedelta(days=3)  # what a device says is older is not believed


@dataclass(frozen=True, slots=True)
class FoundGuest:
    """Whom the cashier has before them: by which card number, how it was named, and the coupon that
    was scanned, by its serial number."""

    member: Member
    card: str
    named_by: GuestNamedBy
    coupon: str | None = None


def find(
    session: Session, keys: KeyRing, programme: Programme, typed: str, now: datetime
) -> FoundGuest | Refusal:
    """The guest whose card was scanned, or whose card number, phone number or e-mail was typed. A
    refusal that is returned, and not raised, is to be committed: the phone is told of its newer
    code. Raises `UnknownCard`, `UnknownMember`, what `renewal.accept` and `coupons.presented`
    raise."""
    text = cards.normalise(typed[:LONGEST_TYPED])
    coupon, card = codes.parted(text)
    try:
        scan = renewal.accept(session, keys, _possible(card), now, programme_id=programme.id)
    except UnknownCard:
        named = _by_address(session, programme, typed.strip(), now)
        if named is None:
            raise
        return named
    if scan.refusal is not None:
        return scan.refusal
    if coupon is not None:
        coupons.presented(session, coupon, scan.member)
    return FoundGuest(scan.member, cards.newest_of(session, scan.member.id).number, "card", coupon)


def _possible(card: str) -> str:
    if not codes.is_code(card) and not cards.is_possible(card):
        raise UnknownCard
    return card


def _by_address(
    session: Session, programme: Programme, typed: str, now: datetime
) -> FoundGuest | None:
    """Who has this phone number or e-mail, the one who came first; None for what is neither. Raises
    `UnknownMember`, and what `cards.require_open` raises."""
    by: GuestNamedBy = "email" if "@" in typed else "phone"
    try:
        if by == "email":
            address = email_address(typed)
            member = persons.owner_of_address(session, programme.id, phone=None, email=address)
        else:
            number = phone_number(typed, programme.country)
            member = persons.owner_of_address(session, programme.id, phone=number, email=None)
    except Unfit:
        return None
    if member is None or member.erased_at is not None:
        raise UnknownMember
    cards.require_open(session, member.id, now)
    return FoundGuest(member, cards.newest_of(session, member.id).number, by)


@dataclass(frozen=True, slots=True)
class SaleWish:
    """A purchase as the cashier typed it: for whom, what it costs, and how many points (pieces of
    the main unit) pay of it, with the code that the guest said, where one is due. `happened_at`: on
    the counter's clock, for what is sent later."""

    card: str
    named_by: GuestNamedBy
    total: Money
    points: int = 0
    code: str = ""
    happened_at: datetime | None = None


def sell(
    session: Session,
    keys: KeyRing,
    programme: Programme,
    key: str,
    wish: SaleWish,
    by: AtCounter,
    now: datetime,
) -> CounterDeed:
    """Settle a purchase, once. Raises `IdempotencyConflict`, `SpendNeedsCard`, what
    `spend_codes.redeem` raises where a code is due, and what `checkout.check_out` raises."""
    happened_at = believed(wish.happened_at, now)

    def work(deed: CounterDeed) -> None:
        if wish.points:
            _may_spend(session, keys, programme, wish, now)
        whom = Whom(card=wish.card, programme_id=programme.id)
        cause = Cause(store=by.store, occurred_at=happened_at)
        done = checkout.check_out(session, whom, wish.total, wish.points, cause, now)
        moved = done.earned or done.spent
        if moved is None:
            raise NothingEarned
        deed.total = _pieces(wish.total)
        deed.currency = wish.total.currency
        if done.spent is not None:
            deed.spent, deed.spent_posting = done.spent.points, done.spent.posting_id
        if done.earned is not None:
            deed.earned, deed.earned_posting = done.earned.points, done.earned.posting_id
        _concerns(session, deed, moved.member, wish.named_by)
        _mark(session, programme, deed, moved.member)

    def is_same(before: CounterDeed) -> bool:
        asked = (_pieces(wish.total), wish.points)
        return asked == (before.total, before.spent)

    return counter_deeds.once(
        session,
        key,
        by,
        "sale",
        work,
        now,
        is_same=is_same,
        happened_at=happened_at,
        offline=wish.happened_at is not None,
    )


def _pieces(money: Money) -> int:
    return money.points(decimals(money.currency))


def _may_spend(
    session: Session, keys: KeyRing, programme: Programme, wish: SaleWish, now: datetime
) -> None:
    """Who was named by an address alone spends as the programme says: the code that they said is
    used up here."""
    match spend_codes.rule(session, programme, scanned=wish.named_by == "card"):
        case "never":
            raise SpendNeedsCard
        case "code":
            owner = cards.owner(session, wish.card, now, programme.id)
            spend_codes.redeem(session, keys, owner.member, wish.code, wish.points, now)


def stamp(
    session: Session,
    programme: Programme,
    key: str,
    guest: tuple[str, GuestNamedBy],
    count: int,
    by: AtCounter,
    now: datetime,
) -> CounterDeed:
    """Give so many stamps to the guest (card number, and how they were named), or take them, if the
    number is negative. Raises `IdempotencyConflict`, and what `accruals.grant` and
    `redemptions.redeem` raise."""
    card, named_by = guest

    def work(deed: CounterDeed) -> None:
        whom, cause = Whom(card=card, programme_id=programme.id), Cause(store=by.store)
        if count > 0:
            moved = accruals.grant(session, whom, Grant(count, cause), now)
            deed.earned, deed.earned_posting = moved.points, moved.posting_id
        else:
            moved = redemptions.redeem(session, whom, Spend(-count, cause), now)
            deed.spent, deed.spent_posting = moved.points, moved.posting_id
        _concerns(session, deed, moved.member, named_by)
        _mark(session, programme, deed, moved.member)

    def is_same(before: CounterDeed) -> bool:
        return before.earned - before.spent == count

    return counter_deeds.once(session, key, by, "stamps", work, now, is_same=is_same)


def use_coupon(
    session: Session,
    key: str,
    serial: str,
    make_due: Sequence[MakeDue],
    by: AtCounter,
    author: Author,
    now: datetime,
) -> CounterDeed:
    """Use this coupon up, once. Raises `UnknownCard` where there is none in the programme,
    `IdempotencyConflict`, and what `coupons.use` raises."""

    def work(deed: CounterDeed) -> None:
        pass_ = issued.by_serial(session, serial)
        if pass_ is None or pass_.programme_id != by.programme_id:
            raise UnknownCard
        used = pass_deeds.use(session, pass_, make_due, author, now)
        deed.serial = used.serial
        _concerns(session, deed, members.by_id(session, used.member_id), "card")

    def is_same(before: CounterDeed) -> bool:
        return before.serial == serial

    return counter_deeds.once(session, key, by, "coupon", work, now, is_same=is_same)


def enrol(
    session: Session,
    programme: Programme,
    key: str,
    profile: Profile,
    pass_type: str,
    keys: KeyRing,
    by: AtCounter,
    author: Author,
    now: datetime,
) -> CounterDeed:
    """Make a new member, once. They have agreed to nothing yet and are not confirmed: that they do
    themselves, on their card. Raises `IdempotencyConflict`, `PersonalDataNotKept`, `PhoneTaken`,
    `EmailTaken`."""

    def work(deed: CounterDeed) -> None:
        member = people_deeds.add(
            session,
            programme,
            profile,
            [],
            "console",
            pass_type,
            keys,
            author,
            now,
            unconfirmed=True,
        )
        named_by: GuestNamedBy = "email" if profile.phone is None else "phone"
        _concerns(session, deed, member, named_by)

    return counter_deeds.once(session, key, by, "joined", work, now)


def undo(
    session: Session,
    deed: CounterDeed,
    make_due: Sequence[MakeDue],
    by: AtCounter,
    author: Author,
    now: datetime,
    *,
    any_ones: bool = False,
) -> CounterDeed:
    """Undo a deed, which the caller found (`counter_deeds.find`); one that is undone stays so. A
    cashier undoes their own, for a day; `any_ones`: those of others too, whenever. Raises
    `DeedNotOwn`, `DeedNotReversible` for what was never done, and what `corrections.reverse` and
    `pass_deeds.restore` raise."""
    is_own = deed.employee_id == by.employee_id and deed.noted_at > now - OWN_FOR
    if not (is_own or any_ones):
        raise DeedNotOwn
    if deed.state == "undone":
        return deed
    if deed.state != "done" or deed.kind == "joined" or deed.member_id is None:
        raise DeedNotReversible
    member = members.by_id(session, deed.member_id)
    for public_id in (deed.earned_posting, deed.spent_posting):
        if public_id is not None:
            posting = reversals.find(session, public_id)
            people_deeds.undo(session, member, posting, "", author, now)
    if deed.serial is not None and (coupon := issued.by_serial(session, deed.serial)) is not None:
        pass_deeds.restore(session, coupon, make_due, author, now, only_if="used")
    deed.state, deed.undone_at, deed.undone_by_id = "undone", now, by.employee_id
    session.flush()
    return deed


@dataclass(frozen=True, slots=True)
class LateSale:
    """A purchase that was typed without a network: under which key, what was scanned or typed, and
    when, by the clock of the device."""

    key: str
    typed: str
    total: Money
    happened_at: datetime


def sell_late(
    session: Session,
    keys: KeyRing,
    programme: Programme,
    late: LateSale,
    by: AtCounter,
    now: datetime,
) -> CounterDeed:
    """Settle a purchase that was paid while there was no network: it earns, whatever the code has
    become since, as long as it was one of ours. Raises what `find` and `sell` raise."""
    found = find(session, keys, programme, late.typed, now)
    if isinstance(found, CodeOutdated):
        read = codes.read(codes.parted(cards.normalise(late.typed))[1])
        assert read is not None, "what is outdated was read"  # noqa: S101
        wish = SaleWish(read.card, "card", late.total, happened_at=late.happened_at)
    elif isinstance(found, Refusal):
        raise found
    else:
        wish = SaleWish(found.card, found.named_by, late.total, happened_at=late.happened_at)
    return sell(session, keys, programme, late.key, wish, by, now)


def refuse_late(
    session: Session, late: LateSale, code: str, by: AtCounter, now: datetime
) -> CounterDeed:
    """Note that such a purchase was refused with this code, for those who run the programme. What
    is sent once more gets the same answer. Raises `IdempotencyConflict`."""

    def work(deed: CounterDeed) -> None:
        deed.state, deed.refusal = "refused", code
        deed.total = _pieces(late.total)
        deed.currency = late.total.currency

    happened_at = believed(late.happened_at, now)
    return counter_deeds.once(
        session, late.key, by, "sale", work, now, happened_at=happened_at, offline=True
    )


def believed(happened_at: datetime | None, now: datetime) -> datetime:
    """When something happened, if what a device says can be true: not in the future, and not long
    ago."""
    if happened_at is None or not now - CLOCK_IS_OFF < happened_at < now:
        return now
    return happened_at


def start_of_day(programme: Programme, now: datetime) -> datetime:
    """When the day of the programme began, by its clock."""
    zone = ZoneInfo(programme.timezone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(now.tzinfo)


def _concerns(session: Session, deed: CounterDeed, member: Member, named_by: GuestNamedBy) -> None:
    deed.member_id, deed.named_by = member.id, named_by
    session.flush()


def _mark(session: Session, programme: Programme, deed: CounterDeed, member: Member) -> None:
    """Say what is odd. Points of the member were moved, so their balance is locked: purchases of
    one card at once see each other."""
    since = start_of_day(programme, deed.happened_at)
    day = counter_deeds.day_of(session, member.id, deed.employee_id, since)
    usual = counter_limits.of(session, programme.id)
    deed.odd = usual.oddities(day.purchases, day.same_cashier, day.amount) or None
