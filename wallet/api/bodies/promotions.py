"""Promotions as people and programs write them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from ledger.fields import Body, Code, Moment
from ledger.promotions.conditions.registry import AnyCondition
from ledger.promotions.promotions import ALWAYS, MOST_REWARDS, PromotionCode, PromotionRules
from ledger.promotions.rewards.registry import AnyReward
from ledger.promotions.terms import PromotionTerms
from ledger.sales.published import PublishedStage
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, rub, shows
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.receipts import ReceiptIn

MOST_STORES = 1_000
MOST_DRAFTS = 100

SECOND_PAIR = {
    "name": {"en": "Second pair half price", "ru": "Вторая пара за полцены"},
    "gives": [
        {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {"categories": ["shoes"]}}
    ],
    "not_with": ["club"],
}
KEPT = {
    "code": "second-pair",
    "programme": "demo",
    "rules": SECOND_PAIR,
    "stage": "everywhere",
    "version": 1,
    "stores": None,
    "since": "2026-11-30T12:00:00Z",
    "revision": 1,
    "created_at": "2026-11-30T11:00:00Z",
    "changed_at": "2026-11-30T11:00:00Z",
}

# Kinds are many and grow; GET /promotions/kinds has the schema of each.
OfKind = WithJsonSchema(
    {"type": "object", "properties": {}, "additionalProperties": True, "required": ["kind"]}
)


class PromotionSaid(PromotionRules, defer_build=True):
    """A promotion as it is to be, whole."""

    when: Annotated[AnyCondition, OfKind] = ALWAYS
    gives: Annotated[
        list[Annotated[AnyReward, OfKind]], Field(min_length=1, max_length=MOST_REWARDS)
    ]

    @property
    def rules(self) -> PromotionRules:
        """The promotion without what only a call says."""
        said = {name: getattr(self, name) for name in PromotionRules.model_fields}
        return PromotionRules.model_construct(_fields_set=self.model_fields_set, **said)


class PromotionIn(PromotionSaid, defer_build=True):
    """A new promotion. It is a draft until it is published."""

    model_config = shows({"code": "second-pair", "programme": "demo", **SECOND_PAIR})

    code: PromotionCode
    programme: Code


class PromotionPut(PromotionSaid, defer_build=True):
    """A promotion as it is to be, whole; what was published stays as it is."""

    model_config = shows({"programme": "demo", **SECOND_PAIR})

    programme: Code


class PromotionAsked(Body):
    """Which programme is meant."""

    model_config = shows({"programme": "demo"})

    programme: Code


class PromotionsIn(PageIn):
    """Of which programme the promotions are listed."""

    programme: Code


class PublishIn(Body):
    """Where the promotion is to be given: in checks alone (`test`), in the stores of a pilot, or
    everywhere; from now on, or from a moment that is to come."""

    model_config = shows({"programme": "demo", "stage": "everywhere"})

    programme: Code
    stage: PublishedStage = "everywhere"
    stores: Annotated[list[Code], Field(max_length=MOST_STORES)] = Field(default_factory=list)
    from_: Annotated[Moment | None, Field(alias="from")] = None


class PromotionOut(AnswerBody):
    """A promotion: its `rules` as they were last written, and where it is given now. `version` says
    which version is given there; null for a draft."""

    model_config = shows(KEPT)

    code: str
    programme: str
    rules: dict[str, Any]
    stage: Literal["draft", "test", "pilot", "everywhere", "ended"]
    version: int | None
    stores: Sequence[str] | None
    since: datetime | None
    revision: int
    created_at: datetime
    changed_at: datetime


class PromotionsOut(AnswerBody):
    """Promotions in the order in which they were made."""

    model_config = shows(page_of(KEPT))

    items: list[PromotionOut]
    next_cursor: str | None


class StageOut(AnswerBody):
    """A decision about one version: where it is given from then on, and who decided it, and
    when."""

    version: int
    stage: str
    stores: Sequence[str] | None
    starts_at: datetime
    decided_at: datetime
    decided_by: str


class PromotionVersionOut(AnswerBody):
    """A promotion as it was published; it never changes."""

    number: int
    rules: dict[str, Any]
    created_at: datetime


STAGE = {
    "version": 1,
    "stage": "everywhere",
    "stores": None,
    "starts_at": "2026-11-30T12:00:00Z",
    "decided_at": "2026-11-30T12:00:00Z",
    "decided_by": "api_key till",
}


class VersionsOut(AnswerBody):
    """All published versions of a promotion, and where each was given."""

    model_config = shows(
        {
            "items": [{"number": 1, "rules": SECOND_PAIR, "created_at": "2026-11-30T12:00:00Z"}],
            "stages": [STAGE],
        }
    )

    items: list[PromotionVersionOut]
    stages: list[StageOut]


class KindFieldOut(AnswerBody):
    """A field of a document, for a form. `unit`: what its number counts. `bounds`: as JSON Schema
    names them. `choices`: what each value is called, where there are a few."""

    name: str
    label: str
    required: bool
    unit: str | None
    bounds: dict[str, Any]
    choices: dict[str, str]


class KindPartOut(AnswerBody):
    """A part of documents, such as goods: what people call it, and its fields. `definition`: its
    name among the schemas."""

    definition: str
    name: str
    help: str
    fields: list[KindFieldOut]


class KindOut(AnswerBody):
    """A kind of condition or reward: the word for it in documents, what people call it, its fields,
    and a whole document of it."""

    kind: str
    family: Literal["condition", "discount", "points", "present", "coupon"]
    part: KindPartOut
    example: dict[str, Any]


ALWAYS_KIND = {
    "kind": "always",
    "family": "condition",
    "part": {"definition": "Always", "name": "Always", "help": "Every purchase.", "fields": []},
    "example": {"kind": "always"},
}


class KindsOut(AnswerBody):
    """All kinds of conditions and rewards, in the order in which forms offer them; the parts that
    they are made of; and the JSON Schema of each by the name of its definition."""

    model_config = shows(
        {"kinds": [ALWAYS_KIND], "parts": [], "$defs": {"Always": {"type": "object"}}}
    )

    kinds: list[KindOut]
    parts: list[KindPartOut]
    schemas: Annotated[dict[str, Any], Field(alias="$defs")]


class PromotionTermsIn(PromotionTerms):
    """What holds for all promotions of a programme, whole."""

    model_config = shows(
        {
            "programme": "demo",
            "lanes": [{"code": "main", "mode": "best", "by": "line"}],
            "ceilings": {"line": "50"},
        }
    )

    programme: Code


class PromotionTermsOut(AnswerBody):
    """What holds for all promotions of a programme. `terms` leaves out what is as usual. `revision`
    grows with each publishing too."""

    model_config = shows(
        {"programme": "demo", "terms": {"ceilings": {"line": "50"}}, "revision": 3}
    )

    programme: str
    terms: dict[str, Any]
    revision: int


class TriedPromotion(PromotionSaid, defer_build=True):
    """A promotion that is tried as if it had been published."""

    code: PromotionCode


class CheckIn(Body, defer_build=True):
    """A receipt that is priced to see what it would cost. `with`: promotions that are tried as if
    they had been published, in place of those with the same codes. `only`: no other promotions
    than these."""

    model_config = shows(
        {
            "receipt": {
                "programme": "demo",
                "lines": [{"id": "1", "sku": "SHOE-38", "quantity": 2, "price": rub("4990.00")}],
            },
            "with": [{"code": "second-pair", **SECOND_PAIR}],
        }
    )

    receipt: ReceiptIn
    at: Moment | None = None
    with_: Annotated[list[TriedPromotion], Field(alias="with", max_length=MOST_DRAFTS)] = Field(
        default_factory=list
    )
    only: Annotated[list[PromotionCode], Field(max_length=MOST_DRAFTS)] = Field(
        default_factory=list
    )
