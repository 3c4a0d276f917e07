"""Promotions: written, tried, published and ended."""

from collections.abc import Sequence
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.errors import (
    ChangedMeanwhile,
    PromotionExists,
    PromotionNotPublished,
    PromotionRefused,
    UnknownProgramme,
    UnknownPromotion,
    UnknownStore,
)
from ledger.programmes.programmes import Programme
from ledger.promotions import describing
from ledger.promotions.terms import PromotionTerms
from ledger.sales import published
from ledger.sales.published import KeptPromotion, Publishing, StageChange
from wallet.api import idempotent, lookup, paging, revisions
from wallet.api.auth import author, needs
from wallet.api.bodies.promotions import (
    KindsOut,
    PromotionAsked,
    PromotionIn,
    PromotionOut,
    PromotionPut,
    PromotionsIn,
    PromotionsOut,
    PromotionTermsIn,
    PromotionTermsOut,
    PromotionVersionOut,
    PublishIn,
    StageOut,
    VersionsOut,
)
from wallet.api.calls import refuses, revised
from wallet.delivery import promotion_changes
from wallet.installation import current_installation
from wallet.problems import language

routes = APIBlueprint("promotions", __name__, tag="Promotions")


@routes.get("/promotions")
@routes.doc(operation_id="listPromotions")
@needs("promotions:read")
@refuses(UnknownProgramme)
@routes.input(PromotionsIn, location="query")
@routes.output(PromotionsOut)
def find(query_data: PromotionsIn) -> PromotionsOut:
    """The promotions of a programme, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(published.listed(session, programme.id, place.position or 0, place.most))
        return PromotionsOut(
            items=_promotions_out(session, programme, page.rows), next_cursor=page.next_cursor
        )


@routes.post("/promotions")
@routes.doc(operation_id="createPromotion")
@needs("promotions:write")
@refuses(UnknownProgramme, PromotionExists, PromotionRefused)
@routes.input(PromotionIn)
@routes.output(PromotionOut, status_code=201)
@idempotent.keyed(required=False)
def create(json_data: PromotionIn, key: str | None) -> Response:
    """Write a new promotion. It is a draft, and gives nothing until it is published."""

    def effect(session: Session, now: datetime) -> PromotionOut:
        programme = lookup.programme(session, json_data.programme)
        code, by = json_data.code, author(session)
        made = promotion_changes.make(session, programme, code, json_data.rules, by, now)
        return _promotion_out(session, programme, made)

    return idempotent.created(json_data, effect, key)


@routes.get("/promotions/<promotion>")
@routes.doc(operation_id="getPromotion")
@needs("promotions:read")
@refuses(UnknownProgramme, UnknownPromotion)
@routes.input(PromotionAsked, location="query")
@routes.output(PromotionOut)
def read(promotion: str, query_data: PromotionAsked) -> PromotionOut:
    """One promotion, as it was last written."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        found = published.named(session, programme.id, promotion)
        return _promotion_out(session, programme, found)


@routes.put("/promotions/<promotion>")
@routes.doc(operation_id="putPromotion")
@needs("promotions:write")
@revised
@refuses(UnknownProgramme, PromotionRefused, ChangedMeanwhile)
@routes.input(PromotionPut)
@routes.output(PromotionOut)
def put(promotion: str, json_data: PromotionPut) -> PromotionOut:
    """Write a promotion, or change it. What was published stays as it is until the next
    publishing."""
    now = current_installation().clock()

    def work(session: Session) -> PromotionOut:
        programme = lookup.programme(session, json_data.programme)
        known = revisions.known(lambda: published.find(session, programme.id, promotion))
        by = author(session)
        made = promotion_changes.put(session, programme, promotion, json_data.rules, by, now, known)
        return _promotion_out(session, programme, made)

    return current_installation().database.run(work)


@routes.post("/promotions/<promotion>/publish")
@routes.doc(operation_id="publishPromotion")
@needs("promotions:write")
@refuses(UnknownProgramme, UnknownPromotion, UnknownStore, PromotionRefused)
@routes.input(PublishIn)
@routes.output(PromotionOut)
def publish(promotion: str, json_data: PublishIn) -> PromotionOut:
    """Publish a promotion as it is written now: for checks alone, in the stores of a pilot, or
    everywhere.

    A published version never changes. If the promotion was changed since the last publishing, this
    makes the next version. The same again changes nothing."""
    now = current_installation().clock()
    wanted = Publishing(json_data.stage, json_data.stores, json_data.from_)

    def work(session: Session) -> PromotionOut:
        programme = lookup.programme(session, json_data.programme)
        found = published.named(session, programme.id, promotion)
        promotion_changes.publish(session, found, wanted, author(session), now)
        return _promotion_out(session, programme, found)

    return current_installation().database.run(work, idempotent=True)


@routes.post("/promotions/<promotion>/end")
@routes.doc(operation_id="endPromotion")
@needs("promotions:write")
@refuses(UnknownProgramme, UnknownPromotion, PromotionNotPublished)
@routes.input(PromotionAsked)
@routes.output(PromotionOut)
def end(promotion: str, json_data: PromotionAsked) -> PromotionOut:
    """End a promotion: from now on it is given nowhere. It can be published again.

    Ending it once more changes nothing."""
    now = current_installation().clock()

    def work(session: Session) -> PromotionOut:
        programme = lookup.programme(session, json_data.programme)
        found = published.named(session, programme.id, promotion)
        promotion_changes.end(session, found, author(session), now)
        return _promotion_out(session, programme, found)

    return current_installation().database.run(work, idempotent=True)


@routes.get("/promotions/<promotion>/versions")
@routes.doc(operation_id="listPromotionVersions")
@needs("promotions:read")
@refuses(UnknownProgramme, UnknownPromotion)
@routes.input(PromotionAsked, location="query")
@routes.output(VersionsOut)
def versions(promotion: str, query_data: PromotionAsked) -> VersionsOut:
    """Every version that was published, and where each was given."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        found = published.named(session, programme.id, promotion)
        return VersionsOut(
            items=[
                PromotionVersionOut.model_validate(one)
                for one in published.versions(session, found)
            ],
            stages=[
                StageOut(
                    version=one.version,
                    stage=one.stage,
                    stores=one.stores,
                    starts_at=one.starts_at,
                    decided_at=one.decided_at,
                    decided_by=f"{one.decided_by_kind} {one.decided_by}",
                )
                for one in published.stages(session, found)
            ],
        )


@routes.get("/promotions/kinds")
@routes.doc(operation_id="listPromotionKinds")
@needs("promotions:read")
@routes.output(KindsOut)
def kinds() -> KindsOut:
    """Every kind of condition and reward, in the language of the caller: what it is called, its
    fields, an example, and its JSON Schema."""
    return KindsOut.model_validate(describing.described(language()))


@routes.get("/promotions/terms")
@routes.doc(operation_id="getPromotionTerms")
@needs("promotions:read")
@refuses(UnknownProgramme)
@routes.input(PromotionAsked, location="query")
@routes.output(PromotionTermsOut)
def terms(query_data: PromotionAsked) -> PromotionTermsOut:
    """What holds for all promotions of a programme: lanes, ceilings, rounding, points."""
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        found, revision = published.terms(session, programme.id)
        return PromotionTermsOut(
            programme=programme.code, terms=published.stored(found), revision=revision
        )


@routes.put("/promotions/terms")
@routes.doc(operation_id="putPromotionTerms")
@needs("promotions:write")
@revised
@refuses(UnknownProgramme, PromotionRefused, ChangedMeanwhile)
@routes.input(PromotionTermsIn)
@routes.output(PromotionTermsOut)
def put_terms(json_data: PromotionTermsIn) -> PromotionTermsOut:
    """Change what holds for all promotions of a programme, from now on. What is left out is as
    usual."""
    now = current_installation().clock()
    wanted = PromotionTerms.model_validate(
        json_data.model_dump(exclude={"programme"}, by_alias=True, exclude_unset=True)
    )

    def work(session: Session) -> PromotionTermsOut:
        programme = lookup.programme(session, json_data.programme)
        known = revisions.known(lambda: published.kept_terms(session, programme.id))
        revision = promotion_changes.put_terms(
            session, programme, wanted, author(session), now, known
        )
        return PromotionTermsOut(
            programme=programme.code, terms=published.stored(wanted), revision=revision
        )

    return current_installation().database.run(work)


def _promotion_out(
    session: Session, programme: Programme, promotion: KeptPromotion
) -> PromotionOut:
    (told,) = _promotions_out(session, programme, [promotion])
    return told


def _promotions_out(
    session: Session, programme: Programme, promotions: Sequence[KeptPromotion]
) -> list[PromotionOut]:
    standing = published.standing(session, promotions, current_installation().clock())
    return [_told(programme, one, standing.get(one.id)) for one in promotions]


def _told(
    programme: Programme, promotion: KeptPromotion, standing: StageChange | None
) -> PromotionOut:
    return PromotionOut(
        code=promotion.code,
        programme=programme.code,
        rules=promotion.draft,
        stage="draft" if standing is None else standing.stage,
        version=None if standing is None else standing.version,
        stores=None if standing is None else standing.stores,
        since=None if standing is None else standing.starts_at,
        revision=promotion.revision,
        created_at=promotion.created_at,
        changed_at=promotion.changed_at,
    )
