"""A till that sends receipts that were paid: each is a transaction of its own, and tried again
where a limit was used up meanwhile, as the API does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from clocks import StoppedClock
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.money import Money
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.sales import purchases
from ledger.sales.limits import Overtaken
from ledger.sales.purchases import Payer, Ticket
from ledger.sales.quoting import Buyer
from ledger.sales.receipts import CardToPay, Pays, ReceiptLine, TillReceipt
from ledger.sales.records import PurchaseOnRecord


@dataclass
class Till:
    """Its receipts have one line; a price is in whole roubles."""

    database: Database
    clock: StoppedClock
    code: str

    def sell(
        self,
        id_: str,
        roubles: int,
        member: Member | None = None,
        pays: Pays | None = None,
        codes: Iterable[str] = (),
        gift_cards: Iterable[CardToPay] = (),
    ) -> PurchaseOnRecord:
        line = ReceiptLine("1", "TEA", price=Money(f"{roubles}.00", "RUB"))
        receipt = TillReceipt([line], pays=pays, codes=list(codes), gift_cards=list(gift_cards))

        def work(session: Session) -> PurchaseOnRecord:
            programme = programmes.by_code(session, self.code)
            buyer = None if member is None else Buyer(members.reread(session, member))
            ticket = Ticket(id_, f"{roubles} {pays}")
            return purchases.confirm(
                session, programme, receipt, ticket, lambda: Payer(buyer), self.clock()
            )

        while True:
            try:
                return self.database.run(work)
            except Overtaken:
                continue

    def discount(self, id_: str, roubles: int, *args: Any, **kwargs: Any) -> int:
        """What promotions took off, in kopecks."""
        return self.sell(id_, roubles, *args, **kwargs).quote.discount
