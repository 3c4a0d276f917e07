"""Members: add, correct, read, find, erase.

What is known of the person is shown only to keys that may see it, and only when it is asked for:
the answer to adding a member is kept for ever (see `idempotent`), and personal data must not be."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from apiflask import APIBlueprint
from flask import Response, abort
from pydantic import ValidationError
from sqlalchemy.orm import Session

from ledger.book import balances, roster
from ledger.book.roster import RosterFilter
from ledger.contacts import PhoneNumber
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    EmailTaken,
    ExternalIdTaken,
    HouseholdNotEmpty,
    PersonalDataNotKept,
    PhoneTaken,
    UnknownMember,
    UnknownProgramme,
)
from ledger.people import cards, consents, members, persons
from ledger.people.consents import ConsentSource, Decision
from ledger.people.members import Member
from ledger.people.persons import Profile, Search
from ledger.programmes import programmes, units
from wallet.access import changes
from wallet.api import idempotent, listing, lookup, paging
from wallet.api.amounts import balance_out
from wallet.api.auth import PERSONAL, author, caller, needs, require, sees_people
from wallet.api.bodies.members import (
    CORRECTED,
    CardOut,
    ConsentOut,
    ErasedOut,
    EraseIn,
    LinksOut,
    MemberChange,
    MemberFileOut,
    MemberIn,
    MemberInFull,
    MemberOut,
    MemberSearch,
    MembersOut,
    PersonIn,
    phone_in,
)
from wallet.api.calls import refuses, shows_more
from wallet.api.refusals import MEMBER, of_fields
from wallet.installation import current_installation
from wallet.passes import issued
from wallet.people import deeds, dossier, erasure
from wallet.people.listing import items as member_items
from wallet.problems import problem

routes = APIBlueprint("members", __name__, tag="Members")

# Refusals of data that belongs to another member; of decisions dated in the future, or long ago.
TAKEN = (PhoneTaken, EmailTaken, ExternalIdTaken)
CONSENTS = (DatesOutOfOrder, DateOutOfRange)


@routes.post("/members")
@routes.doc(operation_id="createMember")
@needs("members:write")
@refuses(UnknownProgramme, PersonalDataNotKept, *TAKEN, *CONSENTS)
@routes.input(MemberIn)
@routes.output(MemberOut, status_code=201)
@idempotent.keyed(required=True)
def add(json_data: MemberIn, key: str | None) -> Response:
    """Add a member. They get a card at once.

    The answer has the links to hand on, whatever else the key may see."""

    def effect(session: Session, now: datetime) -> MemberOut:
        programme = lookup.programme(session, json_data.programme)
        profile = Profile(**_profile(json_data, programme.country))
        house = current_installation()
        member = deeds.add(
            session,
            programme,
            profile,
            _decisions(json_data),
            "api",
            house.pass_type,
            house.keys,
            author(session),
            now,
        )
        return member_out(session, member, now, with_links=True)

    return idempotent.created(json_data, effect, key)


@routes.get("/members/<member_id>")
@routes.doc(operation_id="getMember")
@needs("members:read")
@shows_more(PERSONAL)
@refuses(*MEMBER)
@routes.output(MemberInFull)
def read(member_id: str) -> MemberOut:
    """One member, with what is known of the person if the key has the scope personal:read."""
    house = current_installation()
    with house.database.reading() as session:
        return _for_caller(session, lookup.member(session, member_id), house.clock())


@routes.get("/members/<member_id>/file")
@routes.doc(operation_id="getMemberFile")
@needs(PERSONAL)
@refuses(*MEMBER)
@routes.output(MemberFileOut)
def hand_over(member_id: str) -> MemberFileOut:
    """All that is known of a person, as one document: to be handed to them when they ask.

    It is noted in the record of changes. What would give away somebody else is not in it: who of
    the staff did what, where phones are reached, links."""
    house = current_installation()

    def work(session: Session) -> MemberFileOut:
        now = house.clock()
        member = lookup.member(session, member_id)
        changes.note(session, author(session), dossier.TAKEN, deeds.changed_member(member), now)
        return MemberFileOut.model_validate(dossier.of(session, member, now))

    return house.database.run(work)


@routes.patch("/members/<member_id>")
@routes.doc(operation_id="updateMember")
@needs("members:write")
@shows_more(PERSONAL)
@refuses(*MEMBER, PersonalDataNotKept, *TAKEN, *CONSENTS)
@routes.input(MemberChange)
@routes.output(MemberInFull, example=CORRECTED)
def correct(member_id: str, json_data: MemberChange) -> MemberOut:
    """Correct what is known of a member, or add decisions.

    What is not named stays as it is; null deletes it. The same correction sent again changes
    nothing. Cards in phones follow."""

    def work(session: Session) -> MemberOut:
        now = current_installation().clock()
        member = lookup.member(session, member_id)
        country = programmes.by_id(session, member.programme_id).country
        corrections, decisions = _profile(json_data, country), _decisions(json_data)
        deeds.correct(session, member, corrections, decisions, "api", author(session), now)
        return _for_caller(session, member, now)

    return current_installation().database.run(work)


@routes.delete("/members/<member_id>")
@routes.doc(operation_id="eraseMember")
@needs("members:write")
@refuses(UnknownMember, HouseholdNotEmpty)
@routes.input(EraseIn, location="query")
@routes.output(ErasedOut)
def erase(member_id: str, query_data: EraseIn) -> ErasedOut:
    """Erase a person for good.

    Points stay in the book under the id. Safe to repeat."""
    house = current_installation()
    with house.database.reading() as session:
        lookup.member(session, member_id, include_erased=True)
        by = author(session)
    erased = erasure.carry_out(
        house.database,
        house.settings.data,
        member_id,
        house.make_due,
        house.clock(),
        by=by,
        write_off=query_data.write_off,
    )
    return ErasedOut(
        id=erased.id,
        erased_at=erased.erased_at,
        members=list(erased.public_ids),
        written_off=erased.points,
    )


@routes.get("/members")
@routes.doc(operation_id="listMembers")
@needs("members:read")
@shows_more(PERSONAL)
@refuses(UnknownProgramme, *MEMBER)
@routes.input(MemberSearch, location="query")
@routes.output(MembersOut)
def find(query_data: MemberSearch) -> MembersOut | Response:
    """The members of a programme, or those whom a search finds, oldest first.

    A list has everybody: who was merged into another member, or erased, says so by `state`. It
    has no links to cards; ask for one member to get them.

    By phone and email only for keys with personal:read: else anybody could ask whose number it is.
    Several members may have one phone number. It belongs to the first of them; the others gave it
    in the form on the web, where numbers are not checked."""
    if not query_data.searches:
        return _listed(query_data)
    if query_data.phone is not None or query_data.email is not None:
        require(PERSONAL)
    place, now = paging.place(query_data), current_installation().clock()
    with current_installation().database.reading() as session:
        phones = _phones(session, query_data.phone)
        search = Search(
            query_data.card,
            phones,
            query_data.email,
            query_data.external_id,
            lookup.programme_id(session, query_data.programme),
        )
        page = place.page(persons.search(session, search, place.position or 0, place.most))
        return MembersOut(
            items=[_for_caller(session, member, now) for member in page.rows],
            next_cursor=page.next_cursor,
        )


def _listed(asked: MemberSearch) -> Response:
    place = paging.place(asked, 2)
    database, now = current_installation().database, current_installation().clock()
    programme = asked.programme or ""
    household_id = _household_id(programme, asked.household)
    wanted = RosterFilter(programme, asked.state, asked.since, asked.until, household_id)
    after, people = paging.moment(place), sees_people()
    unit, rows = roster.page(
        database.fetch, wanted, after, place.most, now, people=people, with_consents=True
    )
    lookup.require_reach(unit, programme)
    page = place.page(rows, listing.position)
    return listing.answer(page, member_items(page.rows, programme, unit))


def _household_id(programme: str, public_id: str | None) -> int | None:
    """The member whose accounts are meant. Raises `UnknownProgramme`, `UnknownMember`,
    `MemberErased`."""
    if public_id is None:
        return None
    with current_installation().database.reading() as session:
        named = lookup.programme(session, programme)
        return lookup.member_of(session, named.id, public_id).holder_id


def _profile(body: PersonIn, country: str) -> dict[str, Any]:
    """What the body says of a person, or the end of the request if the number is none there."""
    try:
        return body.of_profile(country)
    except ValidationError as error:
        abort(problem(*of_fields(error)))


def _phones(session: Session, written: str | None) -> tuple[PhoneNumber, ...]:
    """All that a number may mean in the countries of the programmes that the caller is for."""
    if written is None:
        return ()
    found: set[PhoneNumber] = set()
    spoken = programmes.countries(session, caller().programme_id)
    for country in spoken or [programmes.COUNTRY]:
        try:
            found.add(phone_in(country, written))
        except ValidationError as error:
            wrong = error
    if not found:
        abort(problem(*of_fields(wrong)))
    return tuple(sorted(found))


def _decisions(body: PersonIn) -> list[Decision]:
    return [
        Decision(consent.purpose, consent.given, consent.text_version, consent.at)
        for consent in body.consents
    ]


def _for_caller(session: Session, member: Member, now: datetime) -> MemberOut:
    """As much of a member as the key of this call may see."""
    for_all = member_out(session, member, now)
    if not sees_people():
        return for_all
    return MemberInFull(
        **dict(for_all),
        **asdict(persons.profile_of(session, member.id)),
        consents=[
            ConsentOut(
                purpose=purpose,
                given=held.given,
                text_version=held.text_version,
                source=cast(ConsentSource, held.source),
                origin=held.origin,
                at=held.happened_at,
            )
            for purpose, held in consents.current(session, member.id).items()
        ],
    )


def member_out(
    session: Session, member: Member, now: datetime, *, with_links: bool = False
) -> MemberOut:
    """A member as every key may see them: nothing of the person. Links lead to all that the card
    shows, so they are only for those who may see that, or `with_links` for whoever made the card
    this moment."""
    card = cards.newest_of(session, member.id)
    unit = units.named(session, member.programme_id, None)
    standing = balances.of_members(session, [unit.id], [member.holder_id], now)
    names = members.public_ids(session, [member.household_id, member.merged_into_id])
    return MemberOut(
        id=member.public_id,
        programme=programmes.by_id(session, member.programme_id).code,
        card=CardOut(
            number=card.number,
            barcode=card.number,
            state=cards.state(card, current_installation().clock()),
        ),
        balance=balance_out(standing[member.holder_id, unit.id], unit),
        created_at=member.created_at,
        state=member.state,
        merged_into=names.get(member.merged_into_id),
        household=names.get(member.household_id),
        confirmed=not member.unconfirmed,
        links=_links(session, member) if with_links or sees_people() else None,
    )


def _links(session: Session, member: Member) -> LinksOut:
    house = current_installation()
    pass_ = issued.card_of(session, member.id)
    return LinksOut(
        card=house.card_link(pass_),
        apple=None if house.apple is None else house.apple.link(pass_),
        google=None if house.google is None else house.google.link(pass_),
    )
