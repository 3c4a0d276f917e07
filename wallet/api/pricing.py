"""A receipt that came as a document is priced, and the quote written out, for calls and for the
command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy.orm import Session

from ledger import languages
from ledger.database.engine import Database
from ledger.errors import MemberErased, UnknownMember
from ledger.money import Money, decimals, percent
from ledger.people import cards, members, persons
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from ledger.promotions import wording
from ledger.promotions.arithmetic import THOUSAND
from ledger.promotions.promotions import Promotion
from ledger.promotions.quotes import PromotionOutcome, Quote, QuoteLine
from ledger.promotions.wording import TillReader
from ledger.sales import published, quoting
from ledger.sales.quoting import Buyer, Priced, Trial
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.members import phone_in
from wallet.api.bodies.promotions import CheckIn
from wallet.api.bodies.receipts import (
    CheckOut,
    EnteredCodeOut,
    LaneOut,
    LineReasonOut,
    PieceOut,
    PointsReasonOut,
    PresentOut,
    PromotionOutcomeOut,
    QuoteLineOut,
    QuoteOut,
    QuotePointsOut,
    ReceiptIn,
    TraceOut,
)
from wallet.configuration.keyring import KeyRing
from wallet.passes import codes, renewal

T = TypeVar("T")

# What only a check shows of promotions, unless somebody entered their code.
NOT_SHOWN = ("not_met", "not_now", "nothing_to_take")


@dataclass(frozen=True, slots=True)
class QuoteFor:
    """For whom, and when, a receipt is priced. `keys`: those that codes of cards are checked with.
    `languages`: of whoever reads the quote, the best first."""

    programme: Programme
    keys: KeyRing
    now: datetime
    languages: Sequence[str] = ()


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
    return _WrittenQuote(asked, *_priced(session, receipt, asked)).quote()


def check(session: Session, wanted: CheckIn, asked: QuoteFor) -> CheckOut:
    """The same with promotions that are only tried, and how it comes about."""
    receipt = wanted.receipt
    if wanted.at is not None:
        receipt = receipt.model_copy(update={"at": wanted.at})
    drafts = [Promotion(one.code, 0, one.rules) for one in wanted.with_]
    trial = Trial(drafts, frozenset(wanted.only))
    told = _WrittenQuote(asked, *_priced(session, receipt, asked, trial))
    unreadable = published.of(session, asked.programme.id).unreadable
    return CheckOut(quote=told.quote(), trace=told.trace(unreadable))


def _priced(
    session: Session, receipt: ReceiptIn, asked: QuoteFor, trial: Trial | None = None
) -> tuple[Priced, Literal["code"] | None]:
    """The receipt, priced, and what the member must say to spend."""
    programme = asked.programme
    member = _member(session, receipt, asked)
    spoken = receipt.phone is not None or receipt.email is not None
    buyer = None
    if member is not None:
        may_spend = not (spoken and programme.spend_by_phone == "never") and not member.unconfirmed
        buyer = Buyer(member, may_spend)
    priced = quoting.quote(session, programme, receipt.told, buyer, asked.now, trial)
    needs_code = spoken and buyer is not None and programme.spend_by_phone == "code"
    return priced, "code" if needs_code and priced.quote.most else None


def _member(session: Session, receipt: ReceiptIn, asked: QuoteFor) -> Member | None:
    """Who buys; None for nobody, and for a phone number or an address that is nobody's: they are
    priced as for a new member."""
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


@dataclass(frozen=True, slots=True)
class _WrittenQuote:
    """A priced receipt as it is written out."""

    asked: QuoteFor
    priced: Priced
    spend_needs: Literal["code"] | None

    def quote(self) -> QuoteOut:
        quote = self.priced.quote
        return QuoteOut(
            lines=[self._line(line) for line in quote.lines],
            list=self._money(quote.full),
            given=self._money(quote.given),
            discount=self._money(quote.discount),
            points=self._points(),
            total=self._money(quote.total),
            due=self._money(quote.due),
            gifts=[
                PresentOut(sku=one.present.sku, quantity=one.present.units, promotion=one.promotion)
                for one in quote.presents
            ],
            codes=[
                EnteredCodeOut(
                    code=one.code,
                    state=one.state,
                    text=wording.entered_code(one, quote.promotions, self._reader),
                )
                for one in quote.codes
            ],
            promotions=self._outcomes(_shown(quote)),
            rules=quote.rules,
        )

    def trace(self, unreadable: Sequence[str]) -> TraceOut:
        quote = self.priced.quote
        return TraceOut(
            promotions=self._outcomes(quote.promotions),
            lanes=[
                LaneOut(
                    lane=one.lane,
                    mode=one.mode,
                    taken_off=self._money(one.taken_off),
                    exact=one.exact,
                )
                for one in quote.lanes
            ],
            facts=dict(self.priced.sale.facts),
            unreadable=unreadable,
        )

    def _points(self) -> QuotePointsOut:
        quote = self.priced.quote
        return QuotePointsOut(
            earned=quote.earned,
            spent=quote.spent,
            most=quote.most,
            paid=self._money(quote.points_paid),
            spend_needs=self.spend_needs,
            reasons=[
                PointsReasonOut(
                    promotion=one.promotion,
                    points=one.points,
                    text=wording.points_reason(one, self._reader),
                )
                for one in quote.points_reasons
            ],
        )

    def _outcomes(self, outcomes: Sequence[PromotionOutcome]) -> list[PromotionOutcomeOut]:
        return [
            PromotionOutcomeOut(
                promotion=one.promotion,
                version=one.version,
                outcome=one.outcome,
                lost_to=one.lost_to,
                amount=self._money(one.amount),
                text=wording.outcome(one, self._reader),
            )
            for one in outcomes
        ]

    def _line(self, line: QuoteLine) -> QuoteLineOut:
        return QuoteLineOut(
            id=line.id,
            list=self._money(line.full),
            given=self._money(line.given),
            discount=self._money(line.discount),
            points=self._money(line.points),
            total=self._money(line.total),
            percent=percent(line.percent),
            pieces=[
                PieceOut(
                    quantity=_quantity(piece.quantity),
                    price=self._money(piece.price),
                    total=self._money(piece.total),
                )
                for piece in line.pieces
            ],
            reasons=[
                LineReasonOut(
                    promotion=reason.promotion,
                    amount=self._money(reason.amount),
                    text=wording.line_reason(reason, self._reader),
                )
                for reason in line.reasons
            ],
        )

    def _money(self, pieces: int) -> MoneyOut:
        currency = self.priced.quote.currency
        return MoneyOut.model_validate(Money.of(pieces, decimals(currency), currency))

    @property
    def _reader(self) -> TillReader:
        """Whoever reads the sentences: in the caller's language, or else the programme's."""
        wanted = [*self.asked.languages, *self.asked.programme.languages]
        names = {code: one.rules.name for code, one in self.priced.promotions.items()}
        return TillReader(languages.ours(*wanted), self.priced.quote.currency, names)


def _shown(quote: Quote) -> Sequence[PromotionOutcome]:
    """The outcomes that concern a till: what applied, lost or was close, and what was asked for by
    its code."""
    asked = {one.promotion for one in quote.codes}
    return [
        one for one in quote.promotions if one.outcome not in NOT_SHOWN or one.promotion in asked
    ]


def _quantity(thousandths: int) -> str:
    whole, part = divmod(thousandths, THOUSAND)
    return f"{whole}.{part:03}".rstrip("0") if part else str(whole)
