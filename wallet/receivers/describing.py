"""From what happened to events: notes of the wallet, sealed postings of the book, and what phones
fetched.

Postings are taken from their seals, in the order of these: each committed posting has one, whoever
made it. So no posting pays for being told of, and none is missed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from ledger import words
from ledger.book import balances, purchases
from ledger.book.accounts import DEBT, MEMBER, Account
from ledger.book.journal import PURCHASE, Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.database.index_only import by_index
from ledger.database.tables import insert_or
from ledger.money import Money
from ledger.offers.offers import Offer
from ledger.people.members import Member
from ledger.programmes.units import Unit
from ledger.seals.sealing import Chain, Seal
from wallet import happenings
from wallet.apple.arrivals import Fetch
from wallet.happenings import HappeningRow, ListeningRow
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import Delivery
from wallet.passes.issued import Pass
from wallet.receivers import log, receipts, types
from wallet.receivers.log import Described, ToldPostings
from wallet.receivers.receipts import ReceiptPlace

BATCH = 500  # notes, and postings, in one transaction
# A fetch is noted by the web process; until so long after it, it may not be committed yet.
FETCH_SETTLES = timedelta(seconds=30)


def turn(session: Session, now: datetime) -> bool:
    """Describe one batch of what happened; True if there may be more."""
    if not happenings.is_listened_to(session):
        return False
    listening = log.lock(session)
    noted = _take_notes(session)
    events = _of_notes(session, noted, now)
    posted, more_postings = _of_postings(session)
    fetched, more_fetches = _of_fetches(session, listening, now)
    log.write(session, listening, [*events, *posted, *fetched])
    return len(noted) == BATCH or more_postings or more_fetches


# --- Notes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    """What ids of the tables are called outside."""

    members: Mapping[int, Member]
    passes: Mapping[int, Pass] = field(default_factory=dict)
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    receipts: Mapping[ReceiptPlace, Mapping[str, Any]] = field(default_factory=dict)


def _take_notes(session: Session) -> Sequence[HappeningRow]:
    """The oldest notes. Their rows are gone with this transaction."""
    with by_index(session):
        found = session.scalars(select(HappeningRow).order_by(HappeningRow.id).limit(BATCH)).all()
    if found:
        session.execute(
            delete(HappeningRow)
            .where(HappeningRow.id.in_([one.id for one in found]))
            .execution_options(synchronize_session=False)
        )
    return found


def _of_notes(session: Session, noted: Sequence[HappeningRow], now: datetime) -> list[Described]:
    if not noted:
        return []
    told = _by_id(session, Delivery, _ids([one.about for one in noted], "delivery"))
    about = [_about(one.about, told) for one in noted]
    passes = _by_id(session, Pass, _ids(about, "pass"))
    sold = [receipts.place_of(one.about) for one in noted if one.type == types.CONFIRMED]
    owners = {one.member_id for one in noted if one.member_id is not None}
    owners |= {one.member_id for one in passes.values()} | set(_ids(about, "into"))
    named = _Named(
        _by_id(session, Member, owners),
        passes,
        {
            "offer": _public_ids(_by_id(session, Offer, _ids(about, "offer"))),
            "campaign": _public_ids(_by_id(session, Campaign, _ids(about, "campaign"))),
        },
        receipts.told(session, sold),
    )
    changed = [one for one in noted if one.type == "balance.changed"]
    standing = _standing(session, named, changed, now)
    return [_of_note(one, facts, named, standing) for one, facts in zip(noted, about, strict=True)]


def _of_note(
    one: HappeningRow,
    about: Mapping[str, Any],
    named: _Named,
    standing: Mapping[int, Mapping[str, Any]],
) -> Described:
    if one.type == types.CONFIRMED:
        data = named.receipts[receipts.place_of(about)]
        return Described(one.type, about["programme"], one.member_id, data, one.happened_at)
    member_id = one.member_id or named.passes[about["pass"]].member_id
    member = named.members[member_id]
    told: dict[str, Any] = {"member": member.public_id}
    for key, value in about.items():
        match key:
            case "into":
                told[key] = named.members[value].public_id
            case "pass":
                told[key] = named.passes[value].serial
            case "offer" | "campaign":
                told[key] = None if value is None else named.names[key][value]
            case _:
                told[key] = value
    if one.type == "balance.changed":
        told["balance"] = standing.get(member_id)
    return Described(one.type, member.programme_id, member_id, told, one.happened_at)


def _standing(
    session: Session, named: _Named, noted: Sequence[HappeningRow], now: datetime
) -> dict[int, dict[str, Any]]:
    """What these members have now in the main unit of their programme, by member."""
    people = [named.members[one.member_id] for one in noted if one.member_id is not None]
    if not people:
        return {}
    units = {
        one.programme_id: one
        for one in session.scalars(
            select(Unit).where(Unit.main, Unit.programme_id.in_({p.programme_id for p in people}))
        )
    }
    found = balances.of_members(
        session,
        [unit.id for unit in units.values()],
        sorted({one.holder_id for one in people}),
        now,
    )
    shown = {}
    for one in people:
        unit = units[one.programme_id]
        has = found.get((one.holder_id, unit.id))
        if has is not None:
            counts = {name: getattr(has, name) for name in ("available", "pending", "held", "debt")}
            shown[one.id] = {
                "unit": unit.code,
                **counts,
                **{
                    f"{name}_money": money
                    for name, count in counts.items()
                    if (money := _money(unit, count)) is not None
                },
            }
    return shown


def _about(noted: Mapping[str, Any], told: Mapping[int, Delivery]) -> dict[str, Any]:
    """What a note says; of a delivery, what stands in its row."""
    if "delivery" not in noted:
        return dict(noted)
    return {"pass": noted["pass"], **_of_delivery(told[noted["delivery"]])}


def _of_delivery(told: Delivery) -> dict[str, Any]:
    wallets = [
        name for name, is_in in (("apple", told.on_apple), ("google", told.on_google)) if is_in
    ]
    return {"kind": told.kind, "campaign": told.campaign_id, "wallets": wallets}


def _ids(about: Iterable[Mapping[str, Any]], key: str) -> list[int]:
    return [one[key] for one in about if one.get(key) is not None]


def _by_id(session: Session, table: Any, ids: Iterable[int | None]) -> dict[int, Any]:
    """The rows of these ids, by id."""
    wanted = set(ids) - {None}
    if not wanted:
        return {}
    return {one.id: one for one in session.scalars(select(table).where(table.id.in_(wanted)))}


def _public_ids(rows: Mapping[int, Any]) -> dict[int, str]:
    return {id_: one.public_id for id_, one in rows.items()}


# --- Postings ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Movement:
    """What one posting did to the points of one member in one unit. `debt`: by how much what they
    owe has grown. `balance`: all that the member has after it; None if only the debt moved."""

    points: int = 0
    debt: int = 0
    balance: int | None = None


def _of_postings(session: Session) -> tuple[list[Described], bool]:
    """Events of the next sealed postings, programme by programme; True if there may be more."""
    events: list[Described] = []
    ahead = session.execute(
        select(Chain.programme_id, Chain.number, ToldPostings.number)
        .outerjoin(ToldPostings, ToldPostings.programme_id == Chain.programme_id)
        .where(Chain.number > func.coalesce(ToldPostings.number, 0))
        .order_by(Chain.programme_id)
    ).all()
    left = BATCH
    for programme_id, newest, told in ahead:
        since = told or 0
        until = min(newest, since + left)
        if until > since:
            events += _of_sealed(session, programme_id, since, until)
            _remember(session, programme_id, until)
            left -= until - since
    return events, left == 0


def _remember(session: Session, programme_id: int, number: int) -> None:
    session.execute(
        insert_or(session, ToldPostings)
        .values(programme_id=programme_id, number=number)
        .on_conflict_do_update(index_elements=["programme_id"], set_={"number": number})
    )


def _of_sealed(session: Session, programme_id: int, since: int, until: int) -> list[Described]:
    """What the postings with these seals did to members: one event for each of them."""
    reversed_ = aliased(Posting)
    rows = session.execute(
        select(
            Seal.number,
            Posting,
            reversed_.public_id,
            Account.kind,
            Account.member_id,
            Account.unit_id,
            Entry.amount,
            Entry.balance_after,
            PurchaseRow.amount.label("paid"),
            PurchaseRow.currency,
        )
        .join(Posting, Posting.id == Seal.posting_id)
        .outerjoin(reversed_, reversed_.id == Posting.reverses_id)
        .outerjoin(PurchaseRow, PURCHASE)
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Seal.programme_id == programme_id,
            Seal.number > since,
            Seal.number <= until,
            Account.kind.in_((MEMBER, DEBT)),
        )
        .order_by(Seal.number, Entry.line)
    ).all()
    headers: dict[int, tuple[Posting, str | None, dict[str, str] | None]] = {}
    movements: dict[tuple[int, int, int], _Movement] = defaultdict(_Movement)
    for row in rows:
        paid = None if row.paid is None else _written(purchases.money(row.paid, row.currency))
        headers[row.number] = (row.Posting, row[2], paid)
        _add(movements[row.number, row.member_id, row.unit_id], row)
    people = _by_id(session, Member, {member_id for _, member_id, _ in movements})
    units = _by_id(session, Unit, {unit_id for *_, unit_id in movements})
    return [
        _of_movement(*headers[number], people[member_id], units[unit_id], movement)
        for (number, member_id, unit_id), movement in movements.items()
    ]


def _add(movement: _Movement, row: Any) -> None:
    if row.kind == DEBT:
        movement.debt -= row.amount
    else:
        movement.points += row.amount
        movement.balance = row.balance_after


def _of_movement(
    posting: Posting,
    reverses: str | None,
    paid: dict[str, str] | None,
    member: Member,
    unit: Unit,
    movement: _Movement,
) -> Described:
    data: dict[str, Any] = {
        "member": member.public_id,
        "posting": posting.public_id,
        "unit": unit.code,
        "points": movement.points,
        "balance_after": movement.balance,
        "debt_change": movement.debt,
        "receipt": posting.receipt,
        "store": posting.store,
        "promotion": posting.promotion,
        "reverses": reverses,
        "purchase": paid,
        "occurred_at": words.timestamp(posting.occurred_at),
    }
    money = _money(unit, movement.points)
    if money is not None:
        data["money"] = money
        if movement.balance is not None:
            data["balance_after_money"] = _money(unit, movement.balance)
    kind = types.OF_POSTINGS[posting.kind]
    return Described(kind, posting.programme_id, member.id, data, posting.posted_at)


def _money(unit: Unit, points: int) -> dict[str, str] | None:
    money = unit.money(points)
    return None if money is None else _written(money)


def _written(money: Money) -> dict[str, str]:
    return {"amount": money.amount, "currency": money.currency}


# --- Fetches ----------------------------------------------------------------------------------


def _of_fetches(
    session: Session, listening: ListeningRow, now: datetime
) -> tuple[list[Described], bool]:
    """Messages that phones have fetched since the last look; True if there may be more."""
    since, until = listening.fetched_until, now - FETCH_SETTLES
    if until <= since:
        return [], False
    window = Fetch.fetched_at > since, Fetch.fetched_at <= until
    last = session.scalar(
        select(Fetch.fetched_at).where(*window).order_by(Fetch.fetched_at).offset(BATCH).limit(1)
    )
    listening.fetched_until = last or until
    window = Fetch.fetched_at > since, Fetch.fetched_at <= listening.fetched_until
    earlier, later = aliased(Fetch), aliased(Delivery)
    rows = session.execute(
        select(Delivery, Member, Fetch.fetched_at, Pass.serial)
        .select_from(Fetch)
        .join(Pass, Pass.id == Fetch.pass_id)
        .join(Member, Member.id == Pass.member_id)
        .join(
            Delivery,
            and_(
                Delivery.member_id == Pass.member_id,
                Delivery.pass_id == Fetch.pass_id,
                Delivery.told_at.is_not(None),
                Delivery.on_apple,
                Delivery.version <= Fetch.version,
            ),
        )
        .where(
            *window,
            ~exists().where(
                earlier.pass_id == Fetch.pass_id,
                earlier.version >= Delivery.version,
                earlier.version < Fetch.version,
            ),
            # Another message had taken its place by then, as in `outreach.results`.
            ~exists().where(
                later.member_id == Delivery.member_id,
                later.version > Delivery.version,
                later.version <= Fetch.version,
                later.told_at.is_not(None),
            ),
        )
        .order_by(Fetch.fetched_at, Delivery.id)
    ).all()
    campaigns = _public_ids(_by_id(session, Campaign, {row[0].campaign_id for row in rows}))
    events = [
        Described(
            types.FETCHED,
            member.programme_id,
            member.id,
            {
                "member": member.public_id,
                "pass": serial,
                "kind": told.kind,
                "campaign": None if told.campaign_id is None else campaigns[told.campaign_id],
                "wallets": ["apple"],
            },
            fetched_at,
        )
        for told, member, fetched_at, serial in rows
    ]
    return events, last is not None
