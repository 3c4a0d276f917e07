"""Messages on their way to the cards: words filled, written on the card, rendered, settled.

All of it is one transaction: no member gets a message twice or half. The caller has locked the
passes and read every fact about the recipients (see `recipients`). After the commit the providers
carry the new versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.languages import Texts
from ledger.programmes.programmes import Programme
from wallet import happenings
from wallet.delivery.refresh import MakeDue, publish
from wallet.happenings import Note
from wallet.outreach import deliveries, wording
from wallet.outreach.deliveries import Settlement
from wallet.outreach.recipients import Candidate, Recipient
from wallet.outreach.wording import Known
from wallet.passes import news, versioning
from wallet.passes.content import Facts, LastMessage
from wallet.passes.news import Word
from wallet.passes.versioning import PassVersion


@dataclass(frozen=True, slots=True)
class Message:
    """Texts for one recipient. `delivery_ids`: the deliveries that it settles; the greatest is the
    id of the message. `about` fills the places that only this kind of message has.
    `states_balance`: the words speak of the balance, so that the card need not announce it."""

    recipient: Recipient
    delivery_ids: Sequence[int]
    texts: Texts
    about: Known = field(default_factory=dict)
    states_balance: bool = False


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """A message in its recipient's own words, as the card says it from now on."""

    message: Message
    newest: LastMessage

    @property
    def candidate(self) -> Candidate:
        return self.message.recipient.candidate

    @property
    def facts(self) -> Facts:
        """What the card may show from now on, this message included."""
        return replace(self.message.recipient.facts, message=self.newest)

    @property
    def repeats(self) -> bool:
        """Whether the card said the same words before: an iPhone does not announce them again."""
        before = self.message.recipient.facts.message
        return before is not None and before.text == self.newest.text


def tell(
    session: Session,
    programme: Programme,
    messages: Sequence[Message],
    make_due: Sequence[MakeDue],
    now: datetime,
) -> None:
    """Write messages to members of one programme, bring their cards up to date, and settle the
    deliveries."""
    if not messages:
        return
    written = write(session, programme, messages, now)
    passes = sorted((each.candidate.pass_ for each in written), key=lambda pass_: pass_.id)
    facts = {each.candidate.member_id: each.facts for each in written}
    changes = versioning.changes_to(session, programme, passes, facts, now)
    publish(session, changes, make_due, now)
    settle(session, written, versioning.versions_after(passes, changes), now)


def write(
    session: Session, programme: Programme, messages: Sequence[Message], now: datetime
) -> list[WrittenMessage]:
    """Make these messages the newest of their recipients. The caller then renders the cards, and
    calls `settle`."""
    written = [WrittenMessage(message, _in_words(programme, message)) for message in messages]
    news.say(session, [_as_news(each) for each in written], now)
    deliveries.mark_repeats(session, [int(each.newest.id) for each in written if each.repeats])
    return written


def settle(
    session: Session,
    written: Sequence[WrittenMessage],
    versions: Mapping[int, PassVersion],
    now: datetime,
) -> None:
    """Settle the deliveries of messages whose cards have been rendered; `versions`, by pass, are
    what the cards show now. A message that no field of the card shows did not reach its member."""
    deliveries.settle(
        session,
        [
            Settlement(
                delivery_id,
                each.candidate.pass_.id,
                versions[each.candidate.pass_.id],
                each.candidate.on_apple,
                each.candidate.on_google,
                each.newest.text,
            )
            for each in written
            for delivery_id in each.message.delivery_ids
        ],
        now,
    )
    happenings.note(
        session,
        "message.told",
        [
            Note(
                each.candidate.member_id,
                {"pass": each.candidate.pass_.id, "delivery": delivery_id},
            )
            for each in written
            if versions[each.candidate.pass_.id].has_message
            for delivery_id in each.message.delivery_ids
        ],
        now,
    )


def text_for(programme: Programme, texts: Texts, facts: Facts, about: Known) -> str:
    """What the member reads, in their own language if there is a text in it."""
    language = wording.language_for(texts, facts.locale, *programme.languages)
    known = {
        "name": facts.name,
        "points": facts.amount,
        "card": facts.card_number,
        "programme": facts.programme,
        **about,
    }
    return wording.fill(texts[language], known, language)


def _in_words(programme: Programme, message: Message) -> LastMessage:
    facts = message.recipient.facts
    text = text_for(programme, message.texts, facts, message.about)
    balance = facts.points if message.states_balance else None
    return LastMessage(str(max(message.delivery_ids)), text, balance)


def _as_news(written: WrittenMessage) -> Word:
    newest = written.newest
    return Word(written.candidate.member_id, newest.id, newest.text, newest.points)
