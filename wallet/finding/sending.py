"""Sends the codes that were asked for, and links to second cards, each by the channel that reaches
its address. A channel that is away loses none: it is tried again, until the code works no more.

A process that dies between sending and writing that down sends once more: the same code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger import languages
from ledger.database.engine import Database
from ledger.people import members, persons
from ledger.people.members import Member
from ledger.programmes import programmes, units
from wallet.access import sign_in_delays
from wallet.channels.channel import AddressKind, Channel, NotTaken, Outgoing
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.finding import codes, messages, second_cards
from wallet.finding.codes import CODES, TO_MEMBER, CodePurpose, CodeRequest, DueCode, code_of

BATCH = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=2)


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _ReadyCode:
    """A claimed request as it is sent."""

    due: DueCode
    channel: Channel
    message: Outgoing


class CodeSender:
    """What the pump knows of codes. `channels`: by what kind of address they reach people."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        channels: Mapping[AddressKind, Channel],
        public_url: str,
        lease: timedelta,
    ) -> None:
        self._database, self._keys, self._public_url = database, keys, public_url
        self._channels, self._lease = channels, lease

    @property
    def reaches(self) -> frozenset[AddressKind]:
        """Which kinds of addresses a code can be sent to."""
        return frozenset(self._channels)

    def deliver(self, clock: Clock) -> bool:
        """Send a batch of codes that are due. Whether there may be more."""
        now = clock()

        def claim(session: Session) -> list[DueCode]:
            return CODES.claim(session, now, BATCH, self._lease)

        left = self._database.run(claim)
        is_full = len(left) == BATCH
        until = now + self._lease / 2
        # A slow channel must not have a code sent twice: the rest waits for the next turn.
        while left and clock() < until:
            self._carry_out(left.pop(0), clock)
        if left:
            self._database.run(lambda session: CODES.let_go(session, left))
        return is_full

    def _carry_out(self, due: DueCode, clock: Clock) -> None:
        ready = self._database.run(lambda session: self._prepare(session, due, clock()))
        if ready is not None:
            self._send(ready, clock)

    def _prepare(self, session: Session, due: DueCode, now: datetime) -> _ReadyCode | None:
        """The message, if there is one to be sent. What is nobody's waits for its end in
        silence."""
        asked = session.get(CodeRequest, due.id)
        address = None if asked is None else self._address(asked)
        member = None
        if asked is not None and address is not None:
            member = self._reached(session, asked, address)
        row = _locked(session, due)
        if row is None:
            return None  # it was asked for again meanwhile
        if row.expires_at <= now:
            CODES.finish(session, [due])
            return None
        channel = self._channels.get(row.kind)
        is_due = (
            channel is not None and member is not None and self._may_get(session, row, member, now)
        )
        if not is_due or channel is None or member is None or address is None:
            _rest(session, due, row.expires_at, "nobody")
            return None
        row.member_id = member.id
        session.flush()
        return _ReadyCode(due, channel, self._message(session, row, member, address))

    def _address(self, row: CodeRequest) -> str | None:
        try:
            return None if row.sealed is None else self._keys.unseal(row.sealed)
        except InvalidToken:
            log.error("code_unreadable", request=row.id)
            return None

    def _message(
        self, session: Session, row: CodeRequest, member: Member, address: str
    ) -> Outgoing:
        programme = programmes.by_id(session, row.programme_id)
        locale = persons.profile_of(session, member.id).locale
        language = languages.ours(locale, row.language)
        name = programmes.name_in(session, programme, language)
        id_ = f"code-{row.id}-{row.generation}"
        if row.purpose == "join":
            token = second_cards.token(self._keys, row)
            link = f"{self._public_url}/joined/{programme.code}/{token}"
            return messages.with_link(row.kind, id_, address, link, language, name)
        purpose: CodePurpose = "spend" if row.purpose == "spend" else "card"
        code = code_of(self._keys, purpose, row.nonce)
        facts = {"programme": name}
        if row.points is not None:
            unit = units.named(session, programme.id, None)
            facts["amount"] = messages.amount(unit, row.points, language)
        return messages.with_code(purpose, row.kind, id_, address, code, language, facts)

    def _reached(self, session: Session, asked: CodeRequest, address: str) -> Member | None:
        """Whose address it is, held until the transaction ends, so that an erasure either waits or
        is seen; None if it is nobody's, or not any more that of the member whose points are spent,
        or that of who joined with it."""
        found = codes.owner(session, asked.programme_id, asked.kind, address)
        if found is None or (asked.purpose == "spend" and found.id != asked.member_id):
            return None
        members.lock(session, [found.id])
        member = members.reread(session, found)
        if asked.purpose == "join" and not second_cards.is_news(session, self._keys, asked, member):
            return None
        return member if member.erased_at is None else None

    def _may_get(self, session: Session, row: CodeRequest, member: Member, now: datetime) -> bool:
        """Whether the member may get one more message; a further try to send it is none more."""
        if row.member_id is not None:
            return True
        # Who joins with a stranger's number again and again keeps no code from them.
        counted = "links of" if row.purpose == "join" else "codes of"
        theirs = self._keys.first.derive(counted, str(member.id))
        if sign_in_delays.left(session, theirs, TO_MEMBER, now):
            log.warning("code_withheld", request=row.id, member=member.public_id)
            return False
        sign_in_delays.count(session, [theirs], now)
        return True

    def _send(self, one: _ReadyCode, clock: Clock) -> None:
        try:
            one.channel.send(one.message)
        except NotTaken as refused:
            self._put_off(one, refused.why, clock())
            return
        log.info("code_sent", request=one.due.id)
        self._database.run(lambda session: self._note_sent(session, one.due))

    def _note_sent(self, session: Session, due: DueCode) -> None:
        row = _locked(session, due)
        if row is not None:
            _rest(session, due, row.expires_at, "sent")

    def _put_off(self, one: _ReadyCode, why: str, now: datetime) -> None:
        tried = one.due.attempts
        again_at = now + min(FIRST_WAIT * 2 ** min(tried, 20), LONGEST_WAIT)
        log.warning("code_not_sent", request=one.due.id, why=why, attempts=tried + 1)
        self._database.run(lambda session: CODES.defer(session, one.due, again_at, why, tried + 1))


def _locked(session: Session, due: DueCode) -> CodeRequest | None:
    """The row, unless it was asked for again since it was claimed."""
    return session.scalar(
        select(CodeRequest)
        .where(CodeRequest.id == due.id, CodeRequest.generation == due.generation)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _rest(session: Session, due: DueCode, until: datetime, why: str) -> None:
    """Nothing more is sent: the address is forgotten, and at its end the row is deleted. The row is
    locked, and was not asked for again."""
    session.execute(update(CodeRequest).where(CodeRequest.id == due.id).values(sealed=None))
    CODES.defer(session, due, until, why, due.attempts)
