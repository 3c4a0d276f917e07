"""1C: its words, its dates without a zone.

    {"Вид": "Начисление", "Карта": "5667895195194564", "Баллы": 100,
     "Документ": "Чек ККМ 0000-000123", "Дата": "2026-11-24T12:30:00", "Комментарий": "Кофе"}

`Вид` is `Начисление` or `Списание`; a member is named by `Карта` or by `КодКлиента`, which is the
code in 1C."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from wallet.api.sources.command import PointsCommand
from wallet.fields import Body, ExternalId, Id, Points, Reason, Receipt, WrittenOut

# 1C writes local dates; one with a zone is fine too.
LocalDate = Annotated[datetime, Field(strict=False), WrittenOut]


class Message(Body):
    kind: Literal["Начисление", "Списание"] = Field(alias="Вид")
    points: Points = Field(alias="Баллы")
    card: Id | None = Field(default=None, alias="Карта")
    external_id: ExternalId | None = Field(default=None, alias="КодКлиента")
    receipt: Receipt | None = Field(default=None, alias="Документ")
    reason: Reason | None = Field(default=None, alias="Комментарий")
    occurred_at: LocalDate | None = Field(default=None, alias="Дата")

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.card is None) == (self.external_id is None):
            raise PydanticCustomError("card_or_external_id", "укажите Карта или КодКлиента")
        return self


def read(payload: bytes, zone: ZoneInfo) -> PointsCommand:
    """`zone` is the programme's: where 1C's clock stands. Raises pydantic's ValidationError."""
    message = Message.model_validate_json(payload)
    moment = message.occurred_at
    if moment is not None:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    return PointsCommand(
        kind="accrual" if message.kind == "Начисление" else "redemption",
        points=message.points,
        card=message.card,
        external_id=message.external_id,
        reason=message.reason,
        receipt=message.receipt,
        occurred_at=moment,
    )
