"""Built-in messages of a programme, and what became of the messages to one member."""

from datetime import timedelta

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme
from ledger.programmes import units
from ledger.programmes.units import Unit
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import PERSONAL, author, needs, sees_people
from wallet.api.bodies.campaigns import EffectOut
from wallet.api.bodies.messages import (
    CardStateOut,
    MessageOut,
    MessageResultsIn,
    MessagesOut,
    MessagesTermsOut,
    MessageTermsIn,
    MessageTermsOut,
    WhyOut,
)
from wallet.api.bodies.paging import PageIn
from wallet.api.calls import refuses, shows_more
from wallet.api.campaigns import sales_out
from wallet.api.refusals import MEMBER, MONEY, TEXTS
from wallet.errors import ConsentNeeded, MessageRefused, NoMessageField, UnknownMessage
from wallet.installation import current_installation
from wallet.outreach import effect, results, terms
from wallet.outreach.deliveries import MessageKind
from wallet.outreach.gifts import MessageGift
from wallet.outreach.results import MessageResult
from wallet.outreach.terms import Wanted

# Whose results are told if nobody says since when.
A_WHILE = timedelta(days=91)

routes = APIBlueprint("messages", __name__, tag="Messages")


@routes.get("/programmes/<programme>/messages")
@routes.doc(operation_id="listBuiltInMessages")
@needs("campaigns:read")
@refuses(UnknownProgramme)
@routes.output(MessagesTermsOut)
def terms_of(programme: str) -> MessagesTermsOut:
    """The built-in messages: which are on, and what they say."""
    with current_installation().database.reading() as session:
        programme_ = lookup.programme(session, programme)
        unit = units.named(session, programme_.id, None)
        by_kind = terms.of_programme(session, programme_.id)
    return MessagesTermsOut(
        items=[_terms_out(kind, wanted, unit) for kind, wanted in by_kind.items()]
    )


@routes.put("/programmes/<programme>/messages/<kind>")
@routes.doc(operation_id="updateBuiltInMessage")
@needs("campaigns:write")
@refuses(
    UnknownProgramme,
    UnknownMessage,
    MessageRefused,
    ConsentNeeded,
    NoMessageField,
    *TEXTS,
    *MONEY,
)
@routes.input(MessageTermsIn)
@routes.output(MessageTermsOut)
def put_terms(programme: str, kind: str, json_data: MessageTermsIn) -> MessageTermsOut:
    """Switch a built-in message on or off, and set its texts and terms.

    Without `texts` it has those that come with the service."""
    known = _kind(kind)

    def work(session: Session) -> MessageTermsOut:
        programme_ = lookup.programme(session, programme)
        unit = units.named(session, programme_.id, None)
        gift = json_data.gift
        if json_data.gift_money is not None:
            gift = unit.points(json_data.gift_money.money)
        if gift is None and json_data.gift_live_days is not None:
            raise MessageRefused("gift_live_days")
        usual = terms.standard(
            known,
            unit,
            programme_.languages,
            with_gift=gift is not None,
            days=json_data.days,
        )
        wanted = Wanted(
            on=json_data.on,
            texts=json_data.texts.given() if json_data.texts is not None else usual.texts,
            days=json_data.days if json_data.days is not None else usual.days,
            gift=MessageGift.of(gift, json_data.gift_live_days),
            from_hour=json_data.begins,
            until_hour=json_data.ends,
            consent=json_data.consent or usual.consent,
            holdout_percent=json_data.holdout_percent,
        )
        now = current_installation().clock()
        decided = terms.decide(session, programme_, known, wanted, author(session), now)
        return _terms_out(known, decided, unit)

    return current_installation().database.run(work)


@routes.get("/programmes/<programme>/messages/<kind>/results")
@routes.doc(operation_id="getBuiltInMessageResults")
@needs("campaigns:read")
@refuses(UnknownProgramme, UnknownMessage)
@routes.input(MessageResultsIn, location="query")
@routes.output(EffectOut)
def brought(programme: str, kind: str, query_data: MessageResultsIn) -> EffectOut:
    """What members bought after a built-in message: those who were told, and those held out."""
    known, now = _kind(kind), current_installation().clock()
    until = query_data.until or now
    since = query_data.since or until - A_WHILE
    with current_installation().database.reading() as session:
        programme_ = lookup.programme(session, programme)
        found = effect.of_message(session, programme_, known, since, until, query_data.days, now)
    return sales_out(found)


@routes.get("/members/<member_id>/messages")
@routes.doc(operation_id="listMemberMessages")
@needs("campaigns:read")
@shows_more(PERSONAL)
@refuses(*MEMBER)
@routes.input(PageIn, location="query")
@routes.output(MessagesOut)
def of_member(member_id: str, query_data: PageIn) -> MessagesOut:
    """Messages to a member, newest first: which arrived, and why others were not shown."""
    place = paging.place(query_data)
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        page = place.page(
            results.of_member(session, member.id, place.position, place.most, now),
            lambda proof: proof.delivery.id,
        )
        return MessagesOut(
            card=CardStateOut.model_validate(results.card(session, member.id, now)),
            items=[_message_out(proof) for proof in page.rows],
            next_cursor=page.next_cursor,
        )


def _kind(kind: str) -> MessageKind:
    """The kind of built-in message of this name. Raises `UnknownMessage`."""
    for known in terms.KINDS:
        if known == kind:
            return known
    raise UnknownMessage


def _terms_out(kind: MessageKind, wanted: Wanted, unit: Unit) -> MessageTermsOut:
    gift = wanted.gift
    return MessageTermsOut.model_validate(
        {
            "kind": kind,
            "on": wanted.on,
            "texts": wanted.texts,
            "days": wanted.days,
            "gift": None if gift is None else gift.points,
            "gift_live_days": None if gift is None else gift.live_days,
            "from": wanted.from_hour,
            "until": wanted.until_hour,
            "consent": wanted.consent,
            "holdout_percent": wanted.holdout_percent,
            "placeholders": list(terms.PLACES[kind]),
            **({} if gift is None else in_money(unit, gift=gift.points)),
        }
    )


def _message_out(proof: MessageResult) -> MessageOut:
    row = proof.delivery
    return MessageOut(
        kind=row.kind,
        campaign=proof.campaign.public_id if proof.campaign is not None else None,
        state=row.state,
        text=row.text if sees_people() else None,
        told_at=row.told_at,
        apple=proof.apple,
        fetched_at=proof.fetched_at,
        google=proof.google,
        accepted_at=proof.accepted_at,
        why=[WhyOut(code=why, **results.in_words(why)) for why in proof.why],
    )
