"""Members in lists and files, as the API has them, without the links: whoever has a link sees the
card, and a list would hand them out by the thousand.

They are written without models, which would take longer than all the rest of a list. A test holds
them to the model of the API."""

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from ledger.book import roster
from ledger.book.accounts import Balance
from ledger.book.roster import HeldConsent, ListedMember, RosterFilter, RosterPlace
from ledger.database.compiled import within
from ledger.people.consents import PURPOSES
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.segments import membership
from ledger.segments.registry import Segment
from wallet.access import files
from wallet.access.files import ExportSource, ListItem, Pages, TableRow

PERSON = ("name", "phone", "email", "birthday", "locale", "external_id")
MEMBER_COLUMNS = (
    "id",
    "programme",
    "state",
    "created_at",
    "merged_into",
    "household",
    "confirmed",
    "card",
    "card_state",
    "available",
    "pending",
    "held",
    "debt",
)
AMOUNTS = ("available", "pending", "held", "debt")


def items(rows: Sequence[ListedMember], programme: str, unit: Unit) -> list[ListItem]:
    """Members as they stand in a list, with as much of the person as the rows have."""
    balance_of = _in_points if unit.currency is None else partial(_in_money, unit)
    return [_item(row, programme, balance_of(row.balance)) for row in rows]


def members(wanted: RosterFilter, unit: Unit, now: datetime, *, people: bool) -> ExportSource:
    """The members that fit, oldest first; with `people`, what is known of them. `unit` is the main
    one of their programme."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        fetch = within(session)
        after: RosterPlace | None = None
        while rows := roster.page(
            fetch, wanted, after, files.AT_ONCE, now, people=people, with_consents=True
        ).members:
            yield items(rows, wanted.programme, unit)
            after = rows[-1].place

    return _source(pages, unit, people=people)


def of_segment(
    programme: Programme, tree: Segment, unit: Unit, now: datetime, *, people: bool
) -> ExportSource:
    """The members who belong to a segment, those first who joined last; otherwise as `members`."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        wanted = membership.sieve(tree, programme.id, unit.id)
        fetch = within(session)
        before: RosterPlace | None = None
        while True:
            page = roster.sifted(
                session,
                programme.id,
                programme.code,
                wanted,
                before,
                roster.first_edge(programme.id, before).answer(fetch),
                files.AT_ONCE,
                now,
                people=people,
                with_consents=True,
            )
            if page.members:
                yield items(page.members, programme.code, unit)
            if page.following is None and len(page.members) < files.AT_ONCE:
                return
            before = page.following or page.members[-1].place

    return _source(pages, unit, people=people)


def of_chosen(
    programme: str, ids: Sequence[int], unit: Unit, now: datetime, *, people: bool
) -> ExportSource:
    """These members and no others; otherwise as `members`."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        found = roster.known(
            within(session), programme, ids, now, people=people, with_consents=True
        )
        yield items(found.members, programme, unit)

    return _source(pages, unit, people=people)


def _source(pages: Pages, unit: Unit, *, people: bool) -> ExportSource:
    money = tuple(f"{name}_money" for name in AMOUNTS)
    counted = () if unit.currency is None else (*money, "currency")
    known = (*PERSON, *PURPOSES) if people else ()

    def row(item: ListItem) -> Iterator[TableRow]:
        balance = item["balance"]
        flat = {**item, **balance, "card": item["card"]["number"]}
        flat["card_state"] = item["card"]["state"]
        flat |= {name: balance[name]["amount"] for name in money if counted}
        flat |= {one["purpose"]: one["given"] for one in item.get("consents", ())}
        flat["currency"] = unit.currency
        yield [flat.get(name) for name in (*MEMBER_COLUMNS, *counted, *known)]

    return ExportSource(pages, (*MEMBER_COLUMNS, *counted, *known), row)


def _item(row: ListedMember, programme: str, balance: ListItem) -> ListItem:
    item = {
        "id": row.id,
        "programme": programme,
        "card": {"number": row.card, "barcode": row.card, "state": row.card_state},
        "balance": balance,
        "created_at": row.place[0],
        "state": row.state,
        "merged_into": row.merged_into,
        "household": row.household,
        "confirmed": row.confirmed,
    }
    if (person := row.person) is not None:
        item |= {
            "name": person.name,
            "phone": person.phone,
            "email": person.email,
            "birthday": person.birthday,
            "locale": person.locale,
            "external_id": person.external_id,
            "consents": [_consent(one) for one in person.consents],
        }
    return item


def _in_money(unit: Unit, balance: Balance) -> ListItem:
    counts = _in_points(balance)
    money = {name: unit.money(points) for name, points in counts.items()}
    return counts | {
        f"{name}_money": {"amount": one.amount, "currency": one.currency}
        for name, one in money.items()
        if one is not None
    }


def _in_points(balance: Balance) -> ListItem:
    return {
        "available": balance.available,
        "pending": balance.pending,
        "held": balance.held,
        "debt": balance.debt,
    }


def _consent(row: HeldConsent) -> ListItem:
    return {
        "purpose": row.purpose,
        "given": row.given,
        "text_version": row.text_version,
        "source": row.source,
        "origin": row.origin,
        "at": row.happened_at,
    }
