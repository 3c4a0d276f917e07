"""The record of changes as people read it: each line a sentence, each field before and after, in
the reader's language. Codes and names of columns never reach a person."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, get_args

from ledger import languages, words
from ledger.book.drafts import PostingKind
from ledger.catalogue import goods
from ledger.languages import Language
from ledger.programmes.asking import ASKED_FIELDS
from wallet.access import roles, sources
from wallet.access.changes import Author, RecordedChange
from wallet.access.rights import ALL
from wallet.errors import EVENT, SCOPE
from wallet.sentences import CATALOGUE

# Contexts of the catalogue: sentences by code, names of fields and of kinds, words for values.
CONTEXT = "change"
FIELD_CONTEXT = "field of a change"
THING_CONTEXT = "kind of changed thing"
AUTHOR_CONTEXT = "author of a change"
VALUE_CONTEXT = "value in a change"

NOTHING = "—"

CODES = (
    "adjustment.approved",
    "adjustment.asked",
    "adjustment.declined",
    "adjustment.made",
    "adjustment.withdrawn",
    "badge.removed",
    "badge.set",
    "campaign.cancelled",
    "campaign.changed",
    "campaign.made",
    "campaign.paused",
    "campaign.resumed",
    "campaign.started",
    "card.blocked",
    "card.code_told",
    "card.lost",
    "card.replaced",
    "card.unblocked",
    "card_code.changed",
    "card_code.keys_taken",
    "category.added",
    "category.changed",
    "category.floor_set",
    "design.draft_dropped",
    "design.published",
    "design.rolled_back",
    "design.taken_off",
    "design.tried",
    "employee.invited",
    "employee.link_made",
    "employee.passkey_added",
    "employee.passkey_removed",
    "employee.password_set",
    "employee.recovery_code_used",
    "employee.recovery_codes_made",
    "employee.pin_set",
    "employee.removed",
    "employee.role_given",
    "employee.role_taken",
    "employee.second_factor_removed",
    "employee.second_factor_set",
    "employee.signed_out",
    "export.began",
    "import.applied",
    "import.withdrawn",
    "key.added",
    "key.revoked",
    "member.added",
    "member.changed",
    "member.confirmed",
    "member.erased",
    "member.file_taken",
    "member.household_joined",
    "member.household_left",
    "member.merged",
    "message.changed",
    "offer.changed",
    "offer.made",
    "offer.withdrawn",
    "pass.ended",
    "pass.link_replaced",
    "pass.restored",
    "pass.voided",
    "posting.undone",
    "product.added",
    "product.changed",
    "product.floor_set",
    "product.priced",
    "programme.added",
    "programme.base_changed",
    "programme.counter_limits",
    "programme.terms_changed",
    "programme.texts_changed",
    "programme.promotion_terms",
    "promotion.added",
    "promotion.changed",
    "promotion.ended",
    "promotion.published",
    "receiver.added",
    "receiver.changed",
    "receiver.removed",
    "receiver.replayed",
    "receiver.secret_added",
    "receiver.secrets_retired",
    "segment.deleted",
    "segment.list_deleted",
    "segment.listed",
    "segment.saved",
    "source.added",
    "source.removed",
    "source.secret_added",
    "source.secrets_retired",
    "store.added",
    "store.changed",
    "till.added",
    "till.changed",
    "unit.added",
    "unit.changed",
    "wave.cancelled",
    "wave.paused",
    "wave.resumed",
)

# Kinds of things, beside those of `changes.ThingKind`.
MORE_THINGS = ("adjustment", "segment", "store", "till")

# Names of fields that are no columns of `changes.RECORDED`.
MORE_FIELDS = (
    "adds_to_given",
    "adjust_limit",
    "adjustment",
    "alone",
    "answer",
    "archive_gone",
    "archived",
    "article",
    "asked_by",
    "at_google",
    "at_least",
    "at_most",
    "availability",
    "back",
    "barcodes",
    "benefit",
    "brand",
    "budget",
    "by",
    "called",
    "campaign",
    "card",
    "category",
    "ceilings",
    "closed",
    "counts_for_levels",
    "counts_in_conditions",
    "coupon",
    "currency",
    "day_ends",
    "earning",
    "earns_points",
    "event",
    "format",
    "from",
    "given_up",
    "gives",
    "goods_kind",
    "grace_hours",
    "group",
    "head",
    "household",
    "into",
    "keeps_units",
    "kind",
    "lane",
    "lanes",
    "limits",
    "lowest_line",
    "marked",
    "marketing",
    "may_be_discounted",
    "measure",
    "model",
    "name",
    "names",
    "not_with",
    "numbers",
    "of",
    "operator",
    "parent",
    "payable",
    "payable_with_points",
    "paying",
    "personal_data",
    "picture",
    "points",
    "points_dates",
    "price",
    "priority",
    "privacy",
    "promotion",
    "properties",
    "reason",
    "receipt",
    "renew_days",
    "role",
    "rounding",
    "rows",
    "rules",
    "since",
    "skip_bad",
    "skipped",
    "stage",
    "state",
    "store",
    "stores",
    "that_of",
    "trade",
    "tree",
    "unconfirmed",
    "unit",
    "until",
    "vat",
    "version",
    "welcome_gift",
    "welcome_live_days",
    "what",
    "when",
    "with",
    "worth",
    "written_off",
)

# Words of ours that stand as values in fields, whatever their field.
VALUES = (
    "1c",
    "accept",
    "active",
    "advertising",
    "allowed",
    "birthday",
    "by_hand",
    "cancelled",
    "changes",
    "code",
    "conditions",
    "days",
    "debt",
    "done",
    "draft",
    "earlier conditions",
    "everything",
    "expired",
    "generic",
    "hmac",
    "in_stock",
    "main",
    "members",
    "money",
    "never",
    "no",
    "off",
    "on_order",
    "optional",
    "other conditions",
    "out_of_stock",
    "paused",
    "plain",
    "points",
    "postings",
    "purchases",
    "refuse",
    "required",
    "results",
    "rotating",
    "running",
    "same",
    "scheduled",
    "service",
    "stamps",
    "used",
    "void",
    "yes",
)

TEXT_IN_LANGUAGE = re.compile(r"(\w+) in (\w\w)")  # `name in ru`, of what pages say
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
REFERENCES = frozenset({"adjustment"})  # ids by which programs find the rest
OWN_NAMES = frozenset({"properties", "stores"})  # their parts have names that the shop gave
# Fields whose values are words of ours in a context of their own: of goods they are the ledger's.
OF_GOODS = {"goods_kind": goods.CONTEXT, "measure": goods.CONTEXT_OF_MEASURES}
OF_ACCESS = {"scopes": SCOPE, "types": EVENT}
HIDDEN = frozenset({"audience", "tree"})  # a tree of conditions; that it changed is said

# A moment as the reader writes it.
MomentWriter = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class ToldField:
    """A field in words, before and after."""

    name: str
    before: str
    after: str


def sentence(change: RecordedChange, language: Language, of: str | None = None) -> str:
    """What was done. `of` is what the changed thing is called, where that is known better than by
    its code, name or id."""
    if change.code not in CODES:
        return f"{thing(change.of_kind, language)} {of or change.of_id}"
    told = CATALOGUE.text(language, change.code, CONTEXT)
    return told.format(of=of or change.of_id)


def thing(kind: str, language: Language) -> str:
    """What such things are called."""
    return CATALOGUE.text(language, kind, THING_CONTEXT)


def author(by: Author, language: Language) -> str:
    """Who did it."""
    return CATALOGUE.text(language, by.kind, AUTHOR_CONTEXT).format(name=by.name)


def fields(
    differing: Mapping[str, Sequence[Any]], language: Language, moment: MomentWriter
) -> list[ToldField]:
    """What differs, field by field."""
    return [
        ToldField(_field(name, language), *_change(name, before, after, language, moment))
        for name, (before, after) in differing.items()
        if name not in REFERENCES
    ]


def _change(
    name: str, before: Any, after: Any, language: Language, moment: MomentWriter
) -> tuple[str, str]:
    if name in HIDDEN and before and after:  # both would read the same
        return (
            CATALOGUE.text(language, "earlier conditions", VALUE_CONTEXT),
            CATALOGUE.text(language, "other conditions", VALUE_CONTEXT),
        )
    return _value(name, before, language, moment), _value(name, after, language, moment)


def _field(name: str, language: Language) -> str:
    if text := TEXT_IN_LANGUAGE.fullmatch(name):
        return f"{_field(text[1], language)} ({_language(text[2], language)})"
    return CATALOGUE.text(language, name, FIELD_CONTEXT)


def _value(name: str, value: Any, language: Language, moment: MomentWriter) -> str:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return CATALOGUE.text(language, "yes" if value else "no", VALUE_CONTEXT)
    if name in HIDDEN:
        return CATALOGUE.text(language, "conditions", VALUE_CONTEXT)
    if isinstance(value, Mapping):
        return "; ".join(
            _part(
                name,
                str(key),
                _value(key if key in HIDDEN else name, one, language, moment),
                language,
            )
            for key, one in value.items()
        )
    if isinstance(value, list):
        return ", ".join(_value(name, one, language, moment) for one in value)
    if isinstance(value, int):
        return words.number_in(language, value)
    return _text(name, str(value), language, moment)


def _text(name: str, value: str, language: Language, moment: MomentWriter) -> str:
    if name == "role" and value in roles.ROLES:
        return CATALOGUE.text(language, value, roles.CONTEXT)
    if name in OF_ACCESS:
        everything = name == "scopes" and value == ALL
        context = VALUE_CONTEXT if everything else OF_ACCESS[name]
        return CATALOGUE.text(language, "everything" if everything else value, context)
    if name in ("languages", "locale", "timezone"):
        named = words.town_in(language, value) if name == "timezone" else None
        return named or _language(value, language)
    if name in OF_GOODS:
        return words.catalogue("ledger").text(language, value, OF_GOODS[name])
    if name == "kind" and value in get_args(PostingKind):
        return words.catalogue("ledger").text(language, value, "kind of posting")
    if name == "kind" and value in sources.KINDS:
        return CATALOGUE.text(language, value, sources.CONTEXT)
    if MOMENT.fullmatch(value):
        return moment(datetime.fromisoformat(value))
    if DAY.fullmatch(value):
        return words.day_in(language, date.fromisoformat(value))
    return CATALOGUE.text(language, value, VALUE_CONTEXT) if value in VALUES else value


def _part(of: str, key: str, said: str, language: Language) -> str:
    """A part of a document: texts are told by their languages, what a form asks by its fields, and
    what has names of its own by them; other parts need no name."""
    if of in OWN_NAMES:
        return f"{key}: {said}"
    if key in ASKED_FIELDS:
        return f"{_field(key, language)}: {said}"
    name = _language(key, language)
    return said if name == key else f"{name}: {said}"


def _language(tag: str, language: Language) -> str:
    """The name of a language; what is none stays as it is."""
    return str(languages.locale(language).languages.get(tag, tag))
