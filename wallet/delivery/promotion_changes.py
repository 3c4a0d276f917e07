"""Promotions made, changed, published and ended, by whatever door, with their lines in the record
of changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from ledger.programmes.programmes import Programme
from ledger.promotions.promotions import PromotionRules
from ledger.promotions.terms import PromotionTerms
from ledger.sales import published
from ledger.sales.published import DecidedBy, KeptPromotion, Publishing
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing


def make(
    session: Session,
    programme: Programme,
    code: str,
    rules: PromotionRules,
    by: Author,
    now: datetime,
) -> KeptPromotion:
    """See `published.make`."""
    made = published.make(session, programme.id, code, rules, now)
    _note(session, "promotion.added", made, by, now, {}, said(made.draft))
    return made


def put(
    session: Session,
    programme: Programme,
    code: str,
    rules: PromotionRules,
    by: Author,
    now: datetime,
    known: int | None = None,
) -> KeptPromotion:
    """See `published.put`."""
    written = published.put(session, programme.id, code, rules, now, known)
    promotion = written.promotion
    what = "promotion.added" if written.before is None else "promotion.changed"
    _note(session, what, promotion, by, now, said(written.before or {}), said(promotion.draft))
    return promotion


def publish(
    session: Session,
    promotion: KeptPromotion,
    wanted: Publishing,
    by: Author,
    now: datetime,
) -> None:
    """See `published.publish`. The same again is no change."""
    made = published.publish(session, promotion, wanted, DecidedBy(by.kind, by.name), now)
    if made is None:
        return
    after = {"version": made.version, "stage": made.stage, "stores": made.stores}
    _note(session, "promotion.published", promotion, by, now, {}, after)


def end(session: Session, promotion: KeptPromotion, by: Author, now: datetime) -> None:
    """See `published.end`. The same again is no change."""
    made = published.end(session, promotion, DecidedBy(by.kind, by.name), now)
    if made is not None:
        _note(session, "promotion.ended", promotion, by, now, {}, {"version": made.version})


def put_terms(
    session: Session,
    programme: Programme,
    terms: PromotionTerms,
    by: Author,
    now: datetime,
    known: int | None = None,
) -> int:
    """See `published.put_terms`; returns the revision."""
    made = published.put_terms(session, programme.id, terms, now, known)
    thing = ChangedThing("programme", programme.code, programme.id)
    was, is_now = said(published.stored(made.before)), said(published.stored(terms))
    changes.note(session, by, "programme.promotion_terms", thing, now, was, is_now)
    return made.revision


def said(document: Mapping[str, Any]) -> dict[str, object]:
    """A document for the record: what stands in its fields, as text where it is a document too."""
    return {
        name: value if isinstance(value, str | int | bool) else orjson.dumps(value).decode()
        for name, value in document.items()
    }


def _note(
    session: Session,
    what: str,
    promotion: KeptPromotion,
    by: Author,
    now: datetime,
    before: changes.RecordedFacts,
    after: changes.RecordedFacts,
) -> None:
    thing = ChangedThing("promotion", promotion.code, promotion.programme_id)
    changes.note(session, by, what, thing, now, before, after)
