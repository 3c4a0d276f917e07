"""A programme and the company behind it: its terms, what its pages say of it in each language, and
how another one is made."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import languages
from ledger.errors import ProgrammeExists, Refusal, TermsRefused
from ledger.languages import canonical
from ledger.programmes import programmes, units
from ledger.programmes.asking import ASKED_FIELDS, ASKING
from ledger.programmes.programmes import Programme, ProgrammeTextKind, Terms
from ledger.programmes.trades import CALLED, Called
from ledger.programmes.units import Unit
from ledger.words import N_
from wallet.console import choices, doing, opened, pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.shell import ConsoleLink
from wallet.delivery import programme_changes, publishing
from wallet.delivery.programme_changes import FIRST_CARDS, FirstCards, ProgrammeChange
from wallet.errors import PlaceholderNotFilled
from wallet.installation import current_installation
from wallet.outreach import base_programme
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "settings"
TERMS, TEXTS, JOINING, NEW = (
    "console/settings/programme_terms.html",
    "console/settings/programme_texts.html",
    "console/settings/programme_joining.html",
    "console/settings/programme_new.html",
)
CALLED_WORDS: Mapping[Called, str] = {
    "client": N_("client"),
    "guest": N_("guest"),
    "buyer": N_("customer"),
}
TEXTS_SENT = "console.programme_settings.say"
SAID: Sequence[ProgrammeTextKind] = ("name", "operator", "privacy")
SAID_TO_WHO_JOINS: Sequence[ProgrammeTextKind] = ("benefit", "rules")
ASKED_WORDS: Mapping[str, str] = {
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "name": N_("Name"),
    "birthday": N_("Birthday"),
}
ASKING_WORDS: Mapping[str, str] = {
    "off": N_("is not asked"),
    "optional": N_("may be left empty"),
    "required": N_("is required"),
}

routes = Blueprint("programme_settings", __name__)


@routes.get(f"{IN_PROGRAMME}/settings/programme")
@needs("programmes:read")
def show() -> str:
    """The terms of the programme, with the form that changes them."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        typed = {
            "first_language": programme.languages[0],
            "country": programme.country,
            "timezone": programme.timezone,
            "grace_days": str(programme.grace_days),
            "overdrawn": programme.overdrawn,
            "spend_by_phone": programme.spend_by_phone,
            "called": programme.called,
            "listed": "yes" if programme.listed else "",
            "keeps_personal": "yes" if programme.keeps_personal else "",
        }
        return pages.show(
            TERMS,
            HERE,
            typed=typed,
            problems={},
            chosen=programme.languages,
            **_around(session, programme),
        )


@routes.post(f"{IN_PROGRAMME}/settings/programme")
@needs("company:write")
def save() -> Response:
    """Change the terms of the programme."""
    entries, house = FormEntries(), current_installation()
    first = canonical(entries.text("first_language"))
    others = map(canonical, entries.several("languages"))
    spoken = list(dict.fromkeys([first, *others]))
    grace_days = entries.whole("grace_days")
    overdrawn = entries.choice("overdrawn", programmes.OVERDRAWN)
    called = entries.choice("called", CALLED)
    by_phone = entries.choice("spend_by_phone", programmes.SPEND_BY_PHONE)

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        opened.require_fresh(session, entries, [programme_changes.of(programme)])
        if not entries.fit:
            raise FormRefused
        wanted = ProgrammeChange(
            grace_days,
            overdrawn,
            tuple(spoken),
            entries["country"].strip().upper(),
            entries["timezone"].strip(),
            entries.ticked("keeps_personal"),
            entries.ticked("listed"),
            next(one for one in CALLED if one == called),
            spend_by_phone=next(one for one in programmes.SPEND_BY_PHONE if one == by_phone),
        )
        programme_changes.change(session, programme, wanted, pages.author(), house.clock())

    if not doing.done(entries, work, _field_of):
        return _again(TERMS, entries)
    pages.say(_("Saved."))
    return pages.go("console.programme_settings.show")


@routes.get(f"{IN_PROGRAMME}/settings/programme/texts")
@needs("programmes:read")
def texts() -> str:
    """What the programme's pages say of it, in each of its languages."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        typed = {
            f"{kind}_{tag}": _said(session, programme, kind, tag)
            for kind in SAID
            for tag in programme.languages
        }
        return pages.show(TEXTS, HERE, typed=typed, problems={}, **_around(session, programme))


@routes.post(f"{IN_PROGRAMME}/settings/programme/texts")
@needs("company:write")
def say() -> Response:
    """Say these texts from now on; what was said before is kept with who agreed to it."""
    entries, house = FormEntries(), current_installation()
    at_fault = ""

    def work(session: Session) -> None:
        nonlocal at_fault
        programme, now = pages.programme_row(session), house.clock()
        programme_changes.hold(session, programme)
        opened.require_fresh(session, entries, [programme_changes.of(programme)])
        by = pages.author()
        for kind in SAID:
            texts = {}
            for tag in programme.languages:
                at_fault = f"{kind}_{tag}"
                text = entries[at_fault].replace("\r\n", "\n").strip()
                if text or _said(session, programme, kind, tag):
                    texts[tag] = programmes.fit_text(kind, text)
            if kind == "name":
                publishing.rename(session, programme, texts, by, now)
                continue
            for tag, text in texts.items():
                programme_changes.say(session, programme, kind, tag, text, by, now)

    def field(refusal: Refusal) -> str:
        if isinstance(refusal, PlaceholderNotFilled):
            return f"{at_fault.partition('_')[0]}_{refusal.language}"
        return at_fault

    if not doing.done(entries, work, field):
        return _again(TEXTS, entries)
    pages.say(_("Saved. Customers see it at once."))
    return pages.go("console.programme_settings.texts")


@routes.get(f"{IN_PROGRAMME}/settings/programme/joining")
@needs("programmes:read")
def joining() -> str:
    """What the page says and asks on which people join."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        typed = {f"ask_{field}": programme.asks[field] for field in ASKED_FIELDS} | {
            f"{kind}_{tag}": _said(session, programme, kind, tag)
            for kind in SAID_TO_WHO_JOINS
            for tag in programme.languages
        }
        return pages.show(JOINING, HERE, typed=typed, problems={}, **_around(session, programme))


@routes.post(f"{IN_PROGRAMME}/settings/programme/joining")
@needs("company:write")
def change_joining() -> Response:
    """Change what that page says and asks, from now on."""
    entries, house = FormEntries(), current_installation()
    asks = {field: entries.choice(f"ask_{field}", ASKING) for field in ASKED_FIELDS}
    at_fault = ""

    def work(session: Session) -> None:
        nonlocal at_fault
        programme, now, by = pages.programme_row(session), house.clock(), pages.author()
        programme_changes.hold(session, programme)
        opened.require_fresh(session, entries, [programme_changes.of(programme)])
        if not entries.fit:
            raise FormRefused
        at_fault = "ask_phone"
        programme_changes.change(session, programme, ProgrammeChange(asks=asks), by, now)
        for kind in SAID_TO_WHO_JOINS:
            for tag in programme.languages:
                at_fault = f"{kind}_{tag}"
                text = programmes.fit_text(kind, entries[at_fault].replace("\r\n", "\n").strip())
                programme_changes.say(session, programme, kind, tag, text, by, now)

    if not doing.done(entries, work, lambda _refusal: at_fault):
        return _again(JOINING, entries)
    pages.say(_("Saved. Customers see it at once."))
    return pages.go("console.programme_settings.joining")


@routes.get("/programmes/new")
@needs("company:write")
def new() -> str:
    """The form of another programme."""
    wanted = request.args.get("cards", "")
    typed = {
        "locale": language.current(),
        "timezone": "Europe/Moscow",
        "cards": wanted if wanted in FIRST_CARDS else "points",
        "currency": "RUB",
    }
    return pages.show(NEW, HERE, typed=typed, problems={}, **_around_new())


@routes.post("/programmes/new")
@needs("company:write")
def make() -> Response:
    """Make another programme, with a card to begin with; its first hour comes next."""
    entries, house = FormEntries(), current_installation()
    code = entries.text("code").lower()
    name = entries.text("name")
    locale = entries.choice("locale", languages.LANGUAGES)
    kind: FirstCards = next((one for one in FIRST_CARDS if one == entries["cards"]), "points")
    currency, live_days = None, None
    if kind == "gift_cards":
        currency = entries.text("currency").upper()
        live_days = entries.whole("live_days", required=False)
    if not pages.may_everywhere("company:write"):
        entries.refuse("form", _("Only who administers all programmes can make another one."))

    def work(session: Session) -> None:
        terms = Terms(code, name, locale, entries["timezone"].strip(), live_days)
        terms, design = programme_changes.beginning(terms, kind, currency)
        try:
            programme_changes.make(session, terms, design, pages.author(), house.clock())
        except ProgrammeExists:
            entries.refuse("code", _("Another programme has this code already."))
            raise FormRefused from None

    if not entries.fit or not doing.done(entries, work, _field_of_new):
        return pages.show_again(NEW, HERE, entries, typed=entries, **_around_new())
    if kind == "gift_cards":
        pages.say(_("The programme is there, and its gift cards can be sold."))
        return pages.go("console.gift_cards.show", programme=code)
    pages.say(_("The programme is there. Four questions, and its card is ready."))
    return pages.go("console.first_hour.show", programme=code)


def _field_of(refusal: Refusal) -> str:
    """At which field a refusal is said."""
    return refusal.field if isinstance(refusal, TermsRefused) else FORM


def _field_of_new(refusal: Refusal) -> str:
    if isinstance(refusal, PlaceholderNotFilled):
        return "name"
    return "locale" if (field := _field_of(refusal)) == "languages" else field


def _again(template: str, entries: FormEntries) -> Response:
    with current_installation().database.reading() as session:
        around = _around(session, pages.programme_row(session))
    chosen = entries.several("languages")
    return pages.show_again(template, HERE, entries, typed=entries, chosen=chosen, **around)


def _around(session: Session, programme: Programme) -> dict[str, object]:
    tabs = [
        ConsoleLink(
            _("Terms"),
            pages.url("console.programme_settings.show"),
            is_here=_is_here("programme"),
        ),
        ConsoleLink(
            _("Names and company"),
            pages.url("console.programme_settings.texts"),
            is_here=_is_here("texts"),
        ),
        ConsoleLink(
            _("Page to join"),
            pages.url("console.programme_settings.joining"),
            is_here=_is_here("joining"),
        ),
    ]
    join = f"{current_installation().settings.public_url}/join/{programme.code}"
    return {
        "tabs_of_page": tabs,
        "opened": opened.last_change(session, [programme_changes.of(programme)]),
        "spoken": [(tag, choices.language_name(tag)) for tag in programme.languages],
        "called": [(one, _(words)) for one, words in CALLED_WORDS.items()],
        "written": choices.written(programme.languages),
        "countries": choices.countries(),
        "zones": choices.zones(programme.timezone),
        "counted": [_unit_in_words(one) for one in units.of_programme(session, programme.id)],
        "row": programme,
        "join_url": join,
        "privacy_url": f"{join}/privacy",
        "asked": [(field, _(words)) for field, words in ASKED_WORDS.items()],
        "how_asked": [(one, _(words)) for one, words in ASKING_WORDS.items()],
        "found_to_say": {
            tag: base_programme.to_join(session, programme, one)
            for tag, one in languages.own_words(programme.languages).items()
        },
        "may_make": pages.may_everywhere("company:write"),
    }


def _around_new() -> dict[str, object]:
    return {"zones": choices.zones(), "may_make": pages.may_everywhere("company:write")}


def _is_here(end: str) -> bool:
    return request.path.endswith(f"/{end}")


def _said(session: Session, programme: Programme, kind: ProgrammeTextKind, tag: str) -> str:
    """The text in this very language, or none; the name that it was made with is one."""
    text = programmes.said(session, programme.id, kind, tag)
    if text is not None and text.language == tag:
        return text.text
    return programme.name if (kind, tag) == ("name", programme.locale) else ""


def _unit_in_words(unit: Unit) -> str:
    if unit.kind == "money":
        return _("money (%(currency)s)", currency=unit.currency or "")
    return _("stamps") if unit.kind == "stamps" else _("points")
