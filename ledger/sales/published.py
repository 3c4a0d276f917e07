"""The promotions of a programme as they are kept: the draft of each, versions that never change,
and where each version is on.

Whoever changes any of it locks the row of the programme's terms first, so all that is decided here
is decided one after the other. Whatever changes what receipts cost also raises the revision of that
row: by this number whoever prices a receipt knows whether what they read before still holds."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from pydantic import ValidationError
from sqlalchemy import Engine, ForeignKey, Select, String, UniqueConstraint, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    JsonDocument,
    OptionalDocument,
    insert_or,
)
from ledger.errors import (
    ChangedMeanwhile,
    PromotionExists,
    PromotionNotPublished,
    PromotionRefused,
    UnknownPromotion,
)
from ledger.languages import Texts
from ledger.points import checkout
from ledger.programmes import stores, units
from ledger.promotions.promotions import Promotion, PromotionRules, Shelf
from ledger.promotions.terms import USUAL, PromotionTerms

PromotionStage = Literal["draft", "test", "pilot", "everywhere", "ended"]
# Where a version is tried, or given. What ended is given nowhere.
PublishedStage = Literal["test", "pilot", "everywhere"]

LONGEST_CODE = 40
LONGEST_AUTHOR = 254
MOST_SHELVES = 200  # of one programme that are remembered: one for each pilot store and time
# Words that stand in addresses where a code would.
RESERVED: Final = frozenset({"kinds", "check", "terms"})


class KeptPromotion(Base):
    """A promotion, by its code, which never changes. `draft`: as people last wrote it, whether it
    was published so or not."""

    __tablename__ = "ledger_promotion"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    code: Mapped[str] = mapped_column(String(LONGEST_CODE))
    draft: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class PromotionVersion(Base):
    """A promotion as it was published. Rows are never changed: purchases refer to them."""

    __tablename__ = "ledger_promotion_version"

    promotion_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_promotion.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rules: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)


class StageChange(Base):
    """From `starts_at` on this version is at this stage; who decided it, and when. `stores`: of a
    pilot. Rows are only added; of those that began, the latest holds."""

    __tablename__ = "ledger_promotion_stage"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("ledger_promotion.id"), index=True)
    version: Mapped[int]
    stage: Mapped[PromotionStage] = mapped_column(String(10))
    stores: Mapped[list[str] | None] = mapped_column(OptionalDocument)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime] = mapped_column(Instant)
    decided_by_kind: Mapped[str] = mapped_column(String(12))
    decided_by: Mapped[str] = mapped_column(String(LONGEST_AUTHOR))


class KeptTerms(Base):
    """What holds for all promotions of a programme. `revision` also counts what was published."""

    __tablename__ = "ledger_promotion_terms"

    programme_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_programme.id"), primary_key=True, autoincrement=False
    )
    terms: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    revision: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """Who decided something, as the record of changes names authors."""

    kind: str
    name: str


def stored(document: PromotionRules | PromotionTerms) -> dict[str, Any]:
    """As plain data, without what was not given."""
    return document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def terms(session: Session, programme_id: int) -> tuple[PromotionTerms, int]:
    """The terms of a programme's promotions, and their revision: 0 where nobody changed them."""
    kept = kept_terms(session, programme_id)
    return (
        (USUAL, 0) if kept is None else (PromotionTerms.model_validate(kept.terms), kept.revision)
    )


def kept_terms(session: Session, programme_id: int) -> KeptTerms | None:
    """The row of the terms; None where nobody changed or published anything."""
    return session.get(KeptTerms, programme_id, populate_existing=True)


@dataclass(frozen=True, slots=True)
class TermsPut:
    """The terms as they were before, and their revision now."""

    before: PromotionTerms
    revision: int


def put_terms(
    session: Session,
    programme_id: int,
    wanted: PromotionTerms,
    now: datetime,
    known: int | None = None,
) -> TermsPut:
    """From now on these are the terms. `known`: the revision that the caller read. Raises
    `ChangedMeanwhile`, `PromotionRefused` for a lane that promotions name, and another currency
    than the programme's."""
    kept = _locked_terms(session, programme_id, now)
    if known is not None and known != kept.revision:
        raise ChangedMeanwhile(kept.revision)
    _require_lanes_in_use(session, programme_id, wanted, now)
    stays = wanted.paying.stays
    told = None if stays is None else stays.currency
    require_currency("paying", told, _currency(session, programme_id))
    before = PromotionTerms.model_validate(kept.terms)
    document = stored(wanted)
    if document != kept.terms:
        kept.terms = document
        _raise(kept, now)
        session.flush()
    return TermsPut(before, kept.revision)


def _require_lanes_in_use(
    session: Session, programme_id: int, wanted: PromotionTerms, now: datetime
) -> None:
    """Raises `PromotionRefused` for a lane that a draft names, or a version that is given or will
    be."""
    query = select(KeptPromotion.code, KeptPromotion.draft)
    named = [
        (code, draft.get("lane"))
        for code, draft in session.execute(query.where(KeptPromotion.programme_id == programme_id))
    ]
    found = _read(session, programme_id)
    for code, decided in found.decided.items():
        versions = (found.versions.get((code, one)) for one in _given_from(decided, now))
        named += [(code, one.rules.lane) for one in versions if one is not None]
    lanes = {lane.code for lane in wanted.lanes}
    for code, lane in named:
        if lane is not None and lane not in lanes:
            raise PromotionRefused(
                "lanes", "'{code}' is decided in the lane '{lane}'.", code=code, lane=lane
            )


def make(
    session: Session, programme_id: int, code: str, rules: PromotionRules, now: datetime
) -> KeptPromotion:
    """A new promotion, as a draft. Raises `PromotionExists`, `PromotionRefused`."""
    kept = _locked_terms(session, programme_id, now)
    check(PromotionTerms.model_validate(kept.terms), code, rules)
    if find(session, programme_id, code) is not None:
        raise PromotionExists(code)
    made = KeptPromotion(
        programme_id=programme_id,
        code=code,
        draft=stored(rules),
        revision=1,
        created_at=now,
        changed_at=now,
    )
    session.add(made)
    session.flush()
    return made


@dataclass(frozen=True, slots=True)
class WrittenPromotion:
    """A promotion that was written, and its draft before; None for a new one."""

    promotion: KeptPromotion
    before: Mapping[str, Any] | None


def put(
    session: Session,
    programme_id: int,
    code: str,
    rules: PromotionRules,
    now: datetime,
    known: int | None = None,
) -> WrittenPromotion:
    """Change the draft, or make a new promotion; what was published stays as it is. `known`: the
    revision that the caller read; 0 if there was none. Raises `ChangedMeanwhile`,
    `PromotionRefused`."""
    kept = _locked_terms(session, programme_id, now)
    promotion = find(session, programme_id, code)
    revision = 0 if promotion is None else promotion.revision
    if known is not None and known != revision:
        raise ChangedMeanwhile(revision)
    if promotion is None:
        return WrittenPromotion(make(session, programme_id, code, rules, now), None)
    check(PromotionTerms.model_validate(kept.terms), code, rules)
    before, document = promotion.draft, stored(rules)
    if document != before:
        promotion.draft = document
        promotion.revision += 1
        promotion.changed_at = now
        session.flush()
    return WrittenPromotion(promotion, before)


def find(session: Session, programme_id: int, code: str) -> KeptPromotion | None:
    """The promotion with this code; None if there is none."""
    query = _of(programme_id).where(KeptPromotion.code == code)
    return session.scalar(query.execution_options(populate_existing=True))


def named(session: Session, programme_id: int, code: str) -> KeptPromotion:
    """The promotion with this code. Raises `UnknownPromotion`."""
    found = find(session, programme_id, code)
    if found is None:
        raise UnknownPromotion(code)
    return found


def listed(
    session: Session, programme_id: int, after_id: int, limit: int
) -> Sequence[KeptPromotion]:
    """Promotions in the order in which they were made, from behind `after_id`."""
    query = _of(programme_id).where(KeptPromotion.id > after_id)
    return session.scalars(query.order_by(KeptPromotion.id).limit(limit)).all()


def rules_of(document: Mapping[str, Any]) -> PromotionRules:
    """A promotion as it was written. Raises pydantic's `ValidationError` where a kind that it names
    is not installed any more."""
    return PromotionRules.model_validate(document)


@dataclass(frozen=True, slots=True)
class Publishing:
    """Where a promotion is to be on, and from when; `stores`: codes, of a pilot."""

    stage: PublishedStage = "everywhere"
    stores: Sequence[str] = ()
    starts_at: datetime | None = None


def publish(
    session: Session,
    promotion: KeptPromotion,
    wanted: Publishing,
    by: DecidedBy,
    now: datetime,
) -> StageChange | None:
    """Have the promotion as it is written now at this stage. A draft that differs from the last
    version becomes a version of its own. None: it was published so before. Raises
    `PromotionRefused`, `UnknownStore`."""
    kept = _locked_terms(session, promotion.programme_id, now)
    session.refresh(promotion)
    if bool(wanted.stores) != (wanted.stage == "pilot"):
        raise PromotionRefused("stores", "name the stores of a pilot, and of a pilot alone.")
    for code in wanted.stores:
        stores.store_named(session, promotion.programme_id, code)
    rules = _installed(promotion)
    check(PromotionTerms.model_validate(kept.terms), promotion.code, rules)
    require_currency("gives", rules.currency, _currency(session, promotion.programme_id))
    made = StageChange(
        promotion_id=promotion.id,
        version=_version(session, promotion, now),
        stage=wanted.stage,
        stores=sorted(set(wanted.stores)) or None,
        starts_at=max(now, wanted.starts_at or now),
        decided_at=now,
        decided_by_kind=by.kind,
        decided_by=by.name,
    )
    last = stages(session, promotion)[-1:]
    if any(_says_the_same(one, made) for one in last):
        return None
    session.add(made)
    _raise(kept, now)
    session.flush()
    return made


def _says_the_same(last: StageChange, wanted: StageChange) -> bool:
    """Whether nothing would change by it."""
    if (last.version, last.stage, last.stores) != (wanted.version, wanted.stage, wanted.stores):
        return False
    begun = last.starts_at <= wanted.decided_at and wanted.starts_at == wanted.decided_at
    return begun or last.starts_at == wanted.starts_at


def _installed(promotion: KeptPromotion) -> PromotionRules:
    """What its draft says. Raises `PromotionRefused` where a kind that it names is not installed
    any more."""
    try:
        return rules_of(promotion.draft)
    except ValidationError:
        raise PromotionRefused("gives", "it names a kind that is not installed.") from None


def end(
    session: Session, promotion: KeptPromotion, by: DecidedBy, now: datetime
) -> StageChange | None:
    """From now on it is given nowhere. None: it had ended before. Raises
    `PromotionNotPublished`."""
    kept = _locked_terms(session, promotion.programme_id, now)
    changes = stages(session, promotion)
    if not changes:
        raise PromotionNotPublished(promotion.code)
    if changes[-1].stage == "ended":
        return None
    change = StageChange(
        promotion_id=promotion.id,
        version=changes[-1].version,
        stage="ended",
        starts_at=now,
        decided_at=now,
        decided_by_kind=by.kind,
        decided_by=by.name,
    )
    session.add(change)
    _raise(kept, now)
    session.flush()
    return change


def stages(session: Session, promotion: KeptPromotion) -> Sequence[StageChange]:
    """Where its versions were and are on, in the order in which it was decided."""
    return session.scalars(
        select(StageChange).where(StageChange.promotion_id == promotion.id).order_by(StageChange.id)
    ).all()


def standing(
    session: Session, promotions: Iterable[KeptPromotion], moment: datetime
) -> dict[int, StageChange]:
    """The decision that holds at this moment for each of these promotions, by its id; none for
    drafts."""
    begun = select(StageChange).where(
        StageChange.promotion_id.in_([one.id for one in promotions]),
        StageChange.starts_at <= moment,
    )
    return {one.promotion_id: one for one in session.scalars(begun.order_by(StageChange.id))}


def names(
    session: Session, programme_id: int, wanted: Collection[tuple[str, int]]
) -> dict[str, str | Texts]:
    """What promotions are called, by code, in these versions: (code, number)."""
    query = (
        select(KeptPromotion.code, PromotionVersion.rules)
        .join(PromotionVersion, PromotionVersion.promotion_id == KeptPromotion.id)
        .where(
            KeptPromotion.programme_id == programme_id,
            tuple_(KeptPromotion.code, PromotionVersion.number).in_(wanted),
        )
    )
    return {code: rules["name"] for code, rules in session.execute(query)}


def versions(session: Session, promotion: KeptPromotion) -> Sequence[PromotionVersion]:
    """What was published, the first version first."""
    return session.scalars(
        select(PromotionVersion)
        .where(PromotionVersion.promotion_id == promotion.id)
        .order_by(PromotionVersion.number)
    ).all()


@dataclass(frozen=True, slots=True)
class _Decided:
    version: int
    stage: PromotionStage
    stores: frozenset[str]
    starts_at: datetime


@dataclass
class PublishedPromotions:
    """All that a programme has published, as it was at a revision of its terms. `unreadable`: codes
    of those whose kinds are not installed any more; they give nothing."""

    revision: int
    terms: PromotionTerms
    versions: Mapping[tuple[str, int], Promotion]
    decided: Mapping[str, Sequence[_Decided]]
    unreadable: Sequence[str] = ()
    _shelves: dict[tuple[str | None, int, bool], Shelf] = field(default_factory=dict)

    def shelf(self, store: str | None, moment: datetime, *, tests: bool = False) -> Shelf:
        """The promotions that are given in this store at this moment; with `tests`, also those that
        are only tried."""
        begun = bisect_right(self._begins, moment)
        place = store if store in self._pilots else None
        known = self._shelves.get((place, begun, tests))
        if known is None:
            if len(self._shelves) >= MOST_SHELVES:
                self._shelves.clear()
            known = Shelf(self._given(store, moment, tests=tests))
            self._shelves[place, begun, tests] = known
        return known

    def __post_init__(self) -> None:
        every = [one for decided in self.decided.values() for one in decided]
        self._begins = sorted({one.starts_at for one in every})
        self._pilots = frozenset(store for one in every for store in one.stores)

    def _given(self, store: str | None, moment: datetime, *, tests: bool) -> Iterable[Promotion]:
        for code, decided in self.decided.items():
            version = _version_on(decided, store, moment, tests=tests)
            if version is not None and (code, version) in self.versions:
                yield self.versions[code, version]


def _version_on(
    decided: Sequence[_Decided], store: str | None, moment: datetime, *, tests: bool
) -> int | None:
    """A pilot's stores have its version while all others keep the one before; a version that is
    tried leaves all as it is."""
    for one in reversed(decided):
        if one.starts_at > moment:
            continue
        if one.stage == "ended":
            return None
        if one.stage == "everywhere" or store in one.stores or (one.stage == "test" and tests):
            return one.version
    return None


def _given_from(decided: Sequence[_Decided], now: datetime) -> Iterable[int]:
    """The versions that are given somewhere now, or will be."""
    for one in reversed(decided):
        if one.stage != "ended":
            yield one.version
        if one.starts_at <= now and one.stage in ("everywhere", "ended"):
            return


_REMEMBERED: WeakKeyDictionary[Engine, dict[int, PublishedPromotions]] = WeakKeyDictionary()


def of(session: Session, programme_id: int) -> PublishedPromotions:
    """What a programme has published. It is read anew when its revision has changed. Not for a
    transaction that changes any of it: others would see what may never be committed."""
    engine = session.get_bind().engine
    remembered = _REMEMBERED.setdefault(engine, {})
    known = remembered.get(programme_id)
    revision = session.scalar(
        select(KeptTerms.revision).where(KeptTerms.programme_id == programme_id)
    )
    if known is None or known.revision != (revision or 0):
        known = remembered[programme_id] = _read(session, programme_id)
    return known


def _read(session: Session, programme_id: int) -> PublishedPromotions:
    found, revision = terms(session, programme_id)
    decided: dict[str, list[_Decided]] = {}
    query = (
        select(KeptPromotion.code, StageChange)
        .join(StageChange, StageChange.promotion_id == KeptPromotion.id)
        .where(KeptPromotion.programme_id == programme_id)
        .order_by(StageChange.id)
    )
    for code, change in session.execute(query):
        decided.setdefault(code, []).append(
            _Decided(change.version, change.stage, frozenset(change.stores or ()), change.starts_at)
        )
    versions_, unreadable = _promotions(session, programme_id, decided)
    return PublishedPromotions(revision, found, versions_, decided, unreadable)


def _promotions(
    session: Session, programme_id: int, decided: Mapping[str, Sequence[_Decided]]
) -> tuple[dict[tuple[str, int], Promotion], list[str]]:
    """Every version that may be on some day, and the codes of those that cannot be read."""
    wanted = {(code, one.version) for code, changes in decided.items() for one in changes}
    query = (
        select(KeptPromotion.code, PromotionVersion.number, PromotionVersion.rules)
        .join(PromotionVersion, PromotionVersion.promotion_id == KeptPromotion.id)
        .where(KeptPromotion.programme_id == programme_id)
    )
    found: dict[tuple[str, int], Promotion] = {}
    unreadable = []
    for code, number, document in session.execute(query):
        if (code, number) not in wanted:
            continue
        try:
            found[code, number] = Promotion(code, number, rules_of(document))
        except ValidationError:
            unreadable.append(code)
    return found, sorted(set(unreadable))


def _version(session: Session, promotion: KeptPromotion, now: datetime) -> int:
    """The number of the version that the draft is; a new one if it is not the last."""
    last = session.scalar(
        select(PromotionVersion)
        .where(PromotionVersion.promotion_id == promotion.id)
        .order_by(PromotionVersion.number.desc())
        .limit(1)
    )
    if last is not None and last.rules == promotion.draft:
        return last.number
    number = 1 if last is None else last.number + 1
    session.add(
        PromotionVersion(
            promotion_id=promotion.id, number=number, rules=promotion.draft, created_at=now
        )
    )
    session.flush()
    return number


def check(terms: PromotionTerms, code: str, rules: PromotionRules) -> None:
    """Raises `PromotionRefused` for a promotion that cannot be one under these terms."""
    if code in RESERVED or "/" in code or not code.strip("."):
        raise PromotionRefused("code", "'{code}' cannot be a code.", code=code)
    lanes = [lane.code for lane in terms.lanes]
    if rules.lane is not None and rules.lane not in lanes:
        raise PromotionRefused(
            "lane", "there is no lane '{lane}', only {lanes}.", lane=rules.lane, lanes=lanes
        )
    if code in rules.not_with:
        raise PromotionRefused("not_with", "a promotion cannot exclude itself.")


def require_currency(field: str, told: str | None, usual: str | None) -> None:
    """Raises `PromotionRefused` for amounts that are not in the currency of the programme, if it
    has one: no receipt would ever be in it."""
    if told is not None and usual is not None and told != usual:
        raise PromotionRefused(
            field, "its amounts are in {told}, receipts in {usual}.", told=told, usual=usual
        )


def _currency(session: Session, programme_id: int) -> str | None:
    unit = units.find(session, programme_id, None)
    rates = None if unit is None else checkout.rates_of(session, unit)
    return None if rates is None else rates.currency


def _of(programme_id: int) -> Select[KeptPromotion]:
    return select(KeptPromotion).where(KeptPromotion.programme_id == programme_id)


def _locked_terms(session: Session, programme_id: int, now: datetime) -> KeptTerms:
    """The row of the terms, under its lock; made if there is none."""
    session.execute(
        insert_or(session, KeptTerms)
        .values(programme_id=programme_id, terms=stored(USUAL), revision=0, changed_at=now)
        .on_conflict_do_nothing()
    )
    return session.get_one(KeptTerms, programme_id, with_for_update=True, populate_existing=True)


def _raise(kept: KeptTerms, now: datetime) -> None:
    kept.revision += 1
    kept.changed_at = now
