"""Thousands of accruals and redemptions in one call."""

import orjson
from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger.database import idempotency
from ledger.database.idempotency import StoredAnswer
from ledger.errors import Refusal
from ledger.points import batches
from ledger.points.accruals import Grant
from ledger.points.batches import Item, PostedItem
from ledger.points.redemptions import Spend
from wallet.api import lookup
from wallet.api.amounts import balance_out, debt_paid, in_money
from wallet.api.auth import caller, needs
from wallet.api.bodies.batches import BatchIn, BatchItemIn, BatchItemOut, BatchOut
from wallet.api.bodies.items import MalformedItem
from wallet.api.bodies.points import PostingOut
from wallet.api.calls import up_to
from wallet.api.points import cause
from wallet.api.refusals import told_alone
from wallet.installation import current_installation

# So many items share a transaction. They are few, since other requests wait for the members that
# the transaction locks.
TOGETHER = 500

MOST_BODY_BYTES = 4 * 1024 * 1024

routes = APIBlueprint("batches", __name__, tag="Points")


@routes.before_request
def allow_large_bodies() -> None:
    """A batch may have a larger body than other calls."""
    request.max_content_length = MOST_BODY_BYTES


@routes.post("/batches")
@routes.doc(operation_id="createBatch")
@needs("points:write")
@up_to(MOST_BODY_BYTES)
@routes.input(BatchIn)
@routes.output(BatchOut)
def post(json_data: BatchIn) -> BatchOut:
    """Accrue and redeem for many members at once, in order.

    Each item has a key and an outcome of its own: one that does not fit fails alone. If the call
    breaks off, send the same batch again: items that were posted are not posted twice."""
    scope = f"key:{caller().name}"
    now = current_installation().clock()
    outcomes: list[BatchItemOut] = []
    for start in range(0, len(json_data.items), TOGETHER):
        part = json_data.all_items[start : start + TOGETHER]
        items = [_item(wanted) for wanted in part if isinstance(wanted, BatchItemIn)]

        def work(session: Session, items: list[Item] = items) -> list[StoredAnswer | Refusal]:
            return batches.post(session, scope, items, _answer, now)

        posted = iter(current_installation().database.run(work, idempotent=True))
        outcomes += [
            BatchItemOut.model_validate({"key": wanted.key, **told_alone(wanted.error)})
            if isinstance(wanted, MalformedItem)
            else _outcome_out(wanted.key, next(posted))
            for wanted in part
        ]
    return BatchOut(items=outcomes)


def _item(wanted: BatchItemIn) -> Item:
    why = cause(wanted, wanted.paid)
    wish: Grant | Spend
    if wanted.type == "accrual":
        wish = Grant(wanted.amount, why, wanted.activates_at, wanted.expires_at, wanted.unit)
    else:
        wish = Spend(wanted.amount or 0, why, wanted.unit)  # its body says how much
    digest = idempotency.digest("batch", wanted.model_dump_json())
    return Item(wanted.key, digest, lookup.whom(wanted.whom), wish)


def _answer(done: PostedItem) -> StoredAnswer:
    posting = PostingOut(
        id=done.made.public_id,
        member=done.member.public_id,
        points=done.points,
        balance=balance_out(done.made.balance, done.unit),
        **in_money(done.unit, points=done.points),
        **debt_paid(done.made.debt_paid, done.unit),
    )
    return StoredAnswer(201, posting.model_dump_json().encode())


def _outcome_out(key: str, outcome: StoredAnswer | Refusal) -> BatchItemOut:
    if isinstance(outcome, Refusal):
        return BatchItemOut.model_validate({"key": key, **told_alone(outcome)})
    posting = PostingOut.model_validate(orjson.loads(outcome.body))
    return BatchItemOut(key=key, status=outcome.status, posting=posting)
