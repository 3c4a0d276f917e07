"""1C: its words, its dates without a zone.

    {"Вид": "Начисление", "Карта": "5667895195194564", "Баллы": 100,
     "Документ": "Чек ККМ 0000-000123", "Дата": "2026-11-24T12:30:00", "Комментарий": "Кофе"}

`Вид` is `Начисление` or `Списание`; a member is named by `Карта` or by `КодКлиента`, which is the
code in 1C. Where the programme counts money, `"Сумма": "199.90", "Валюта": "RUB"` may stand in
place of `Баллы`."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import (
    AmountText,
    Body,
    Currency,
    ExternalId,
    Id,
    Points,
    Reason,
    Receipt,
    WrittenOut,
    either,
)
from ledger.money import Amount, Money
from wallet.api.sources.command import PointsCommand

# 1C writes local dates; one with a zone is fine too.
LocalDate = Annotated[datetime, Field(strict=False), WrittenOut]


class OneCMessage(Body):
    """A message of the kind `1c`; the aliases are 1C's own names."""

    kind: Literal["Начисление", "Списание"] = Field(alias="Вид")
    points: Points | None = Field(default=None, alias="Баллы")
    sum: AmountText | None = Field(default=None, alias="Сумма")
    currency: Currency | None = Field(default=None, alias="Валюта")
    card: Id | None = Field(default=None, alias="Карта")
    external_id: ExternalId | None = Field(default=None, alias="КодКлиента")
    receipt: Receipt | None = Field(default=None, alias="Документ")
    reason: Reason | None = Field(default=None, alias="Комментарий")
    occurred_at: LocalDate | None = Field(default=None, alias="Дата")

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuses a member or an amount that is given twice or not at all, and a sum without a
        currency."""
        if (self.card is None) == (self.external_id is None):
            raise either("card_or_external_id", "Карта", "КодКлиента")
        if (self.points is None) == (self.sum is None):
            raise either("points_or_money", "Баллы", "Сумма")
        if (self.sum is None) != (self.currency is None):
            raise PydanticCustomError(
                "sum_and_currency",
                "give {one} together with {other}",
                {"one": "Сумма", "other": "Валюта"},
            )
        return self

    @property
    def amount(self) -> Amount:
        """Money if a sum was sent, otherwise points."""
        if self.sum is not None and self.currency is not None:
            return Money(self.sum, self.currency)
        return self.points or 0


def read(payload: bytes, zone: ZoneInfo) -> PointsCommand:
    """What a message of 1C means. Its dates without a zone are in `zone`, the programme's. Raises
    pydantic's ValidationError."""
    message = OneCMessage.model_validate_json(payload)
    moment = message.occurred_at
    if moment is not None:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    return PointsCommand(
        kind="accrual" if message.kind == "Начисление" else "redemption",
        amount=message.amount,
        card=message.card,
        external_id=message.external_id,
        reason=message.reason,
        receipt=message.receipt,
        occurred_at=moment,
    )
