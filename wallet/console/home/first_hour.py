"""The first hour of a programme: four questions, answered by one sentence and a card; and what is
left to do before the first customer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import (
    CardBlocked,
    CardExpired,
    CardVoid,
    Refusal,
    UnknownCard,
)
from ledger.money import Money
from ledger.people import cards
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.base_words import RoundMoney
from ledger.programmes.programmes import Programme
from ledger.programmes.trades import TRADES, USUAL, Trade
from ledger.words import N_
from wallet.console import doing, opened, pages
from wallet.console.forms import FormEntries, FormRefused
from wallet.console.home import readiness
from wallet.console.home.readiness import STEPS, ReadyStep, StepState
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.settings import base_programme as base_page
from wallet.console.settings import certificates
from wallet.console.settings import search as settings_search
from wallet.console.settings.base_programme import CountedUnit
from wallet.delivery import programme_changes, publishing
from wallet.errors import PlaceholderNotFilled
from wallet.installation import current_installation
from wallet.outreach import base_programme, trial
from wallet.outreach.base_programme import BaseChoice
from wallet.pages import designs, language
from wallet.pages.designs import WebCard
from wallet.pages.language import gettext as _
from wallet.passes import barcodes, templates

HERE = "home"
QUESTIONS, READY = "console/home/first_hour.html", "console/home/ready.html"
PREVIEW = "console/home/first_hour_preview.html"
TRIAL, OWN_CARD = "console/home/trial.html", "console/home/own_card.html"
SAMPLE_NUMBER = "4485 1234 5678 9017"

TRADE_WORDS: Mapping[Trade, tuple[str, str, str]] = {
    "coffee": (N_("Coffee shop"), N_("guests come every day"), "receipt"),
    "restaurant": (N_("Restaurant"), N_("guests come to a table"), "calendar"),
    "shop": (N_("Shop"), N_("customers buy goods"), "building-store"),
    "beauty": (N_("Beauty salon"), N_("clients come to one specialist"), "user"),
    "fuel": (N_("Petrol station"), N_("litres, and a small percent"), "bolt"),
    "other": (N_("Something else"), N_("you set it as you like"), "dots"),
}


@dataclass(frozen=True, slots=True)
class StepLink:
    """Where a step is done, and the right that it takes there."""

    words: str
    under: str
    endpoint: str
    right: str
    more: Mapping[str, str] = field(default_factory=dict)  # in the address


STEP_LINKS: Mapping[ReadyStep, StepLink] = {
    "card": StepLink(
        N_("A card on my phone"),
        N_("Join your own programme as a customer does, and look at the card."),
        "console.first_hour.own_card",
        "programmes:read",
    ),
    "design": StepLink(
        N_("The card in your own colours"),
        N_("Choose a design for your trade, put in your logo, and publish it."),
        "console.designer.listed",
        "designs:write",
    ),
    "legal": StepLink(
        N_("Operator and consents"),
        N_("Say who answers for personal data: customers read it before they agree."),
        "console.programme_settings.texts",
        "company:write",
    ),
    "poster": StepLink(
        N_("Poster for the counter"),
        N_("One sheet with a code: a customer points the camera at it and has the card."),
        "console.poster.show",
        "stores:read",
    ),
    "cashier": StepLink(
        N_("A cashier is invited"),
        N_("They get a link and set a password."),
        "console.staff.invite",
        "staff:write",
        {"role": "cashier"},
    ),
    "import": StepLink(
        N_("Customers from a spreadsheet"),
        N_("With their points, if you had a programme before."),
        "console.imports.new",
        "imports:write",
    ),
    "accrual": StepLink(
        N_("Points given and taken back, as a test"),
        N_("Give a card some points, then undo it: so you know how a return goes."),
        "console.members.listed",
        "members:read",
    ),
    "message": StepLink(
        N_("A message to myself"),
        N_("See how your words look on a phone before customers do."),
        "console.first_hour.trial_message",
        "campaigns:write",
    ),
    "certificates": StepLink(
        N_("Certificates of Apple and Google"),
        N_("For cards in Wallet. Until then the card lives in the browser, and works."),
        "console.certificates.show",
        "programmes:read",
    ),
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step with where it is done; no `url` for who may not do it."""

    step: ReadyStep
    words: str
    under: str
    url: str | None
    state: StepState


routes = Blueprint("first_hour", __name__)


@routes.get(f"{IN_PROGRAMME}/first-hour")
@needs("programmes:read")
def show() -> str:
    """The four questions, until they are answered; then the sentence, the card, and what is left to
    do. With `trade` in the address the answers that are usual for it, to be changed."""
    wanted = next((one for one in TRADES if one == request.args.get("trade")), None)
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        is_open = programme.trade is None or wanted is not None or "again" in request.args
        if is_open and pages.may("terms:write"):
            return _questions(session, programme, wanted)
        return _ready(session, programme)


@routes.post(f"{IN_PROGRAMME}/first-hour")
@needs("terms:write")
def answer() -> Response:
    """Set the base programme by the four answers."""
    entries, house = FormEntries(), current_installation()
    trade = next((one for one in TRADES if one == entries["trade"]), None)
    if trade is None:
        entries.refuse("trade", _("Choose what is closest."))
    shop = entries.text("shop", most=programmes.LONGEST_NAME) if "shop" in request.form else ""

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        of = base_page.counted(session, programme)
        opened.require_fresh(session, entries, base_page.things(programme, of.unit))
        wanted = _read(entries, session, programme, of)
        if wanted is None or trade is None:
            raise FormRefused
        by, now = pages.author(), house.clock()
        if shop and shop != _shop(session, programme):
            publishing.rename(session, programme, dict.fromkeys(programme.languages, shop), by, now)
        programme_changes.begin_trade(session, programme, trade, by, now)
        base_programme.put(session, programme, wanted, by, now)

    if not doing.done(entries, work, _field_of):
        return _again(entries)
    return pages.go("console.first_hour.show")


def _field_of(refusal: Refusal) -> str:
    is_of_name = isinstance(refusal, PlaceholderNotFilled)
    return "shop" if is_of_name else base_page.field_of(refusal)


@routes.post(f"{IN_PROGRAMME}/first-hour/sentence")
@needs("terms:write")
def preview() -> str:
    """The sentence that the answers make so far, and the card; nothing is saved."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        of = base_page.counted(session, programme)
        wanted = _read(entries, session, programme, of)
        trade = next((one for one in TRADES if one == entries["trade"]), None)
        called = programme.called if trade is None else USUAL[trade].called
        card = _picture(session, programme, wanted, of, entries["shop"])
        sentence = ""
        if wanted is not None:
            sentence = base_programme.sentence(
                session, programme, wanted, language.current(), called
            )
    return pages.show(PREVIEW, HERE, sentence=sentence, card=card)


@routes.post(f"{IN_PROGRAMME}/first-hour/steps")
@needs("terms:write")
def skip() -> Response:
    """Say that a step is not needed, or is after all."""
    step = request.form.get("step", "")
    if step not in STEPS:
        pages.not_there(HERE)
    is_needed = "needed" in request.form
    house = current_installation()

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        now = house.clock()
        programme_changes.skip_step(
            session, programme, step, pages.author(), now, is_needed=is_needed
        )

    house.database.run(work)
    return pages.go("console.first_hour.show")


@routes.get(f"{IN_PROGRAMME}/first-hour/card")
@needs("programmes:read")
def own_card() -> str:
    """How to get a card on one's own phone: the code of the join form, and its address."""
    with current_installation().database.reading() as session:
        real = readiness.has_real_wallets(current_installation(), current_installation().clock())
        programme = pages.programme_row(session)
        base = base_programme.of(session, programme)
        of = base_page.counted(session, programme)
        picture = _picture(session, programme, base, of)
    return pages.show(
        OWN_CARD,
        HERE,
        join_url=_join_url(),
        code=_code(_join_url()),
        has_wallets=real,
        is_local=certificates.is_local(current_installation().settings.public_url),
        card=picture,
    )


@routes.get(f"{IN_PROGRAMME}/first-hour/message")
@needs("campaigns:write")
def trial_message() -> str:
    """The form of a message to one card."""
    with current_installation().database.reading() as session:
        spoken = pages.programme_row(session).languages
    return pages.show(TRIAL, HERE, typed={}, problems={}, spoken=spoken)


@routes.post(f"{IN_PROGRAMME}/first-hour/message")
@needs("campaigns:write")
def send_trial() -> Response:
    """Send a message to one card."""
    entries, house = FormEntries(), current_installation()
    number, text = entries.text("card", most=64), entries.text("text", most=300)

    def work(session: Session) -> None:
        programme, now = pages.programme_row(session), house.clock()
        member = _member_of(session, programme, number)
        texts = dict.fromkeys(programme.languages, text)
        if not trial.send(session, programme, member, texts, house.make_due, now):
            entries.refuse("card", _("This card is blocked, or nobody has it."))
            raise FormRefused

    if not entries.fit or not doing.done(entries, work, _field_of_trial):
        with house.database.reading() as session:
            spoken = pages.programme_row(session).languages
        return pages.show_again(TRIAL, HERE, entries, typed=entries, spoken=spoken)
    pages.say(_("Sent. The card says it now, and the phone in a few seconds."))
    return pages.go("console.first_hour.show")


def _field_of_trial(refusal: Refusal) -> str:
    is_of_card = isinstance(refusal, UnknownCard | CardBlocked | CardVoid | CardExpired)
    return "card" if is_of_card else "text"


def _member_of(session: Session, programme: Programme, number: str) -> Member:
    """The member of this programme whose card has this number. Raises what `cards.owner` raises."""
    return cards.owner(session, number, current_installation().clock(), programme.id).member


def _questions(session: Session, programme: Programme, wanted: Trade | None) -> str:
    of = base_page.counted(session, programme)
    known = base_programme.of(session, programme)
    trade = wanted or programme.trade
    if trade is not None and (wanted is not None or known is None):
        usual = USUAL[trade]
        base = BaseChoice(
            BaseTerms(usual.back, usual.payable, _worth(of)),
            usual.live_days,
        )
    else:
        base = known or BaseChoice(BaseTerms(500, 3_000, _worth(of)), 365)
    called = programme.called if trade is None else USUAL[trade].called
    sentence = base_programme.sentence(session, programme, base, language.current(), called)
    typed = {
        **base_page.typed(base, of),
        "trade": trade or "",
        "shop": request.args.get("shop") or _shop(session, programme),
    }
    around = _around_questions(session, programme, of, base, typed["shop"])
    return pages.show(QUESTIONS, HERE, typed=typed, problems={}, sentence=sentence, **around)


def _shop(session: Session, programme: Programme) -> str:
    """What the programme is called, for whoever is asked for it: only in the first hour is one name
    for all languages enough."""
    if programme.trade is not None:
        return ""
    return programmes.name_in(session, programme, language.current())


def _worth(of: CountedUnit) -> Money:
    return Money("1", of.currency)


def _again(entries: FormEntries) -> Response:
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        of = base_page.counted(session, programme)
        base = _read(FormEntries(), session, programme, of)
        sentence = ""
        if base is not None:
            sentence = base_programme.sentence(session, programme, base, language.current())
        around = _around_questions(session, programme, of, base, entries["shop"])
        return pages.show_again(
            QUESTIONS, HERE, entries, typed=entries, sentence=sentence, **around
        )


def _read(
    entries: FormEntries, session: Session, programme: Programme, of: CountedUnit
) -> BaseChoice | None:
    """The base programme by the four answers; gifts that there are stay."""
    back, payable = entries.percent("back"), entries.percent("payable")
    live_days = None if entries.ticked("for_ever") else entries.whole("live_days")
    if not entries.fit or back is None or payable is None:
        return None
    known = base_programme.of(session, programme)
    if known is None:
        return BaseChoice(BaseTerms(back, payable, None if of.is_money else _worth(of)), live_days)
    terms = BaseTerms(
        back,
        payable,
        known.terms.worth,
        known.terms.welcome_gift,
        known.terms.welcome_live_days,
    )
    return BaseChoice(
        terms, live_days, known.birthday, known.birthday_days, known.lapsed, known.lapsed_days
    )


def _around_questions(
    session: Session,
    programme: Programme,
    of: CountedUnit,
    base: BaseChoice | None,
    shop: str,
) -> dict[str, object]:
    return {
        "trades": [
            (one, _(words), _(under), icon, pages.url("console.first_hour.show", trade=one))
            for one, (words, under, icon) in TRADE_WORDS.items()
        ],
        "of": of,
        "opened": opened.last_change(session, base_page.things(programme, of.unit)),
        "card": _picture(session, programme, base, of, shop),
        "is_again": programme.trade is not None,
    }


def _ready(session: Session, programme: Programme) -> str:
    house = current_installation()
    of = base_page.counted(session, programme)
    base = base_programme.of(session, programme)
    states = readiness.steps(session, house, programme, house.clock())
    shown = [_shown_step(state) for state in states]
    done, needed = readiness.progress(states)
    return pages.show(
        READY,
        HERE,
        sentence=""
        if base is None
        else base_programme.sentence(session, programme, base, language.current()),
        example=None if base is None else base_page.example(base, of),
        card=_picture(session, programme, base, of),
        steps=shown,
        done=done,
        all=needed,
        unit_word=language.unit_word,
        written=lambda money: RoundMoney(money).written(language.current()),
    )


def _shown_step(state: StepState) -> ShownStep:
    link = STEP_LINKS[state.step]
    is_open = settings_search.has_page(link.endpoint) and pages.may(link.right)
    back = {pages.FROM_CHECKLIST: pages.programme().code}
    url = pages.url(link.endpoint, **link.more, **back) if is_open else None
    under = _(link.under)
    only_google = not state.is_done and readiness.has_google(current_installation())
    if state.step == "certificates" and only_google:
        under = _(
            "Android phones have the card in Google Wallet. iPhones have it in the browser until"
            " Apple's certificate is there."
        )
    return ShownStep(state.step, _(link.words), under, url, state)


def _picture(
    session: Session,
    programme: Programme,
    base: BaseChoice | None,
    of: CountedUnit,
    shop: str = "",
) -> WebCard:
    """The card as somebody has it who has just joined. `shop`: how the programme shall be
    called."""
    template = templates.current(session, programme.id)
    design = templates.design(template)
    shown = 0 if base is None else base.terms.welcome_gift or 0
    words = designs.balance_words(design, of.unit, shown)
    return WebCard(
        programme=shop.strip() or programmes.name_in(session, programme, language.current()),
        look=designs.look(session, template.id),
        shows_points=designs.counts(design),
        label=words.label,
        points=language.amount(of.unit, shown),
        unit=words.unit,
        debt="",
        name="",
        number=SAMPLE_NUMBER,
        code=_code(SAMPLE_NUMBER.replace(" ", "")),
    )


def _code(text: str) -> Markup:
    """Our own drawing of a code: nobody's text stands in it."""
    return Markup(barcodes.svg("qr", text))  # noqa: S704


def _join_url() -> str:
    return f"{current_installation().settings.public_url}/join/{pages.programme().code}"
