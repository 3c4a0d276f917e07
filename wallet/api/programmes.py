"""Programmes: which there are, so that an integration can ask instead of being told; and the terms
of what they count."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger.errors import TermsRefused, UnknownProgramme, UnknownUnit
from ledger.languages import canonical
from ledger.money import Money, hundredths, percent
from ledger.programmes import programmes, units
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.programmes import Programme, ProgrammeTextKind
from ledger.programmes.units import Unit
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import author, caller, needs
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.paging import PageIn
from wallet.api.bodies.programmes import (
    BaseIn,
    BaseOut,
    BirthdayGiftOut,
    LapsedGiftOut,
    ProgrammeChangeIn,
    ProgrammeLinks,
    ProgrammeOut,
    ProgrammesOut,
    ProgrammeTermsOut,
    UnitChange,
    UnitOut,
    WelcomeIn,
    WelcomeOut,
)
from wallet.api.calls import refuses
from wallet.api.refusals import MONEY
from wallet.delivery import programme_changes, publishing
from wallet.delivery.programme_changes import ProgrammeChange
from wallet.errors import NoMessageField
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.outreach.base_programme import BaseChoice
from wallet.outreach.gifts import MessageGift

# What a programme has whose base programme nobody has set.
NOTHING = BaseTerms(0, 0)

routes = APIBlueprint("programmes", __name__, tag="Programmes")


@routes.get("/programmes")
@routes.doc(operation_id="listProgrammes")
@needs("programmes:read")
@routes.input(PageIn, location="query")
@routes.output(ProgrammesOut)
def find(query_data: PageIn) -> ProgrammesOut:
    """The programmes that the key opens, in the order they were made."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        page = place.page(
            programmes.listed(session, place.position or 0, place.most, caller().programme_id)
        )
        items = [_programme_out(session, row) for row in page.rows]
    return ProgrammesOut(items=items, next_cursor=page.next_cursor)


@routes.patch("/programmes/<programme>/units/<unit>")
@routes.doc(operation_id="updateUnit")
@needs("programmes:write")
@refuses(UnknownProgramme, UnknownUnit)
@routes.input(UnitChange)
@routes.output(UnitOut)
def change_unit(programme: str, unit: str, json_data: UnitChange) -> UnitOut:
    """Change how long points live that come from now on.

    Points that there are keep their dates. Sent again it changes nothing."""

    def work(session: Session) -> UnitOut:
        programme_ = lookup.programme(session, programme)
        before = changes.held(session, units.named(session, programme_.id, unit))
        changed = units.change_terms(session, programme_.id, unit, json_data.live_days)
        of = ChangedThing("unit", unit, programme_.id)
        by, now = author(session), current_installation().clock()
        changes.note(session, by, "unit.changed", of, now, before, changes.facts(changed))
        return UnitOut.model_validate(changed)

    return current_installation().database.run(work, idempotent=True)


@routes.get("/programmes/<programme>")
@routes.doc(operation_id="getProgramme")
@needs("programmes:read")
@refuses(UnknownProgramme)
@routes.output(ProgrammeOut)
def read(programme: str) -> ProgrammeOut:
    """One programme: its languages, what it counts, and its terms."""
    with current_installation().database.reading() as session:
        found = lookup.programme(session, programme)
        return _programme_out(session, found)


@routes.patch("/programmes/<programme>")
@routes.doc(operation_id="updateProgramme")
@needs("programmes:write")
@refuses(UnknownProgramme, TermsRefused)
@routes.input(ProgrammeChangeIn)
@routes.output(ProgrammeOut)
def change(programme: str, json_data: ProgrammeChangeIn) -> ProgrammeOut:
    """Change the terms of a programme, what it is called, and what its page to join says. What is
    not named stays as it is."""
    spoken, asks = json_data.languages, json_data.asks
    wanted = ProgrammeChange(
        json_data.grace_days,
        json_data.overdrawn,
        None if spoken is None else tuple(map(canonical, spoken)),
        json_data.country,
        json_data.timezone,
        json_data.keeps_personal,
        json_data.listed,
        json_data.called,
        None if asks is None else {str(field): how for field, how in asks.items()},
        json_data.spend_by_phone,
    )

    def work(session: Session) -> ProgrammeOut:
        found, now = lookup.programme(session, programme), current_installation().clock()
        by = author(session)
        programme_changes.change(session, found, wanted, by, now)
        names = {canonical(language): name for language, name in json_data.names.items()}
        publishing.rename(session, found, names, by, now)
        said: Mapping[ProgrammeTextKind, Mapping[str, str]] = {
            "benefit": json_data.benefit,
            "rules": json_data.rules,
        }
        for kind, texts in said.items():
            for language, text in texts.items():
                programme_changes.say(session, found, kind, canonical(language), text, by, now)
        return _programme_out(session, found)

    return current_installation().database.run(work, idempotent=True)


@routes.get("/programmes/<programme>/base")
@routes.doc(operation_id="getBaseProgramme")
@needs("programmes:read")
@refuses(UnknownProgramme)
@routes.output(BaseOut)
def read_base(programme: str) -> BaseOut:
    """The base programme: what every purchase earns, how much points may pay, and gifts."""
    with current_installation().database.reading() as session:
        return _base_out(session, lookup.programme(session, programme))


@routes.put("/programmes/<programme>/base")
@routes.doc(operation_id="putBaseProgramme")
@needs("programmes:write")
@refuses(UnknownProgramme, TermsRefused, NoMessageField, *MONEY)
@routes.input(BaseIn)
@routes.output(BaseOut)
def put_base(programme: str, json_data: BaseIn) -> BaseOut:
    """Set the base programme, whole. It holds for what happens from now on.

    Gifts for birthdays and for who was away are built-in messages: they are switched on with it."""

    def work(session: Session) -> BaseOut:
        found = lookup.programme(session, programme)
        unit = units.named(session, found.id, None)
        welcome = _gift(json_data.welcome, unit)
        birthday, lapsed = json_data.birthday, json_data.lapsed
        usual = BaseChoice(NOTHING, None)
        wanted = BaseChoice(
            BaseTerms(
                hundredths(json_data.percent_back),
                hundredths(json_data.percent_payable),
                None if json_data.point_worth is None else json_data.point_worth.money,
                None if welcome is None else welcome.points,
                None if welcome is None else welcome.live_days,
            ),
            json_data.live_days,
            _gift(birthday, unit),
            usual.birthday_days if birthday is None else birthday.days_before,
            _gift(lapsed, unit),
            usual.lapsed_days if lapsed is None else lapsed.days,
        )
        now = current_installation().clock()
        base_programme.put(session, found, wanted, author(session), now)
        return _base_out(session, found)

    return current_installation().database.run(work, idempotent=True)


def _gift(sent: WelcomeIn | None, unit: Unit) -> MessageGift | None:
    return None if sent is None else MessageGift(unit.points(sent.amount), sent.live_days)


def _base_out(session: Session, programme: Programme) -> BaseOut:
    unit = units.named(session, programme.id, None)
    found = base_programme.of(session, programme)
    base = found or BaseChoice(NOTHING, unit.live_days)
    terms = base.terms
    worth = None if terms.worth is None or unit.currency is not None else terms.worth
    given = None
    if terms.welcome_gift is not None:
        given = MessageGift(terms.welcome_gift, terms.welcome_live_days)
    return BaseOut(
        percent_back=percent(terms.back),
        percent_payable=percent(terms.payable),
        point_worth=None if worth is None else _money_out(worth),
        live_days=base.live_days,
        welcome=None if given is None else WelcomeOut(**_gift_out(given, unit)),
        birthday=None
        if base.birthday is None
        else BirthdayGiftOut(**_gift_out(base.birthday, unit), days_before=base.birthday_days),
        lapsed=None
        if base.lapsed is None
        else LapsedGiftOut(**_gift_out(base.lapsed, unit), days=base.lapsed_days),
        sentence=base_programme.sentences(session, programme, base),
    )


def _gift_out(gift: MessageGift, unit: Unit) -> dict[str, Any]:
    return {
        "points": gift.points,
        "live_days": gift.live_days,
        **in_money(unit, points=gift.points),
    }


def _money_out(money: Money) -> MoneyOut:
    return MoneyOut(amount=money.amount, currency=money.currency)


def _programme_out(session: Session, programme: Programme) -> ProgrammeOut:
    join = f"{current_installation().settings.public_url}/join/{programme.code}"
    return ProgrammeOut(
        code=programme.code,
        name=programme.name,
        locale=programme.locale,
        languages=programme.languages,
        timezone=programme.timezone,
        country=programme.country,
        terms=ProgrammeTermsOut.model_validate(programme),
        benefit=programmes.texts(session, programme.id, "benefit"),
        rules=programmes.texts(session, programme.id, "rules"),
        created_at=programme.created_at,
        units=[UnitOut.model_validate(unit) for unit in units.of_programme(session, programme.id)],
        links=ProgrammeLinks(join=join, privacy=f"{join}/privacy"),
    )
