"""A receipt that came as a document is priced, and the quote written out, for calls and for the
command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy.orm import Session

from ledger import languages
from ledger.database.engine import Database
from ledger.errors import MemberErased, UnknownMember
from ledger.languages import Texts
from ledger.people import cards, members, persons
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from ledger.promotions.promotions import Promotion
from ledger.promotions.wording import Purse, TillReader
from ledger.sales import published, quoting
from ledger.sales.quoting import Buyer, Priced, Trial
from wallet.api.bodies.members import phone_in
from wallet.api.bodies.promotions import CheckIn
from wallet.api.bodies.receipts import CheckOut, QuoteOut, ReceiptIn
from wallet.api.written_quotes import WrittenQuote
from wallet.configuration.keyring import KeyRing
from wallet.passes import codes, renewal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QuoteFor:
    """For whom, and when, a receipt is priced. `keys`: those that codes of cards are checked with.
    `languages`: of whoever reads the quote, the best first."""

    programme: Programme
    keys: KeyRing
    now: datetime
    languages: Sequence[str] = ()

    def reader(self, priced: Priced) -> TillReader:
        """Whoever reads the sentences: in the caller's language, or else the programme's."""
        names = {code: one.rules.name for code, one in priced.promotions.items()}
        return self.reader_of(priced.quote.currency, names)

    def reader_of(self, currency: str, names: Mapping[str, str | Texts]) -> TillReader:
        """The same of a quote in this currency; `names`: of its promotions, by code."""
        return TillReader(
            languages.ours(*self.languages, *self.programme.languages), currency, names
        )


def changing_nothing(database: Database, receipt: ReceiptIn, work: Callable[[Session], T]) -> T:
    """Do work that changes nothing. A code is checked as a scan checks it, which writes that it was
    used; that is undone again, so the card shows the same code, and it stays good."""
    if receipt.barcode is None:
        with database.reading() as session:
            return work(session)

    def undone(session: Session) -> T:
        with session.begin_nested() as point:
            answer = work(session)
            point.rollback()
        return answer

    return database.run(undone, idempotent=True)


def quote(session: Session, receipt: ReceiptIn, asked: QuoteFor) -> QuoteOut:
    """What the receipt costs and earns. Raises what `quoting.quote` raises, `UnknownMember`,
    `MemberErased`, and what cards and their codes raise."""
    priced, spend_needs = _priced(session, receipt, asked)
    return WrittenQuote(priced.quote, asked.reader(priced), purse(priced), spend_needs).quote_out()


def check(session: Session, wanted: CheckIn, asked: QuoteFor) -> CheckOut:
    """The same with promotions that are only tried, and how it comes about."""
    receipt = wanted.receipt
    if wanted.at is not None:
        receipt = receipt.model_copy(update={"at": wanted.at})
    drafts = [Promotion(one.code, 0, one.rules) for one in wanted.with_]
    trial = Trial(drafts, frozenset(wanted.only))
    priced, spend_needs = _priced(session, receipt, asked, trial)
    told = WrittenQuote(priced.quote, asked.reader(priced), purse(priced), spend_needs)
    unreadable = published.of(session, asked.programme.id).unreadable
    return CheckOut(quote=told.quote_out(), trace=told.trace_out(priced.sale.facts, unreadable))


def _priced(
    session: Session, receipt: ReceiptIn, asked: QuoteFor, trial: Trial | None = None
) -> tuple[Priced, Literal["code"] | None]:
    """The receipt, priced, and what the member must say to spend."""
    member = member_of(session, receipt, asked)
    buyer = None if member is None else buyer_of(receipt, member, asked.programme)
    priced = quoting.quote(session, asked.programme, receipt.told, buyer, asked.now, trial)
    needs_code = buyer is not None and spends_by_code(receipt, asked.programme)
    return priced, "code" if needs_code and priced.quote.most else None


def purse(priced: Priced) -> Purse | None:
    """What whoever buys has; nothing of it for one who may not spend it here."""
    buyer, unit = priced.buyer, priced.unit
    if buyer is None:
        return None
    left = priced.sale.available if buyer.may_spend else None
    return Purse(unit.kind, unit.scale, unit.currency, left)


def buyer_of(receipt: ReceiptIn, member: Member, programme: Programme) -> Buyer:
    """The member who buys. Who only names a phone number or an address may not spend where the
    programme says so."""
    is_kept = receipt.names_an_address and programme.spend_by_phone == "never"
    return Buyer(member, may_spend=not is_kept and not member.unconfirmed)


def spends_by_code(receipt: ReceiptIn, programme: Programme) -> bool:
    """Whether the member must say a code to spend."""
    return receipt.names_an_address and programme.spend_by_phone == "code"


def member_of(session: Session, receipt: ReceiptIn, asked: QuoteFor) -> Member | None:
    """Who buys; None for nobody, and for a phone number or an address that is nobody's: they are
    priced as for a new member. A code is accepted as by a scan, which renews it. Raises
    `UnknownMember`, `MemberErased`, and what cards and their codes raise."""
    programme = asked.programme
    if receipt.member is not None:
        return _by_id(session, programme, receipt.member)
    if receipt.card is not None:
        return cards.owner(session, receipt.card, asked.now, programme.id).member
    if receipt.phone is not None:
        number = phone_in(programme.country, receipt.phone)
        return persons.owner_of_address(session, programme.id, phone=number)
    if receipt.email is not None:
        return persons.owner_of_address(session, programme.id, email=receipt.email)
    if receipt.barcode is not None:
        _, card = codes.parted(cards.normalise(receipt.barcode))
        scan = renewal.accept(session, asked.keys, card, asked.now, programme_id=programme.id)
        if scan.refusal is not None:
            raise scan.refusal
        return scan.member
    return None


def _by_id(session: Session, programme: Programme, public_id: str) -> Member:
    found = members.by_public_id(session, public_id, include_erased=True)
    if found.programme_id != programme.id:
        raise UnknownMember
    if found.erased_at is not None:
        raise MemberErased
    return found
