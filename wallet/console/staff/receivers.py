"""Systems that are told what happens: their terms, their secrets, and what was sent to them."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import Refusal
from wallet.access.changes import ChangedThing
from wallet.access.rights import may_give
from wallet.console import doing, listing, opened, pages
from wallet.console.forms import FormEntries
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.staff import webhook_tabs
from wallet.console.staff.webhook_tabs import READ, WRITE
from wallet.errors import EVENT, ScopeMissing, UnknownEvent, UnknownReceiver
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.receivers import log, receivers, types
from wallet.receivers.addresses import LONGEST_URL
from wallet.receivers.receivers import LONGEST_NAME, PERSONAL, Receiver, ReceiverTerms, Replay
from wallet.sentences import CATALOGUE

HERE = "settings"  # the entry of the menu
FORM_OF_ONE = "console/staff/receiver_form.html"
REPLAY = "console/staff/receiver_replay.html"

HERE_ALONE, EVERYWHERE = "here", "everywhere"  # of which programmes a receiver is told
GIVEN_UP, ONE_EVENT, ALL_SINCE = "given_up", "event", "since"  # what is sent once more

routes = Blueprint("receivers", __name__)
base = f"{IN_PROGRAMME}/webhooks"


@routes.get(base)
@needs(READ)
def show() -> str:
    """Which systems are told what happens in this programme."""
    with current_installation().database.reading() as session:
        found = [one for one in receivers.every(session) if _is_seen(one, READ)]
        given_up = log.given_up(session)
    return pages.show(
        "console/staff/receivers.html",
        HERE,
        tabs=webhook_tabs.tabs("receivers"),
        receivers=found,
        given_up=given_up,
        state_of=_state,
        told_of=_told_of,
    )


@routes.get(f"{base}/new")
@needs(WRITE)
def new() -> str:
    """The form for another receiver."""
    return pages.show(FORM_OF_ONE, HERE, entries={}, problems={}, one=None, **_choices())


@routes.post(f"{base}/new")
@needs(WRITE)
def add() -> Response | str:
    """Add a receiver. Its secret is shown this once."""
    house, by, entries = current_installation(), pages.doer(), FormEntries()
    wanted = _terms(entries)
    where = entries.choice("where", [value for value, _words in _wheres()])
    programme_id = None if where == EVERYWHERE else pages.programme().id
    terms = ReceiverTerms(
        wanted["name"], wanted["url"], programme_id, wanted["types"], wanted["personal"]
    )

    def work(session: Session) -> tuple[Receiver, str]:
        return receivers.add(session, house.keys, house.receivers_at, terms, by, house.clock())

    made = doing.made(entries, work, _field_for(terms.url)) if entries.fit else None
    if made is None:
        return pages.show_again(FORM_OF_ONE, HERE, entries, one=None, **_choices())
    return _secret(*made, is_first=True)


@routes.get(f"{base}/<receiver_id>")
@needs(READ)
def show_one(receiver_id: str) -> str:
    """One receiver: how it does, and what was sent to it."""
    house, place = current_installation(), listing.after()
    failed, event = "failed" in request.args, _event(request.args.get("event", ""))
    with house.database.reading() as session:
        one = _seen(session, receiver_id, READ)
        tried = log.attempts(
            session,
            one.id,
            None if place is None else place[0],
            listing.ROWS + 1,
            event_id=event,
            failed=failed,
        )
        return pages.show(
            "console/staff/receiver.html",
            HERE,
            one=one,
            state=_state(one),
            told_of=_told_of(one),
            may_write=_is_seen(one, WRITE),
            secrets=receivers.secrets_since(session, one.id),
            most_secrets=receivers.MOST_SECRETS,
            given_up=log.given_up(session).get(one.id, 0),
            is_paused=one.paused_until > house.clock(),
            page=listing.page(tried, lambda row: (row[0].id,)),
            failed=failed,
            event=event,
            type_in_words=_type,
            problem_in_words=_problem,
        )


@routes.get(f"{base}/<receiver_id>/edit")
@needs(WRITE)
def edit(receiver_id: str) -> str:
    """The form for other terms."""
    with current_installation().database.reading() as session:
        one = _seen(session, receiver_id, WRITE)
        mark = opened.last_change(session, [_thing(one)])
    return pages.show(
        FORM_OF_ONE,
        HERE,
        entries=_as_entries(one),
        problems={},
        one=one,
        opened=mark,
        **_choices(),
    )


@routes.post(f"{base}/<receiver_id>/edit")
@needs(WRITE)
def change(receiver_id: str) -> Response:
    """Tell the receiver something else, or elsewhere."""
    house, by, entries = current_installation(), pages.doer(), FormEntries()
    wanted = _terms(entries)

    def work(session: Session) -> str:
        one = _held(session, receiver_id)
        opened.require_fresh(session, entries, [_thing(one)])
        receivers.change(session, house.receivers_at, one.public_id, wanted, by, house.clock())
        return one.name

    name = doing.made(entries, work, _field_for(wanted["url"])) if entries.fit else None
    if name is None:
        with house.database.reading() as session:
            one = _seen(session, receiver_id, WRITE)
            mark = opened.last_change(session, [_thing(one)])
        return pages.show_again(FORM_OF_ONE, HERE, entries, one=one, opened=mark, **_choices())
    pages.say(_("“%(name)s” is saved.", name=name))
    return _to(receiver_id)


@routes.post(f"{base}/<receiver_id>/test")
@needs(WRITE)
def test(receiver_id: str) -> Response:
    """Send a test event. What comes of it stands in the list of attempts."""
    house = current_installation()

    def work(session: Session) -> int:
        return receivers.test(session, _held(session, receiver_id).public_id, house.clock())

    doing.told(work, lambda event: _("Test event %(number)s is on its way.", number=str(event)))
    return _to(receiver_id)


@routes.post(f"{base}/<receiver_id>/switch")
@needs(WRITE)
def switch(receiver_id: str) -> Response:
    """Pause a receiver, or let it go on."""
    house, by, is_on = current_installation(), pages.doer(), request.form.get("state") == "on"

    def work(session: Session) -> str:
        one, terms = _held(session, receiver_id), {"enabled": is_on}
        receivers.change(session, house.receivers_at, one.public_id, terms, by, house.clock())
        return one.name

    def sentence(name: str) -> str:
        if is_on:
            return _("“%(name)s” is told what happens from now on.", name=name)
        return _("“%(name)s” is told nothing until you switch it on.", name=name)

    doing.told(work, sentence)
    return _to(receiver_id)


@routes.post(f"{base}/<receiver_id>/secret")
@needs(WRITE)
def add_secret(receiver_id: str) -> Response | str:
    """One more secret, shown this once. Events are signed with all that are live."""
    house, by, known = current_installation(), pages.author(), request.form.get("secrets")

    def work(session: Session) -> tuple[Receiver, str] | None:
        one = _held(session, receiver_id)
        if str(receivers.number_of_secrets(session, one.id)) != known:
            return None  # sent twice
        secret = receivers.rotate(session, house.keys, one.public_id, by, house.clock())
        return one, secret

    made = doing.told(work)
    return _to(receiver_id) if made is None else _secret(*made, is_first=False)


@routes.post(f"{base}/<receiver_id>/retire")
@needs(WRITE)
def retire_secrets(receiver_id: str) -> Response:
    """End all secrets but the newest."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        one = _held(session, receiver_id)
        receivers.retire(session, one.public_id, by, house.clock())

    doing.told(work, _("Only the newest secret is left."))
    return _to(receiver_id)


@routes.get(f"{base}/<receiver_id>/replay")
@needs(WRITE)
def ask_to_replay(receiver_id: str) -> str:
    """The form for what is to be sent once more."""
    one, given_up = _to_replay(receiver_id)
    chosen = {
        "what": GIVEN_UP if given_up else ONE_EVENT,
        "number": request.args.get("event", ""),
    }
    return pages.show(REPLAY, HERE, one=one, given_up=given_up, entries=chosen, problems={})


@routes.post(f"{base}/<receiver_id>/replay")
@needs(WRITE)
def replay(receiver_id: str) -> Response:
    """Send events once more, under their own ids."""
    house, by, entries = current_installation(), pages.author(), FormEntries()
    what = entries.choice("what", (GIVEN_UP, ONE_EVENT, ALL_SINCE))
    number = entries.whole("number", required=True) if what in (ONE_EVENT, ALL_SINCE) else None
    if number is not None and number < 1:
        entries.refuse("number", _("This is no number of an event."))
    wanted = Replay(
        number if what == ALL_SINCE else None,
        number if what == ONE_EVENT else None,
        what == GIVEN_UP,
    )

    def work(session: Session) -> str | None:
        one = _held(session, receiver_id)
        try:
            receivers.replay(session, one.public_id, wanted, by, house.clock())
        except UnknownEvent:
            entries.refuse("number", _("There is no such event, or none any more."))
            return None
        return one.name

    name = doing.made(entries, work) if entries.fit else None
    if name is None:
        one, given_up = _to_replay(receiver_id)
        return pages.show_again(REPLAY, HERE, entries, one=one, given_up=given_up)
    pages.say(_("They go to “%(name)s” once more.", name=name))
    return _to(receiver_id)


def _to_replay(receiver_id: str) -> tuple[Receiver, int]:
    """The receiver, and how many events were given up that it did not take."""
    with current_installation().database.reading() as session:
        one = _seen(session, receiver_id, WRITE)
        return one, log.given_up(session).get(one.id, 0)


@routes.get(f"{base}/<receiver_id>/remove")
@needs(WRITE)
def ask_to_remove(receiver_id: str) -> str:
    """What follows if the receiver is removed."""
    one, given_up = _to_replay(receiver_id)
    return pages.show("console/staff/receiver_remove.html", HERE, one=one, given_up=given_up)


@routes.post(f"{base}/<receiver_id>/remove")
@needs(WRITE)
def remove(receiver_id: str) -> Response:
    """Tell the receiver nothing any more, and forget it."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> str:
        one = _held(session, receiver_id)
        name = one.name
        receivers.remove(session, one.public_id, by, house.clock())
        return name

    is_gone = doing.told(work, lambda name: _("“%(name)s” is told nothing from now on.", name=name))
    return _to(receiver_id) if is_gone is None else pages.go("console.receivers.show")


# --- What pages are made of ---------------------------------------------------------------------


def _seen(session: Session, receiver_id: str, right: str) -> Receiver:
    """The receiver, for whom has this right over it. The request ends with 404 for others."""
    try:
        one = receivers.find(session, receiver_id)
    except UnknownReceiver:
        pages.not_there(HERE)
    return one if _is_seen(one, right) else pages.not_there(HERE)


def _held(session: Session, receiver_id: str) -> Receiver:
    """The same under its lock, to be changed."""
    try:
        one = receivers.locked(session, receiver_id)
    except UnknownReceiver:
        pages.not_there(HERE)
    return one if _is_seen(one, WRITE) else pages.not_there(HERE)


def _is_seen(one: Receiver, right: str) -> bool:
    """Whether the reader has this right over the receiver on pages of this programme: over those
    that hear of it alone, and over those that hear of all, if they have it in all."""
    if one.programme_id is None:
        return pages.may_everywhere(right)
    return one.programme_id == pages.programme().id and pages.may(right)


def _to(receiver_id: str) -> Response:
    return pages.go("console.receivers.show_one", receiver_id=receiver_id)


def _secret(one: Receiver, secret: str, *, is_first: bool) -> str:
    return pages.show(
        "console/staff/receiver_secret.html", HERE, one=one, secret=secret, is_first=is_first
    )


def _terms(entries: FormEntries) -> dict[str, Any]:
    """What the form says of a receiver, by the names of `ReceiverTerms`."""
    asked = None if entries["about"] == "all" else entries.several("types")
    if asked == []:
        entries.refuse("types", _("Choose at least one event, or all of them."))
    return {
        "name": entries.text("name", most=LONGEST_NAME),
        "url": entries.text("url", most=LONGEST_URL),
        "types": asked,
        "personal": entries.ticked("personal"),
    }


def _field_for(url: str) -> Callable[[Refusal], str]:
    """At which field of the form with this address a refusal is said."""

    def field(refusal: Refusal) -> str:
        if isinstance(refusal, ScopeMissing):
            return "personal"
        return "url" if current_installation().receivers_at.objection(url) is not None else "name"

    return field


def _thing(one: Receiver) -> ChangedThing:
    """A receiver as the record of changes names it."""
    return ChangedThing("receiver", one.public_id, one.programme_id)


def _as_entries(one: Receiver) -> Mapping[str, Any]:
    """A receiver as the form shows it."""
    return {
        "name": one.name,
        "url": one.url,
        "about": "all" if one.types is None else "some",
        "types": one.types or [],
        "personal": one.personal,
    }


def _choices() -> Mapping[str, Any]:
    """What the form of a receiver offers."""
    groups: list[tuple[tuple[str, str], list[tuple[str, str]]]] = []
    for group in types.GROUPS:
        members = [(one, _type(one)) for one in types.meant([group])]
        groups.append(((group, _type(group)), members))
    here = pages.programme().id
    return {
        "groups": groups,
        "wheres": _wheres(),
        "may_personal": may_give(pages.person().actors, {PERSONAL}, here),
        "longest": LONGEST_NAME,
    }


def _wheres() -> list[tuple[str, str]]:
    found = [(HERE_ALONE, _("in this programme"))]
    if pages.may_everywhere(WRITE):
        found.append((EVERYWHERE, _("in all programmes")))
    return found


def _type(name: str) -> str:
    return CATALOGUE.text(language.current(), name, EVENT)


def _told_of(one: Receiver) -> str:
    """Of what a receiver is told, in words."""
    return _("everything") if one.types is None else ", ".join(map(_type, one.types))


def _problem(name: str) -> str:
    return CATALOGUE.text(language.current(), name, log.CONTEXT)


def _state(one: Receiver) -> tuple[str, str]:
    """The state of a receiver: words, and the look of its badge."""
    if not one.enabled:
        if one.disabled_because == receivers.GONE:
            return _("off: it answered that it is gone"), "bad"
        if one.disabled_because == receivers.RESTORED:
            return _("off since a backup was restored"), "wait"
        return _("off"), "none"
    if one.failing_since is not None:
        return _("fails"), "bad"
    return (_("works"), "good") if one.succeeded_at is not None else (_("not tried yet"), "wait")


def _event(written: str) -> int | None:
    """The number of an event in an address; None for what is none."""
    is_number = written.isascii() and written.isdigit() and len(written) <= 18
    return int(written) if is_number else None
