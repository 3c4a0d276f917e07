"""What became of messages, read from what the service writes anyway: versions of passes and the
fetches of phones, pushes that wait, what Google accepted. Nothing is counted twice or kept twice.

A version that a phone fetched proves that the text is in the phone, not that somebody read it.
Google tells of neither: there, accepted is all that is known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from wallet.apple.arrivals import Fetch, Incident
from wallet.apple.devices import PushRow, Registration
from wallet.google import alerts
from wallet.google.copies import DueRow, GoogleObject
from wallet.google.messages import GoogleMessage
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import Delivery, NotTold
from wallet.passes import templates
from wallet.passes.content import announces_messages
from wallet.passes.issuing import Pass
from wallet.passes.templates import Template

NEVER_AFTER = timedelta(days=7)
BATCH = 1_000

# Of a message in an iPhone, and at Google.
OnApple = Literal[
    "queued",
    "accepted",
    "fetched",
    "replaced",
    "removed",
    "device_gone",
    "refused",
    "never_fetched",
]
OnGoogle = Literal["queued", "accepted", "accepted_silently", "removed", "refused"]
# Why it was not shown, or may not have been.
Why = Literal[
    "no_card",
    "held_out",
    "no_consent",
    "capped",
    "gone",
    "no_field",
    "refused",
    "no_change_message",
    "same_text",
    "replaced",
    "allowance_spent",
    "device_gone",
    "card_removed",
    "not_fetched",
    "notifications_unknown",
]
WHY: dict[Why, dict[str, str]] = {
    "no_card": {
        "ru": "Карты не было ни в одном телефоне.",
        "en": "The card was in no phone.",
    },
    "held_out": {
        "ru": "Участник в контрольной группе: ему не писали намеренно.",
        "en": "The member is in the hold-out group and was not written to on purpose.",
    },
    "no_consent": {
        "ru": "Участник не соглашался на сообщения или отказался от них.",
        "en": "The member has not agreed to messages, or has stopped them.",
    },
    "capped": {
        "ru": "Участник уже получил столько сообщений, сколько разрешает кампания.",
        "en": "The member had as many messages already as the campaign allows.",
    },
    "gone": {
        "ru": "Участника удалили или объединили с другим.",
        "en": "The member was erased, or merged into another.",
    },
    "no_field": {
        "ru": "В оформлении карты нет поля для сообщений.",
        "en": "The design of the card has no field for messages.",
    },
    "refused": {
        "ru": "Подарок не поместился на счёт, поэтому не было и сообщения.",
        "en": "There was no room for the gift on the account, so there was no message either.",
    },
    "no_change_message": {
        "ru": "У поля сообщений нет текста уведомления: iPhone меняет карту молча.",
        "en": "The field for messages has no change message: an iPhone changes the card silently.",
    },
    "same_text": {
        "ru": "Текст был тот же, что и прежде, а о неизменившемся поле iPhone не уведомляет.",
        "en": "The text was the one before, and an iPhone does not speak of an unchanged field.",
    },
    "replaced": {
        "ru": "Пока телефон не забрал карту, пришло следующее сообщение: показано оно.",
        "en": "The next message came before the phone fetched the card, and was shown instead.",
    },
    "allowance_spent": {
        "ru": "Три уведомления за сутки у Google уже израсходованы: текст на карте, без сигнала.",
        "en": "Google's three alerts in 24 hours were spent: the text is on the card, unannounced.",
    },
    "device_gone": {
        "ru": "Apple сообщает, что этого телефона больше нет.",
        "en": "Apple says that this phone is no more.",
    },
    "card_removed": {
        "ru": "Карту удалили из телефона или отключили её обновление.",
        "en": "The card was removed from the phone, or its updates were switched off.",
    },
    "not_fetched": {
        "ru": "Телефон не забрал новую карту: он выключен, без сети или обновления отключены.",
        "en": "The phone has not fetched the card: it is off, offline, or does not update.",
    },
    "notifications_unknown": {
        "ru": "Текст доставлен. Если уведомления не было, у этой карты отключены уведомления.",
        "en": "The text arrived. If nothing was shown, notifications are off for this card.",
    },
}

NOT_TOLD: tuple[NotTold, ...] = get_args(NotTold)
BECAUSE_APPLE: dict[str, Why] = {
    "fetched": "notifications_unknown",
    "replaced": "replaced",
    "removed": "card_removed",
    "device_gone": "device_gone",
    "accepted": "not_fetched",
    "never_fetched": "not_fetched",
}
BECAUSE_GOOGLE: dict[str, Why] = {
    "accepted": "notifications_unknown",
    "accepted_silently": "allowance_spent",
    "removed": "card_removed",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """One message to one member. `apple` and `google`: None where the card was not at the time."""

    delivery: Delivery
    campaign: Campaign | None
    apple: OnApple | None
    fetched_at: datetime | None
    google: OnGoogle | None
    accepted_at: datetime | None
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class CardState:
    """What is known of a member's card in phones. `alerts_left`: of Google's three in 24 hours;
    None where the card is not."""

    version: int
    phones: int
    last_fetch_at: datetime | None
    fetched_version: int | None
    pushes_waiting: int
    google_saved: bool | None
    google_version: int | None
    google_problem: str | None
    alerts_left: int | None


def funnel(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """How many of the audience came how far. Each recipient is counted once in `recipients`, and
    in each wallet that had the card."""
    states = Counter(
        {
            row[0]: row[1]
            for row in session.execute(
                select(Delivery.state, func.count())
                .where(Delivery.campaign_id == campaign.id)
                .group_by(Delivery.state)
            )
        }
    )
    apple: Counter[str] = Counter()
    google: Counter[str] = Counter()
    after = 0
    while True:
        rows = session.scalars(
            select(Delivery)
            .where(
                Delivery.campaign_id == campaign.id, Delivery.state == "told", Delivery.id > after
            )
            .order_by(Delivery.id)
            .limit(BATCH)
        ).all()
        if not rows:
            break
        after = rows[-1].id
        for proof in prove(session, rows, now):
            apple[proof.apple or ""] += 1
            google[proof.google or ""] += 1
        session.expunge_all()
    return {
        "audience": sum(states.values()),
        **{name: states[name] for name in (*NOT_TOLD, "waiting", "told") if name != "refused"},
        "apple": {name: apple[name] for name in get_args(OnApple)},
        "google": {name: google[name] for name in get_args(OnGoogle)},
    }


def of_member(
    session: Session, member_id: int, before_id: int | None, limit: int, now: datetime
) -> list[Proof]:
    """Newest first."""
    query = select(Delivery).where(Delivery.member_id == member_id)
    if before_id is not None:
        query = query.where(Delivery.id < before_id)
    return prove(
        session, session.scalars(query.order_by(Delivery.id.desc()).limit(limit)).all(), now
    )


def card(session: Session, member_id: int, now: datetime) -> CardState:
    pass_ = session.scalars(select(Pass).where(Pass.member_id == member_id)).one()
    last = session.execute(
        select(func.max(Fetch.fetched_at), func.max(Fetch.version)).where(Fetch.pass_id == pass_.id)
    ).one()
    google = session.get(GoogleObject, pass_.id)
    return CardState(
        version=pass_.version,
        phones=_count(session, Registration, pass_.id),
        last_fetch_at=last[0],
        fetched_version=last[1],
        pushes_waiting=_count(session, PushRow, pass_.id),
        google_saved=google.saved if google is not None else None,
        google_version=google.version if google is not None else None,
        google_problem=google.problem if google is not None else None,
        alerts_left=(
            max(0, alerts.MOST - alerts.used(session, pass_.id, now))
            if google is not None
            else None
        ),
    )


def prove(session: Session, rows: Sequence[Delivery], now: datetime) -> list[Proof]:
    """What is known of these deliveries."""
    known = _Known(session, rows)
    proofs = []
    for row in rows:
        apple, fetched_at = known.on_apple(row, now)
        google, accepted_at = known.on_google(row)
        proofs.append(
            Proof(
                row,
                known.campaigns.get(row.campaign_id or 0),
                apple,
                fetched_at,
                google,
                accepted_at,
                known.why(row, apple, google),
            )
        )
    return proofs


class _Known:
    """All that is on record of some deliveries, read by a few queries."""

    def __init__(self, session: Session, rows: Sequence[Delivery]) -> None:
        told = [row for row in rows if row.pass_id is not None]
        pass_ids = sorted({row.pass_id for row in told if row.pass_id is not None})
        self.campaigns = {
            one.id: one
            for one in session.scalars(
                select(Campaign).where(Campaign.id.in_({r.campaign_id for r in rows} - {None}))
            )
        }
        self.fetches = _first_fetches(session, [row.id for row in told])
        self.followed = _followed(session, [row.id for row in told])
        self.incidents = {
            (one.pass_id, one.kind): one.happened_at
            for one in session.scalars(select(Incident).where(Incident.pass_id.in_(pass_ids)))
        }
        self.registered = set(
            session.scalars(select(Registration.pass_id).where(Registration.pass_id.in_(pass_ids)))
        )
        self.pushes = set(
            session.scalars(select(PushRow.pass_id).where(PushRow.pass_id.in_(pass_ids)))
        )
        self.google = {
            one.pass_id: one
            for one in session.scalars(
                select(GoogleObject).where(GoogleObject.pass_id.in_(pass_ids))
            )
        }
        self.writes = set(
            session.scalars(select(DueRow.pass_id).where(DueRow.pass_id.in_(pass_ids)))
        )
        self.messages = {
            (one.pass_id, one.message): one
            for one in session.scalars(
                select(GoogleMessage).where(GoogleMessage.pass_id.in_(pass_ids))
            )
        }
        self.announced = _announced(session, pass_ids)

    def on_apple(self, row: Delivery, now: datetime) -> tuple[OnApple | None, datetime | None]:
        if row.state != "told" or not row.on_apple or row.pass_id is None or row.told_at is None:
            return None, None
        fetch = self.fetches.get(row.id)
        if fetch is not None:
            version, fetched_at = fetch
            later = self.followed.get(row.id)
            if later is not None and later <= version:
                return "replaced", None
            return "fetched", fetched_at
        if row.pass_id not in self.registered:
            gone = self._since(row, "device_gone")
            return ("device_gone" if gone else "removed"), None
        if row.pass_id in self.pushes:
            return "queued", None
        if self._since(row, "push_refused"):
            return "refused", None
        if now - row.told_at >= NEVER_AFTER:
            return "never_fetched", None
        return "accepted", None

    def on_google(self, row: Delivery) -> tuple[OnGoogle | None, datetime | None]:
        if row.state != "told" or not row.on_google or row.pass_id is None or row.told_at is None:
            return None, None
        message = self.messages.get((row.pass_id, str(row.id)))
        if message is not None and message.accepted_at is not None:
            return ("accepted" if message.aloud else "accepted_silently"), message.accepted_at
        known = self.google.get(row.pass_id)
        if known is None or (
            known.saved is False and (known.heard_at or row.told_at) >= row.told_at
        ):
            return "removed", None
        if row.pass_id not in self.writes and known.problem is not None:
            return "refused", None
        return "queued", None

    def why(self, row: Delivery, apple: OnApple | None, google: OnGoogle | None) -> tuple[Why, ...]:
        if row.state in NOT_TOLD:
            return (row.state,)
        found: list[Why | None] = []
        if apple is not None and row.pass_id not in self.announced:
            found.append("no_change_message")
        said_before = apple == "fetched" and row.repeats
        found.append("same_text" if said_before else BECAUSE_APPLE.get(apple or ""))
        found.append(BECAUSE_GOOGLE.get(google or ""))
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def _since(self, row: Delivery, kind: str) -> bool:
        happened_at = self.incidents.get((row.pass_id or 0, kind))
        return happened_at is not None and row.told_at is not None and happened_at >= row.told_at


def _first_fetches(
    session: Session, delivery_ids: Sequence[int]
) -> dict[int, tuple[int, datetime]]:
    """The first version from that of the message on that a phone fetched, and when."""
    rows = session.execute(
        select(Delivery.id, func.min(Fetch.version), func.min(Fetch.fetched_at))
        .join(Fetch, (Fetch.pass_id == Delivery.pass_id) & (Fetch.version >= Delivery.version))
        .where(Delivery.id.in_(delivery_ids))
        .group_by(Delivery.id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _followed(session: Session, delivery_ids: Sequence[int]) -> dict[int, int]:
    """The version in which the next message came over each of these."""
    later = aliased(Delivery)
    rows = session.execute(
        select(Delivery.id, func.min(later.version))
        .join(later, (later.pass_id == Delivery.pass_id) & (later.version > Delivery.version))
        .where(Delivery.id.in_(delivery_ids), later.state == "told")
        .group_by(Delivery.id)
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _announced(session: Session, pass_ids: Sequence[int]) -> set[int]:
    """The passes whose design tells phones to speak of a message."""
    rows = session.execute(select(Pass.id, Pass.template_id).where(Pass.id.in_(pass_ids))).all()
    found = session.scalars(
        select(Template).where(Template.id.in_({row.template_id for row in rows}))
    )
    aloud = {one.id for one in found if announces_messages(templates.design(one))}
    return {row.id for row in rows if row.template_id in aloud}


def _count(session: Session, table: type[Registration | PushRow], pass_id: int) -> int:
    counted = select(func.count()).select_from(table).where(table.pass_id == pass_id)
    return session.scalars(counted).one()
