"""Who of the staff is signed in: a row for each browser, named by a token that the browser keeps in
a cookie and the row as its hash. A session ends after half an hour without a request, after twelve
hours in any case, and at once where its owner's password or roles change. One at a counter allows
little, and lasts the twelve hours: guests do not wait for passwords."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    String,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ledger.database import troubles
from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Instant
from ledger.languages import ENGLISH, Language
from ledger.programmes.programmes import Programme, ProgrammeText
from ledger.programmes.stores import LONGEST_CODE
from wallet.access import tokens
from wallet.access.rights import ALL, Actor, may
from wallet.access.roles import RIGHTS_OF, Role
from wallet.access.staff import Employee, EmployeeRole

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)  # each request would otherwise write
PROOF_LASTS = timedelta(minutes=10)
LONGEST_BROWSER, LONGEST_ORIGIN = 200, 45  # characters

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser says of itself, and the network address it comes from: for its owner, who
    looks where they are signed in."""

    browser: str = ""
    origin: str = ""


FROM_ANYWHERE = Visit()


class StaffSession(Base):
    """One browser in which an employee is signed in. `digest` is that of its token. `seen_at`: its
    last request, to the minute. `strong`: two factors were shown, not a password alone.
    `proved_at`: when it last was shown who sits there. `store`, `till`: where they serve, by their
    codes. `counter`: it opens the counter alone."""

    __tablename__ = "wallet_staff_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(Instant, index=True)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    strong: Mapped[bool]
    proved_at: Mapped[datetime | None] = mapped_column(Instant)
    browser: Mapped[str] = mapped_column(String(LONGEST_BROWSER))
    origin: Mapped[str] = mapped_column(String(LONGEST_ORIGIN))
    store: Mapped[str | None] = mapped_column(String(LONGEST_CODE))
    till: Mapped[str | None] = mapped_column(String(LONGEST_CODE))
    counter: Mapped[bool] = mapped_column(default=False, server_default=false())


@dataclass(frozen=True, slots=True)
class SeenProgramme:
    """A programme in which an employee may do anything, with its name in the language that was
    asked for. `zone` is that of its clock; `country` is where its members live."""

    id: int
    code: str
    name: str
    zone: str
    country: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An employee who is signed in. `roles`: which they have, each with the programme in which,
    None for all. `actors`: what they may do, once for each role. `programmes`: in which they may do
    anything, the oldest first. `session` names their session to `staff_sessions`; for what follows
    it see `StaffSession`."""

    employee_id: int
    email: str
    roles: tuple[tuple[Role, int | None], ...]
    actors: tuple[Actor, ...]
    programmes: tuple[SeenProgramme, ...] = ()
    session: str = ""
    strong: bool = False
    proved_at: datetime | None = None
    store: str | None = None
    till: str | None = None
    counter: bool = False

    def may(self, right: str, programme_id: int | None = None) -> bool:
        """Whether they have this right in this programme; without a programme, in any at all."""
        return any(may(actor, right, programme_id) for actor in self.actors)

    def has_proved(self, now: datetime) -> bool:
        """Whether they have shown lately that it is they who sit there: a browser that was left
        open must not be enough to change how one comes in."""
        return self.proved_at is not None and now < self.proved_at + PROOF_LASTS


def begin(
    session: Session,
    employee_id: int,
    now: datetime,
    visit: Visit = FROM_ANYWHERE,
    *,
    strong: bool = False,
) -> str:
    """Sign an employee in, and return the token of the session. `strong`: two factors were
    shown."""
    token = tokens.new()
    session.add(
        StaffSession(
            digest=tokens.digest(token),
            employee_id=employee_id,
            began_at=now,
            seen_at=now,
            strong=strong,
            proved_at=now,
            browser=visit.browser[:LONGEST_BROWSER],
            origin=visit.origin[:LONGEST_ORIGIN],
        )
    )
    session.flush()
    return token


def begin_at_counter(
    session: Session, present: SignedIn, employee_id: int, now: datetime, visit: Visit
) -> str:
    """Have an employee serve where `present` did, and return the token of the session, which opens
    the counter alone and lasts no longer than that one would have."""
    token = tokens.new()
    before = session.get_one(StaffSession, present.session)
    session.add(
        StaffSession(
            digest=tokens.digest(token),
            employee_id=employee_id,
            began_at=before.began_at,
            seen_at=now,
            strong=False,
            browser=visit.browser[:LONGEST_BROWSER],
            origin=visit.origin[:LONGEST_ORIGIN],
            store=before.store,
            till=before.till,
            counter=True,
        )
    )
    session.delete(before)
    session.flush()
    return token


def serve_at(
    session: Session, who: SignedIn, store: str | None, till: str | None, *, counter: bool
) -> None:
    """Note where somebody serves. `counter`: their session opens the counter alone from now on."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.digest == who.session)
        .values(store=store, till=till, counter=StaffSession.counter | counter)
    )


def prove(session: Session, who: SignedIn, now: datetime, *, strong: bool = False) -> None:
    """Note that who is signed in has just shown who they are; `strong`: by a second factor."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.digest == who.session)
        .values(proved_at=now, strong=StaffSession.strong | strong)
    )


def listed(session: Session, employee_id: int, now: datetime) -> Sequence[StaffSession]:
    """Where this person is signed in, the latest request first."""
    return session.scalars(
        select(StaffSession)
        .where(
            StaffSession.employee_id == employee_id,
            _is_live(now - IDLE),
            StaffSession.began_at > now - LONGEST,
        )
        .order_by(StaffSession.seen_at.desc(), StaffSession.began_at.desc())
    ).all()


def end(session: Session, token: str) -> None:
    """Sign this browser out; one that is not signed in changes nothing."""
    session.execute(delete(StaffSession).where(StaffSession.digest == tokens.digest(token)))


def end_all(session: Session, employee_id: int) -> int:
    """Sign this person out everywhere; returns in how many browsers they were signed in."""
    ended = delete(StaffSession).where(StaffSession.employee_id == employee_id)
    return len(session.execute(ended.returning(StaffSession.digest)).all())


def end_others(session: Session, who: SignedIn) -> int:
    """Sign this person out everywhere but here; returns in how many browsers they were."""
    return len(
        session.scalars(
            delete(StaffSession)
            .where(StaffSession.employee_id == who.employee_id, StaffSession.digest != who.session)
            .returning(StaffSession.digest)
        ).all()
    )


def forget_old(session: Session, now: datetime) -> None:
    """Delete the rows of sessions that have ended by themselves."""
    session.execute(delete(StaffSession).where(StaffSession.began_at <= now - LONGEST))


def recognise(
    database: Database,
    token: str,
    now: datetime,
    *,
    language: Language = ENGLISH,
    by_hand: bool = True,
) -> SignedIn | None:
    """Who is signed in with this token, programmes being named in `language`; None if nobody is, or
    no longer. What a page asks for by itself, and not `by_hand`, does not make the session last
    longer. All of it is one round trip: every page waits for it."""
    digest = tokens.digest(token)
    rows = database.fetch(
        _LIVE, digest=digest, idle=now - IDLE, oldest=now - LONGEST, language=language
    )
    if not rows:
        return None
    if by_hand and rows[0].seen_at <= now - NOTED_EVERY:
        _note_seen(database, digest, now)
    held = {(row.role, row.programme_id): row for row in rows}
    return SignedIn(
        rows[0].id,
        rows[0].email,
        tuple(held),
        tuple(map(_at_counter if rows[0].counter else _actor, held.values())),
        tuple(
            dict.fromkeys(
                SeenProgramme(row.seen_id, row.code, row.own or row.name, row.timezone, row.country)
                for row in rows
                if row.seen_id is not None
            )
        ),
        digest,
        rows[0].strong,
        rows[0].proved_at,
        rows[0].store,
        rows[0].till,
        rows[0].counter,
    )


def _note_seen(database: Database, digest: str, now: datetime) -> None:
    """A database that takes no writes just now is no reason to refuse a page that only reads."""
    try:
        with database.transaction() as session:
            session.execute(
                update(StaffSession).where(StaffSession.digest == digest).values(seen_at=now)
            )
    except DBAPIError as error:
        trouble = troubles.found_in(error)
        if trouble is None:
            raise
        log.warning("session_not_noted", trouble=trouble)


def actors(session: Session, employee_id: int) -> tuple[Actor, ...]:
    """What this person may do at this moment, once for each role; nothing if they were removed."""
    roles = select(Employee.id, EmployeeRole.role, EmployeeRole.programme_id).join(
        EmployeeRole, EmployeeRole.employee_id == Employee.id
    )
    alive = roles.where(Employee.id == employee_id, Employee.removed_at.is_(None))
    return tuple(map(_actor, session.execute(alive)))


@dataclass(frozen=True, slots=True)
class Attendance:
    """Where somebody is signed in: in how many browsers, since when, and their last request."""

    browsers: int
    began_at: datetime
    seen_at: datetime


def attendances(
    session: Session, employee_ids: Sequence[int], now: datetime
) -> Mapping[int, Attendance]:
    """Who of these people is signed in, by their ids."""
    rows = session.execute(
        select(
            StaffSession.employee_id,
            func.count(),
            func.min(StaffSession.began_at),
            func.max(StaffSession.seen_at),
        )
        .where(
            StaffSession.employee_id.in_(employee_ids),
            _is_live(now - IDLE),
            StaffSession.began_at > now - LONGEST,
        )
        .group_by(StaffSession.employee_id)
    )
    return {row[0]: Attendance(*row[1:]) for row in rows}


def _is_live(idle: Any) -> ColumnElement[bool]:
    """Whether a session was not left alone for too long; at the counter it may be."""
    return or_(StaffSession.counter, StaffSession.seen_at > idle)


_NAME = aliased(ProgrammeText)
# A row for each role of who is signed in, and each programme in which they have it. A programme is
# called as `programmes.name_in` says it.
_LIVE = Compiled(
    select(
        Employee.id,
        Employee.email,
        StaffSession.seen_at,
        StaffSession.strong,
        StaffSession.proved_at,
        StaffSession.store,
        StaffSession.till,
        StaffSession.counter,
        EmployeeRole.role,
        EmployeeRole.programme_id,
        Programme.id.label("seen_id"),
        Programme.code,
        select(_NAME.text)
        .where(_NAME.programme_id == Programme.id, _NAME.kind == "name")
        .where(_NAME.language == bindparam("language"))
        .order_by(_NAME.id.desc())
        .limit(1)
        .scalar_subquery()
        .label("own"),
        Programme.name,
        Programme.timezone,
        Programme.country,
    )
    .join(Employee, Employee.id == StaffSession.employee_id)
    .join(EmployeeRole, EmployeeRole.employee_id == Employee.id)
    .outerjoin(
        Programme,
        or_(EmployeeRole.programme_id.is_(None), EmployeeRole.programme_id == Programme.id),
    )
    .where(
        StaffSession.digest == bindparam("digest"),
        _is_live(bindparam("idle")),
        StaffSession.began_at > bindparam("oldest"),
        Employee.removed_at.is_(None),
    )
    .order_by(Programme.id, EmployeeRole.id)
)


def _actor(row: Any) -> Actor:
    role: Role = row.role
    return Actor(f"employee {row.id}", RIGHTS_OF[role], row.programme_id)


def _at_counter(row: Any) -> Actor:
    """What of a role remains at the counter: what cashiers may do, and nothing else."""
    whole = _actor(row)
    serving = RIGHTS_OF["cashier"]
    kept = serving if ALL in whole.rights else whole.rights & serving
    return Actor(whole.name, kept, whole.programme_id)
