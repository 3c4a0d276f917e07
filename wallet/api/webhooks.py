"""Signed webhooks in (Standard Webhooks 1.0). Who may call: a system that holds a live secret of
its source. The same `webhook-id` has one effect and one answer."""

from datetime import datetime
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, abort, request
from pydantic import ValidationError
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import (
    BalanceTooLarge,
    DateOutOfRange,
    DatesOutOfOrder,
    IdempotencyConflict,
    InsufficientPoints,
    MemberUnconfirmed,
    UnknownProgramme,
)
from ledger.points import accruals, redemptions, told
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.points.told import BalanceIs, Levelled
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.strict_json import JsonMalformed
from wallet.access import sources
from wallet.access.rights import may
from wallet.access.sources import BoundSource
from wallet.api import idempotent, lookup
from wallet.api.amounts import balance_out, debt_paid, in_money
from wallet.api.bodies.webhooks import WebhookOut
from wallet.api.calls import refuses, signed, takes
from wallet.api.refusals import MONEY, WHOM, of_fields
from wallet.api.sources import BODY, MESSAGES, MOMENTS, READERS
from wallet.api.sources.command import PointsCommand
from wallet.configuration.settings import DEMO
from wallet.errors import UnknownSource
from wallet.installation import current_installation
from wallet.problems import problem, refuse

LONGEST_ID = 255  # characters

routes = APIBlueprint("webhooks", __name__, url_prefix="/webhooks", tag="Webhooks")


@routes.post("/<source>")
@routes.doc(operation_id="receiveWebhook")
@refuses(
    UnknownSource,
    *WHOM,
    *MONEY,
    MemberUnconfirmed,
    InsufficientPoints,
    BalanceTooLarge,
    DatesOutOfOrder,
    DateOutOfRange,
    IdempotencyConflict,
)
@takes(BODY, *MESSAGES)
@signed
@routes.output(WebhookOut)
def receive(source: str) -> Response:
    """A change of a member's points, or what they have in all, from a system that signs what it
    sends."""
    payload = request.get_data()
    with current_installation().database.reading() as session:
        bound = _bound(session, source)
        programme = programmes.by_id(session, bound.programme_id)
    webhook_id = _verified(bound, payload)
    command = _command(bound, programme, payload)
    message = Repeatable(f"webhook:{bound.name}", webhook_id, idempotency.digest(payload))

    def effect(session: Session, now: datetime) -> StoredAnswer:
        try:
            done = _carry_out(session, bound, command, now)
        except DateOutOfRange as refusal:
            refusal.field = MOMENTS[bound.kind]  # as the source calls it
            raise
        return StoredAnswer(200, done.model_dump_json().encode())

    try:
        return idempotent.as_response(idempotent.carry_out(effect, message))
    except IdempotencyConflict:
        refuse(409, IdempotencyConflict.code, text="webhook_differs")


def _bound(session: Session, name: str) -> BoundSource:
    """The source, or 404. The environment may bring one of its own, `demo`."""
    stored = (
        sources.bound(session, current_installation().keys, name)
        if sources.NAME.fullmatch(name)
        else None
    )
    own_secret = current_installation().settings.webhook_secret
    if name == DEMO and own_secret is not None:
        secrets = (own_secret, *(stored.secrets if stored else ()))
        try:
            return BoundSource(DEMO, "generic", programmes.by_code(session, DEMO).id, secrets)
        except UnknownProgramme:
            stored = None
    if stored is None:
        raise UnknownSource
    return stored


def _verified(source: BoundSource, payload: bytes) -> str:
    """The message's id, if one of the live secrets has signed id, time and body; otherwise 401."""
    webhook_id = request.headers.get("webhook-id", "")
    if not 0 < len(webhook_id) <= LONGEST_ID or not webhook_id.isprintable():
        refuse(401, "signature_invalid", text="signature_missing")
    reasons = [_objection(secret, payload) for secret in source.secrets]
    if None not in reasons:
        if any(reason and reason.endswith(("too old", "too new")) for reason in reasons):
            refuse(401, "timestamp_outside_window")
        refuse(401, "signature_invalid")
    return webhook_id


def _objection(secret: str, payload: bytes) -> str | None:
    """Why this secret did not sign the message; None if it did."""
    try:
        Webhook(secret).verify(payload, dict(request.headers), json_parse=False)
    except WebhookVerificationError as error:
        return str(error)
    except ValueError:  # a signature that is not even written as one, a body that is not UTF-8
        return "unreadable"
    return None


def _command(source: BoundSource, programme: Programme, payload: bytes) -> PointsCommand:
    try:
        return READERS[source.kind](payload, ZoneInfo(programme.timezone))
    except JsonMalformed:
        refuse(400, "malformed_json")
    except ValidationError as error:
        abort(problem(*of_fields(error)))


def _carry_out(
    session: Session, source: BoundSource, command: PointsCommand, now: datetime
) -> WebhookOut:
    # Only members of the source's own programme: to a source, others do not exist.
    if not may(source.actor, "points:write", source.programme_id):
        raise UnknownSource
    named = Whom(card=command.card, external_id=command.external_id)
    whom = lookup.within(source.actor, named)
    cause = Cause(command.reason, command.receipt, command.occurred_at, purchase=command.purchase)
    if command.kind == "balance":
        said = BalanceIs(command.amount, source.name, cause)
        return _heard(told.hear(session, whom, said, now))
    if command.kind == "accrual":
        grant = Grant(command.amount, cause)
        done = accruals.grant(session, whom, grant, now)
    else:
        spend = Spend(command.amount, cause)
        done = redemptions.redeem(session, whom, spend, now)
    return WebhookOut(
        id=done.posting_id,
        balance=balance_out(done.balance, done.unit),
        **debt_paid(done.debt_paid, done.unit),
    )


def _heard(heard: Levelled) -> WebhookOut:
    return WebhookOut(
        id=heard.posting_id,
        balance=balance_out(heard.balance, heard.unit),
        outcome=heard.outcome,
        difference=heard.difference,
        **in_money(heard.unit, difference=heard.difference),
        **debt_paid(heard.debt_paid, heard.unit),
    )
