"""Members: add, read, find, and their statement."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger import members, programmes
from ledger.book import accounts, postings
from ledger.book.accounts import Balance
from ledger.members import Member, Profile, Search
from wallet.api import paging
from wallet.api.auth import needs
from wallet.api.bodies import (
    BalanceOut,
    CardOut,
    LineOut,
    LinksOut,
    MemberIn,
    MemberOut,
    MemberSearch,
    MembersOut,
    PageIn,
    StatementOut,
)
from wallet.api.once import once
from wallet.installation import here
from wallet.passes import issuing

routes = APIBlueprint("members", __name__, tag="Members")


@routes.post("/members")
@needs("members:write")
@routes.input(MemberIn)
@routes.output(MemberOut, status_code=201)
def add(json_data: MemberIn) -> Response:
    """Add a member. They get a card at once."""
    profile = Profile(
        name=json_data.name,
        phone=json_data.phone,
        email=json_data.email,
        birthday=json_data.birthday,
        locale=json_data.locale,
        external_id=json_data.external_id,
    )

    def effect(session: Session, now: datetime) -> MemberOut:
        programme = programmes.by_code(session, json_data.programme)
        pass_ = issuing.join(
            session, programme, profile, here().pass_type, here().keys.first.id, now
        )
        return described(session, members.by_id(session, pass_.member_id))

    return once(json_data, effect, key_required=True)


@routes.get("/members/<member_id>")
@needs("members:read")
@routes.output(MemberOut)
def read(member_id: str) -> MemberOut:
    """One member."""
    with here().database.reading() as session:
        return described(session, members.by_public_id(session, member_id))


@routes.get("/members")
@needs("members:read")
@routes.input(MemberSearch, location="query")
@routes.output(MembersOut)
def find(query_data: MemberSearch) -> MembersOut:
    """Find members by card, phone, email or external_id."""
    search = Search(query_data.card, query_data.phone, query_data.email, query_data.external_id)
    after = paging.from_cursor(query_data.cursor) or 0
    with here().database.reading() as session:
        found = list(members.find(session, search, after, query_data.limit + 1))
        page = found[: query_data.limit]
        more = len(found) > query_data.limit
        return MembersOut(
            items=[described(session, member) for member in page],
            next_cursor=paging.to_cursor(page[-1].id) if more else None,
        )


@routes.get("/members/<member_id>/postings")
@needs("members:read")
@routes.input(PageIn, location="query")
@routes.output(StatementOut)
def statement(member_id: str, query_data: PageIn) -> StatementOut:
    """What happened to a member's points, newest first."""
    before = paging.from_cursor(query_data.cursor)
    with here().database.reading() as session:
        member = members.by_public_id(session, member_id)
        account_id = accounts.of_member(session, member.id)
        lines = postings.statement(session, account_id, before, query_data.limit + 1)
    page = lines[: query_data.limit]
    more = len(lines) > query_data.limit
    return StatementOut(
        items=[LineOut.model_validate(line) for line in page],
        next_cursor=paging.to_cursor(page[-1].posting_id) if more else None,
    )


def described(session: Session, member: Member) -> MemberOut:
    """A member as the API shows it."""
    card = members.card_of(session, member.id)
    pass_ = issuing.of_member(session, member.id)
    balance = accounts.balance(session, accounts.of_member(session, member.id))
    return MemberOut(
        id=member.public_id,
        programme=programmes.by_id(session, member.programme_id).code,
        card=CardOut(number=card.number, barcode=card.number),
        balance=balance_out(balance),
        links=LinksOut(
            card=here().card_link(pass_),
            apple=here().apple.link(pass_),
            google=google.link(pass_) if (google := here().google) is not None else None,
        ),
    )


def balance_out(balance: Balance) -> BalanceOut:
    return BalanceOut(available=balance.available, pending=balance.pending, held=balance.held)
