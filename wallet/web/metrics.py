"""Figures for monitoring, read from the database when they are asked for, so that every process
answers the same. Who may call: this machine itself, or a key of the API with all scopes."""

from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from ledger.database.outbox import OutboxRow
from ledger.seals import inspection, sealing
from wallet.access.letters import StaffLetter
from wallet.apple import judging
from wallet.apple.devices import Device, PushRow
from wallet.delivery.waves import PAUSED, RUNNING, Wave
from wallet.finding.codes import CodeRequest
from wallet.google.mirror import DueRow
from wallet.happenings import HappeningRow, ListeningRow
from wallet.installation import Installation, current_installation
from wallet.passes.issued import Pass
from wallet.presence import Heartbeat
from wallet.receivers import log, receivers
from wallet.receivers.log import Undelivered
from wallet.web.operator_access import require_operator

routes = Blueprint("metrics", __name__)


@routes.get("/metrics")
def metrics() -> Response:
    """All figures, in the text format of Prometheus."""
    require_operator()
    registry = CollectorRegistry()
    registry.register(_Figures(current_installation()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures:
    """A collector, as prometheus_client calls it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def collect(self) -> Iterator[Metric]:
        now = self._installation.clock()
        with self._installation.database.reading() as session:
            waiting = GaugeMetricFamily("kopilka_waiting", "Rows that wait.", labels=["what"])
            oldest = GaugeMetricFamily(
                "kopilka_oldest_seconds", "How long the oldest row is due.", labels=["what"]
            )
            for what, column, condition in (
                ("events", OutboxRow.created_at, true()),
                ("pushes", PushRow.due_at, true()),
                ("google", DueRow.due_at, true()),
                ("happenings", HappeningRow.happened_at, true()),
                ("undelivered", Undelivered.due_at, true()),
                ("letters", StaffLetter.due_at, true()),
                ("codes", CodeRequest.due_at, CodeRequest.sealed.is_not(None)),
            ):
                query = select(func.count(), func.min(column)).where(condition)
                number, since = session.execute(query).one()
                waiting.add_metric([what], number)
                oldest.add_metric([what], _seconds(since, now))
            waves = session.execute(
                select(func.count(), func.sum(Wave.total - Wave.seen), func.sum(Wave.pace)).where(
                    Wave.state.in_((RUNNING, PAUSED))
                )
            ).one()
            waiting.add_metric(["waves"], waves[0])
            waiting.add_metric(["wave_passes"], max(0, waves[1] or 0))
            oldest.add_metric(["seals"], _seconds(sealing.oldest_unsealed(session), now))
            yield waiting
            yield oldest
            yield GaugeMetricFamily(
                "kopilka_wave_pace",
                "Passes a second that changes for whole programmes go out with.",
                value=waves[2] or 0,
            )
            yield GaugeMetricFamily("kopilka_passes", "Passes issued.", value=_count(session, Pass))
            yield GaugeMetricFamily(
                "kopilka_devices", "Apple devices registered.", value=_count(session, Device)
            )
            signs = GaugeMetricFamily(
                "kopilka_seen_seconds",
                "How long ago the beat, or the pump of a queue, was seen at work.",
                labels=["who"],
            )
            for sign in session.scalars(select(Heartbeat).order_by(Heartbeat.name)):
                signs.add_metric([sign.name], _seconds(sign.at, now))
            yield signs
            faults = GaugeMetricFamily(
                "kopilka_push_fault",
                "1: no push of this pass type gets through until an operator looks.",
                labels=["pass_type"],
            )
            faulty = {topic.pass_type for topic in judging.faults(session)}
            for pass_type in self._installation.certificates.pass_types:
                faults.add_metric([pass_type], int(pass_type in faulty))
            yield faults
            yield from _inspected(session, now)
            yield from _receivers(session)
        wallets = GaugeMetricFamily(
            "kopilka_wallet_set_up",
            "1: cards are offered for this wallet; 0: it is not set up, or not yet.",
            labels=["wallet"],
        )
        wallets.add_metric(["apple"], int(self._installation.apple is not None))
        wallets.add_metric(["google"], int(self._installation.google is not None))
        yield wallets
        days = GaugeMetricFamily(
            "kopilka_certificate_days_left",
            "Until the last certificate of a pass type ends.",
            labels=["pass_type"],
        )
        certificates = self._installation.certificates
        for pass_type in certificates.pass_types:
            days.add_metric([pass_type], certificates.last(pass_type).days_left(now))
        yield days


def _inspected(session: Session, now: datetime) -> Iterator[Metric]:
    last = inspection.last(session)
    if last is not None:
        yield GaugeMetricFamily(
            "kopilka_ledger_sound",
            "1: the last nightly inspection found nothing.",
            value=int(not last.findings),
        )
        yield GaugeMetricFamily(
            "kopilka_ledger_inspected_seconds",
            "How long ago the last nightly inspection ended.",
            value=_seconds(last.ended_at, now),
        )


def _receivers(session: Session) -> Iterator[Metric]:
    behind = GaugeMetricFamily(
        "kopilka_receiver_behind",
        "Events of the log that a receiver was not offered yet; some may not be for it.",
        labels=["receiver"],
    )
    failing = GaugeMetricFamily(
        "kopilka_receiver_failures",
        "Attempts in a row that a receiver did not take.",
        labels=["receiver"],
    )
    given_up = GaugeMetricFamily(
        "kopilka_receiver_given_up",
        "Events that were given up and wait for a person.",
        labels=["receiver"],
    )
    newest = session.scalars(select(ListeningRow.last_event)).one()
    lost = log.given_up(session)
    for one in receivers.every(session):
        behind.add_metric([one.name], newest - one.position if one.enabled else 0)
        failing.add_metric([one.name], one.failures if one.enabled else 0)
        given_up.add_metric([one.name], lost.get(one.id, 0))
    yield from (behind, failing, given_up)


def _count(session: Session, table: type[Pass | Device]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
