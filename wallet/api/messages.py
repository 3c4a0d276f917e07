"""Built-in messages of a programme, and what became of the messages to one member."""

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.people import members
from ledger.programmes import programmes, units
from ledger.programmes.units import Unit
from wallet.api import paging
from wallet.api.amounts import in_money
from wallet.api.auth import caller, needs
from wallet.api.bodies import (
    CardStateOut,
    MessageOut,
    MessagesOut,
    MessagesTermsOut,
    MessageTermsIn,
    MessageTermsOut,
    PageIn,
    WhyOut,
)
from wallet.errors import UnknownMessage
from wallet.installation import current_installation
from wallet.outreach import results, terms
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.results import MessageResult
from wallet.outreach.terms import Wanted

routes = APIBlueprint("messages", __name__, tag="Messages")


@routes.get("/programmes/<programme>/messages")
@needs("campaigns:read")
@routes.output(MessagesTermsOut)
def terms_of(programme: str) -> MessagesTermsOut:
    """The built-in messages: which are on, and what they say."""
    with current_installation().database.reading() as session:
        found = programmes.by_code(session, programme)
        unit = units.named(session, found.id, None)
        wanted = terms.of_programme(session, found.id)
    return MessagesTermsOut(items=[_terms(kind, one, unit) for kind, one in wanted.items()])


@routes.put("/programmes/<programme>/messages/<kind>")
@needs("campaigns:write")
@routes.input(MessageTermsIn)
@routes.output(MessageTermsOut)
def put_terms(programme: str, kind: str, json_data: MessageTermsIn) -> MessageTermsOut:
    """Switch a built-in message on or off and say how it is. Texts left out are the ones that come
    with the service."""
    known = _kind(kind)

    def work(session: Session) -> MessageTermsOut:
        found = programmes.by_code(session, programme)
        unit = units.named(session, found.id, None)
        usual, gift = terms.standard(known, unit), json_data.gift
        if json_data.gift_money is not None:
            gift = unit.points(json_data.gift_money.money)
        wanted = Wanted(
            on=json_data.on,
            texts=json_data.texts.given() if json_data.texts is not None else usual.texts,
            days=json_data.days if json_data.days is not None else usual.days,
            gift=gift,
            from_hour=json_data.begins,
            until_hour=json_data.ends,
        )
        put = terms.put(session, found, known, wanted, current_installation().clock())
        return _terms(known, put, unit)

    return current_installation().database.run(work)


@routes.get("/members/<member_id>/messages")
@needs("campaigns:read")
@routes.input(PageIn, location="query")
@routes.output(MessagesOut)
def of_member(member_id: str, query_data: PageIn) -> MessagesOut:
    """Messages to a member, newest first: which arrived, and why others were not shown."""
    before = paging.from_cursor(query_data.cursor)
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        member = members.by_public_id(session, member_id)
        found = results.of_member(session, member.id, before, query_data.limit + 1, now)
        page = found[: query_data.limit]
        return MessagesOut(
            card=CardStateOut.model_validate(results.card(session, member.id, now)),
            items=[_proof(one) for one in page],
            next_cursor=(
                paging.to_cursor(page[-1].delivery.id) if len(found) > len(page) else None
            ),
        )


def _kind(kind: str) -> MessageKind:
    found = next((known for known in terms.KINDS if known == kind), None)
    if found is None:
        raise UnknownMessage
    return found


def _terms(kind: MessageKind, wanted: Wanted, unit: Unit) -> MessageTermsOut:
    return MessageTermsOut.model_validate(
        {
            "kind": kind,
            "on": wanted.on,
            "texts": wanted.texts,
            "days": wanted.days,
            "gift": wanted.gift,
            "from": wanted.from_hour,
            "until": wanted.until_hour,
            "placeholders": list(terms.PLACES[kind]),
            **({} if wanted.gift is None else in_money(unit, gift=wanted.gift)),
        }
    )


def _proof(proof: MessageResult) -> MessageOut:
    row = proof.delivery
    return MessageOut(
        kind=row.kind,
        campaign=proof.campaign.public_id if proof.campaign is not None else None,
        state=row.state,
        text=row.text if caller().may("personal:read") else None,
        told_at=row.told_at,
        apple=proof.apple,
        fetched_at=proof.fetched_at,
        google=proof.google,
        accepted_at=proof.accepted_at,
        why=[WhyOut(code=why, **results.WHY[why]) for why in proof.why],
    )
