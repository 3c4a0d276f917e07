"""1C: its words, its dates without a zone.

    {"Вид": "Начисление", "Карта": "5667895195194564", "Баллы": 100,
     "Документ": "Чек ККМ 0000-000123", "Дата": "2026-11-24T12:30:00", "Комментарий": "Кофе"}

`Вид` is `Начисление` or `Списание`; a member is named by `Карта` or by `КодКлиента`, which is the
code in 1C. Where the programme counts money, `"Сумма": "199.90", "Валюта": "RUB"` may stand in
place of `Баллы`. What was paid in the purchase is `"Оплачено": "1000.00", "Валюта": "RUB"`.

`"Вид": "Остаток"` says what the member has in all at `Дата`, which is needed then."""

from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ledger import strict_json
from ledger.fields import (
    AmountText,
    Body,
    Count,
    Currency,
    ExternalId,
    Id,
    PaidText,
    Points,
    Reason,
    Receipt,
    either,
    in_utc,
    written_out,
)
from ledger.money import Amount, Money
from wallet.api.sources.command import PointsCommand

# What 1C writes where a date was left out: its empty date, with whatever time and zone.
EMPTY = "0001-01-01"
MOMENT = "Дата"


def none_if_empty(value: object) -> object:
    """The date as text, or None for 1C's empty one."""
    return None if value is None or str(value).startswith(EMPTY) else written_out(value)


def in_zone(moment: datetime | None, info: ValidationInfo) -> datetime | None:
    """In UTC; what has no zone is what the programme's clock showed."""
    if moment is None or info.context is None:
        return moment
    return in_utc(moment if moment.tzinfo else moment.replace(tzinfo=info.context["zone"]))


# 1C writes local dates; one with a zone is fine too.
LocalDate = Annotated[
    datetime | None, Field(strict=False), BeforeValidator(none_if_empty), AfterValidator(in_zone)
]


# The same where it must be there.
LocalMoment = Annotated[
    datetime, Field(strict=False), BeforeValidator(written_out), AfterValidator(in_zone)
]


class OneCMessage(Body):
    """A message of the kind `1c`; the aliases are 1C's own names."""

    kind: Literal["Начисление", "Списание"] = Field(alias="Вид")
    points: Points | None = Field(default=None, alias="Баллы")
    sum: AmountText | None = Field(default=None, alias="Сумма")
    paid: PaidText | None = Field(default=None, alias="Оплачено")
    currency: Currency | None = Field(default=None, alias="Валюта")
    card: Id | None = Field(default=None, alias="Карта")
    external_id: ExternalId | None = Field(default=None, alias="КодКлиента")
    receipt: Receipt | None = Field(default=None, alias="Документ")
    reason: Reason | None = Field(default=None, alias="Комментарий")
    occurred_at: LocalDate = Field(default=None, alias="Дата")

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuses a member or an amount that is given twice or not at all, and a sum without a
        currency."""
        require_one_of_each(self)
        return self

    @property
    def amount(self) -> Amount:
        """Money if a sum was sent, otherwise points."""
        if self.sum is not None and self.currency is not None:
            return Money(self.sum, self.currency)
        return self.points or 0

    @property
    def purchase(self) -> Money | None:
        """What was paid; None if nothing was said of a purchase."""
        if self.paid is None or self.currency is None:
            return None
        return Money(self.paid, self.currency)


class OneCBalance(Body):
    """What a member has in all, in 1C's words."""

    kind: Literal["Остаток"] = Field(alias="Вид")
    points: Count | None = Field(default=None, alias="Баллы")
    sum: PaidText | None = Field(default=None, alias="Сумма")
    currency: Currency | None = Field(default=None, alias="Валюта")
    card: Id | None = Field(default=None, alias="Карта")
    external_id: ExternalId | None = Field(default=None, alias="КодКлиента")
    receipt: Receipt | None = Field(default=None, alias="Документ")
    reason: Reason | None = Field(default=None, alias="Комментарий")
    occurred_at: LocalMoment = Field(alias="Дата")

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        """Refuses what `OneCMessage` refuses."""
        require_one_of_each(self)
        return self

    @property
    def amount(self) -> Amount:
        """Money if a sum was sent, otherwise points."""
        if self.sum is not None and self.currency is not None:
            return Money(self.sum, self.currency)
        return self.points or 0


class AnyOneC(BaseModel):
    """What every message of 1C has."""

    model_config = ConfigDict(strict=True)

    kind: Literal["Начисление", "Списание", "Остаток"] = Field(alias="Вид")


def require_one_of_each(message: OneCMessage | OneCBalance) -> None:
    """Refuses a member or an amount that is given twice or not at all, and money without a
    currency."""
    if (message.card is None) == (message.external_id is None):
        raise either("card_or_external_id", "Карта", "КодКлиента")
    if (message.points is None) == (message.sum is None):
        raise either("points_or_money", "Баллы", "Сумма")
    paid = message.paid if isinstance(message, OneCMessage) else None
    if (message.sum is None and paid is None) != (message.currency is None):
        raise PydanticCustomError(
            "sum_and_currency",
            "give {one} together with {other}",
            {"one": "Сумма" if paid is None else "Оплачено", "other": "Валюта"},
        )


def read(payload: bytes, zone: ZoneInfo) -> PointsCommand:
    """`zone` is the programme's: where 1C's clock stands. Raises `JsonMalformed`, pydantic's
    ValidationError."""
    sent = strict_json.read(payload)
    if AnyOneC.model_validate(sent).kind == "Остаток":
        return _balance(OneCBalance.model_validate(sent, context={"zone": zone}))
    message = OneCMessage.model_validate(sent, context={"zone": zone})
    return PointsCommand(
        kind="accrual" if message.kind == "Начисление" else "redemption",
        amount=message.amount,
        card=message.card,
        external_id=message.external_id,
        reason=message.reason,
        receipt=message.receipt,
        occurred_at=message.occurred_at,
        purchase=message.purchase,
    )


def _balance(message: OneCBalance) -> PointsCommand:
    return PointsCommand(
        kind="balance",
        amount=message.amount,
        card=message.card,
        external_id=message.external_id,
        reason=message.reason,
        receipt=message.receipt,
        occurred_at=message.occurred_at,
    )
