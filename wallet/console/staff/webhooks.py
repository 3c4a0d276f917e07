"""Other systems: those that are told what happens (receivers), and those that post points
(sources)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from wallet.access import sources
from wallet.access.changes import ChangedThing
from wallet.access.rights import may_give
from wallet.access.sources import Source
from wallet.configuration.settings import DEMO
from wallet.console import listing, opened, pages
from wallet.console.errors import error_page
from wallet.console.forms import FormEntries
from wallet.console.opened import StaleForm
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.shell import ConsoleLink
from wallet.errors import (
    EVENT,
    ReceiverRefused,
    ScopeMissing,
    SourceRefused,
    UnknownEvent,
    UnknownReceiver,
)
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.receivers import log, receivers, types
from wallet.receivers.addresses import LONGEST_URL
from wallet.receivers.receivers import LONGEST_NAME, PERSONAL, Receiver, ReceiverTerms, Replay
from wallet.sentences import CATALOGUE

HERE = "settings"  # the entry of the menu
READ, WRITE = "receivers:read", "receivers:write"
SOURCES = "sources:write"

HERE_ALONE, EVERYWHERE = "here", "everywhere"  # of which programmes a receiver is told
GIVEN_UP, ONE_EVENT, ALL_SINCE = "given_up", "event", "since"  # what is sent once more

routes = Blueprint("webhooks", __name__)
base = f"{IN_PROGRAMME}/webhooks"


# --- Receivers ----------------------------------------------------------------------------------


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
        tabs=_tabs("show"),
        receivers=found,
        given_up=given_up,
        state_of=_state,
        told_of=_told_of,
    )


@routes.get(f"{base}/new")
@needs(WRITE)
def new_receiver() -> str:
    """The form for another receiver."""
    return pages.show(
        "console/staff/receiver_form.html", HERE, entries={}, problems={}, one=None, **_choices()
    )


@routes.post(f"{base}/new")
@needs(WRITE)
def add_receiver() -> Response | str:
    """Add a receiver. Its secret is shown this once."""
    house, entries = current_installation(), FormEntries()
    wanted = _terms(entries)
    where = entries.choice("where", [value for value, _words in _wheres()])
    terms = ReceiverTerms(
        wanted["name"],
        wanted["url"],
        None if where == EVERYWHERE else pages.programme().id,
        wanted["types"],
        wanted["personal"],
    )
    if entries.fit:
        try:
            with house.database.transaction() as session:
                made, secret = receivers.add(
                    session, house.keys, house.receivers_at, terms, pages.doer(), house.clock()
                )
        except (ReceiverRefused, ScopeMissing) as refused:
            entries.refused(refused, _field_of(refused, terms.url))
    if not entries.fit:
        return pages.show_again(
            "console/staff/receiver_form.html", HERE, entries, one=None, **_choices()
        )
    return _secret(made, secret, is_first=True)


@routes.get(f"{base}/<receiver_id>")
@needs(READ)
def receiver(receiver_id: str) -> Response | str:
    """One receiver: how it does, and what was sent to it."""
    house, place = current_installation(), listing.after()
    failed, event = "failed" in request.args, _event(request.args.get("event", ""))

    def page(session: Session, one: Receiver) -> str:
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

    return _about(receiver_id, READ, page)


@routes.get(f"{base}/<receiver_id>/edit")
@needs(WRITE)
def edit_receiver(receiver_id: str) -> Response | str:
    """The form for other terms."""

    def page(session: Session, one: Receiver) -> str:
        return pages.show(
            "console/staff/receiver_form.html",
            HERE,
            entries=_as_entries(one),
            problems={},
            one=one,
            opened=opened.last_change(session, [_thing(one)]),
            **_choices(),
        )

    return _about(receiver_id, WRITE, page)


@routes.post(f"{base}/<receiver_id>/edit")
@needs(WRITE)
def change_receiver(receiver_id: str) -> Response | str:
    """Tell the receiver something else, or elsewhere."""
    house, entries = current_installation(), FormEntries()
    wanted = _terms(entries)

    def work(session: Session, one: Receiver) -> Response:
        opened.require_fresh(session, entries, [_thing(one)])
        by, now = pages.doer(), house.clock()
        receivers.change(session, house.receivers_at, one.public_id, wanted, by, now)
        pages.say(_("“%(name)s” is saved.", name=one.name))
        return pages.go("console.webhooks.receiver", receiver_id=one.public_id)

    if entries.fit:
        try:
            return _change(receiver_id, work)
        except StaleForm:
            pass  # said above the form
        except (ReceiverRefused, ScopeMissing) as refused:
            entries.refused(refused, _field_of(refused, wanted["url"]))

    def page(session: Session, one: Receiver) -> Response:
        mark = opened.last_change(session, [_thing(one)])
        return pages.show_again(
            "console/staff/receiver_form.html", HERE, entries, one=one, opened=mark, **_choices()
        )

    return _about(receiver_id, WRITE, page)


@routes.post(f"{base}/<receiver_id>/test")
@needs(WRITE)
def test_receiver(receiver_id: str) -> Response | str:
    """Send a test event. What comes of it stands in the list of attempts."""
    house = current_installation()

    def work(session: Session, one: Receiver) -> Response:
        event = receivers.test(session, one.public_id, house.clock())
        pages.say(_("Test event %(number)s is on its way.", number=str(event)))
        return pages.go("console.webhooks.receiver", receiver_id=one.public_id)

    return _done(receiver_id, work)


@routes.post(f"{base}/<receiver_id>/switch")
@needs(WRITE)
def switch_receiver(receiver_id: str) -> Response | str:
    """Pause a receiver, or let it go on."""
    house, is_on = current_installation(), request.form.get("state") == "on"

    def work(session: Session, one: Receiver) -> Response:
        wanted, now = {"enabled": is_on}, house.clock()
        receivers.change(session, house.receivers_at, one.public_id, wanted, pages.doer(), now)
        if is_on:
            pages.say(_("“%(name)s” is told what happens from now on.", name=one.name))
        else:
            pages.say(_("“%(name)s” is told nothing until you switch it on.", name=one.name))
        return pages.go("console.webhooks.receiver", receiver_id=one.public_id)

    return _done(receiver_id, work)


@routes.post(f"{base}/<receiver_id>/secret")
@needs(WRITE)
def add_secret(receiver_id: str) -> Response | str:
    """One more secret, shown this once. Events are signed with all that are live."""
    house = current_installation()

    def work(session: Session, one: Receiver) -> Response | str:
        if str(receivers.number_of_secrets(session, one.id)) != request.form.get("secrets"):
            return pages.go("console.webhooks.receiver", receiver_id=one.public_id)  # sent twice
        by, now = pages.author(), house.clock()
        secret = receivers.rotate(session, house.keys, one.public_id, by, now)
        return _secret(one, secret, is_first=False)

    return _done(receiver_id, work)


@routes.post(f"{base}/<receiver_id>/retire")
@needs(WRITE)
def retire_secrets(receiver_id: str) -> Response | str:
    """End all secrets but the newest."""
    house = current_installation()

    def work(session: Session, one: Receiver) -> Response:
        receivers.retire(session, one.public_id, pages.author(), house.clock())
        pages.say(_("Only the newest secret is left."))
        return pages.go("console.webhooks.receiver", receiver_id=one.public_id)

    return _done(receiver_id, work)


@routes.get(f"{base}/<receiver_id>/replay")
@needs(WRITE)
def ask_to_replay(receiver_id: str) -> Response | str:
    """The form for what is to be sent once more."""
    return _about(receiver_id, WRITE, lambda session, one: _replay_form(session, one, None))


@routes.post(f"{base}/<receiver_id>/replay")
@needs(WRITE)
def replay(receiver_id: str) -> Response | str:
    """Send events once more, under their own ids."""
    house, entries = current_installation(), FormEntries()
    what = entries.choice("what", (GIVEN_UP, ONE_EVENT, ALL_SINCE))
    number = entries.whole("number", required=True) if what in (ONE_EVENT, ALL_SINCE) else None
    if number is not None and number < 1:
        entries.refuse("number", _("This is no number of an event."))
    wanted = Replay(
        number if what == ALL_SINCE else None,
        number if what == ONE_EVENT else None,
        what == GIVEN_UP,
    )

    def work(session: Session, one: Receiver) -> Response:
        receivers.replay(session, one.public_id, wanted, pages.author(), house.clock())
        pages.say(_("They go to “%(name)s” once more.", name=one.name))
        return pages.go("console.webhooks.receiver", receiver_id=one.public_id)

    if entries.fit:
        try:
            return _change(receiver_id, work)
        except UnknownEvent:
            entries.refuse("number", _("There is no such event, or none any more."))
    return _about(receiver_id, WRITE, lambda session, one: _replay_form(session, one, entries))


@routes.get(f"{base}/<receiver_id>/remove")
@needs(WRITE)
def ask_to_remove_receiver(receiver_id: str) -> Response | str:
    """What follows if the receiver is removed."""

    def page(session: Session, one: Receiver) -> str:
        given_up = log.given_up(session).get(one.id, 0)
        return pages.show("console/staff/receiver_remove.html", HERE, one=one, given_up=given_up)

    return _about(receiver_id, WRITE, page)


@routes.post(f"{base}/<receiver_id>/remove")
@needs(WRITE)
def remove_receiver(receiver_id: str) -> Response | str:
    """Tell the receiver nothing any more, and forget it."""
    house = current_installation()

    def work(session: Session, one: Receiver) -> Response:
        name = one.name
        receivers.remove(session, one.public_id, pages.author(), house.clock())
        pages.say(_("“%(name)s” is told nothing from now on.", name=name))
        return pages.go("console.webhooks.show")

    return _done(receiver_id, work)


# --- Sources ------------------------------------------------------------------------------------


@routes.get(f"{base}/sources")
@needs(SOURCES)
def show_sources() -> str:
    """Which systems may post points in this programme."""
    house, here = current_installation(), pages.programme()
    with house.database.reading() as session:
        found = sources.listed(session, here.id)
        secrets = sources.secrets_since(session, [one.id for one in found])
    is_own = house.settings.webhook_secret is not None and here.code == DEMO
    return pages.show(
        "console/staff/sources.html",
        HERE,
        tabs=_tabs("show_sources"),
        sources=found,
        secrets=secrets,
        kind_of=_kind,
        environment_url=_address(DEMO) if is_own else None,
    )


@routes.get(f"{base}/new-source")
@needs(SOURCES)
def new_source() -> str:
    """The form for another source."""
    return pages.show(
        "console/staff/source_new.html", HERE, entries={}, problems={}, kinds=_kinds()
    )


@routes.post(f"{base}/new-source")
@needs(SOURCES)
def add_source() -> Response | str:
    """Let a system post points. Its secret is shown this once."""
    house, entries = current_installation(), FormEntries()
    name, kind = entries.text("name"), entries.choice("kind", sources.KINDS)
    if entries.fit:
        secret, here = sources.new_secret(), pages.programme().id
        try:
            with house.database.transaction() as session:
                by, now = pages.author(), house.clock()
                sources.add(session, house.keys, name, kind, here, secret, by, now)
        except SourceRefused as refused:
            entries.refused(refused, "name")
    if not entries.fit:
        return pages.show_again("console/staff/source_new.html", HERE, entries, kinds=_kinds())
    return pages.show(
        "console/staff/source_secret.html",
        HERE,
        name=name,
        url=_address(name),
        secret=secret,
        is_first=True,
    )


@routes.get(f"{base}/sources/<name>")
@needs(SOURCES)
def source(name: str) -> Response | str:
    """One source: its address, and its secrets."""

    def page(session: Session, one: Source) -> str:
        return pages.show(
            "console/staff/source.html",
            HERE,
            one=one,
            kind=_kind(one.kind),
            url=_address(one.name),
            secrets=sources.secrets_since(session, [one.id])[one.id],
            most_secrets=sources.MOST_SECRETS,
        )

    return _about_source(name, page)


@routes.post(f"{base}/sources/<name>/secret")
@needs(SOURCES)
def add_source_secret(name: str) -> Response | str:
    """One more secret, shown this once; the older ones stay good."""
    house = current_installation()

    def work(session: Session, one: Source) -> Response | str:
        live = sources.secrets_since(session, [one.id])[one.id]
        if str(len(live)) != request.form.get("secrets"):
            return pages.go("console.webhooks.source", name=name)  # sent twice
        secret = sources.rotate(session, house.keys, name, pages.author(), house.clock())
        return pages.show(
            "console/staff/source_secret.html",
            HERE,
            name=name,
            url=_address(name),
            secret=secret,
            is_first=False,
        )

    return _change_source(name, work)


@routes.post(f"{base}/sources/<name>/retire")
@needs(SOURCES)
def retire_source_secrets(name: str) -> Response | str:
    """Refuse all secrets but the newest."""
    house = current_installation()

    def work(session: Session, _one: Source) -> Response:
        sources.retire(session, name, pages.author(), house.clock())
        pages.say(_("Only the newest secret is left."))
        return pages.go("console.webhooks.source", name=name)

    return _change_source(name, work)


@routes.get(f"{base}/sources/<name>/remove")
@needs(SOURCES)
def ask_to_remove_source(name: str) -> Response | str:
    """What follows if the source is removed."""

    def page(_session: Session, one: Source) -> str:
        return pages.show("console/staff/source_remove.html", HERE, one=one)

    return _about_source(name, page)


@routes.post(f"{base}/sources/<name>/remove")
@needs(SOURCES)
def remove_source(name: str) -> Response | str:
    """Refuse what the source sends from now on."""
    house = current_installation()

    def work(session: Session, _one: Source) -> Response:
        sources.remove(session, name, pages.author(), house.clock())
        pages.say(_("“%(name)s” is refused from now on.", name=name))
        return pages.go("console.webhooks.show_sources")

    return _change_source(name, work)


# --- What pages are made of ---------------------------------------------------------------------

ReceiverPage = Callable[[Session, Receiver], Any]
SourcePage = Callable[[Session, Source], Any]


def _is_seen(one: Receiver, right: str) -> bool:
    """Whether the reader has this right over the receiver on pages of this programme: over those
    that hear of it alone, and over those that hear of all, if they have it in all."""
    if one.programme_id is None:
        return pages.may_everywhere(right)
    return one.programme_id == pages.programme().id and pages.may(right)


def _about(receiver_id: str, right: str, page: ReceiverPage) -> Response | str:
    """A page about this receiver; 404 if it is none of this programme's."""
    with current_installation().database.reading() as session:
        try:
            one = receivers.find(session, receiver_id)
        except UnknownReceiver:
            return _not_there()
        return page(session, one) if _is_seen(one, right) else _not_there()


def _change(receiver_id: str, work: ReceiverPage) -> Response | str:
    """The same, in a transaction that has the receiver's lock."""

    def reached(session: Session) -> Response | str:
        try:
            one = receivers.locked(session, receiver_id)
        except UnknownReceiver:
            return _not_there()
        return work(session, one) if _is_seen(one, WRITE) else _not_there()

    return current_installation().database.run(reached)


def _done(receiver_id: str, work: ReceiverPage) -> Response | str:
    """A change without a form of its own: what is refused is said on the receiver's page."""
    try:
        return _change(receiver_id, work)
    except (ReceiverRefused, ScopeMissing) as refused:
        pages.say(refused.sentence(language.current()))
        return pages.go("console.webhooks.receiver", receiver_id=receiver_id)


def _about_source(name: str, page: SourcePage) -> Response | str:
    with current_installation().database.reading() as session:
        one = _source(session, name)
        return _not_there() if one is None else page(session, one)


def _change_source(name: str, work: SourcePage) -> Response | str:
    def reached(session: Session) -> Response | str:
        one = _source(session, name)
        return _not_there() if one is None else work(session, one)

    try:
        return current_installation().database.run(reached)
    except SourceRefused as refused:
        pages.say(refused.sentence(language.current()))
        return pages.go("console.webhooks.source", name=name)


def _source(session: Session, name: str) -> Source | None:
    """The source of this name, if it is one of this programme's."""
    found = sources.listed(session, pages.programme().id)
    return next((one for one in found if one.name == name), None)


def _not_there() -> Response:
    return error_page(404, pages.frame(HERE))


def _tabs(here: str) -> Sequence[ConsoleLink]:
    views = (
        ("show", READ, _("They are told what happens")),
        ("show_sources", SOURCES, _("They post points")),
    )
    return [
        ConsoleLink(words, pages.url(f"console.webhooks.{view}"), "", view == here)
        for view, right, words in views
        if pages.may(right)
    ]


def _secret(one: Receiver, secret: str, *, is_first: bool) -> str:
    return pages.show(
        "console/staff/receiver_secret.html", HERE, one=one, secret=secret, is_first=is_first
    )


def _replay_form(session: Session, one: Receiver, entries: FormEntries | None) -> Response | str:
    given_up = log.given_up(session).get(one.id, 0)
    if entries is not None:
        return pages.show_again(
            "console/staff/receiver_replay.html", HERE, entries, one=one, given_up=given_up
        )
    chosen = {
        "what": GIVEN_UP if given_up else ONE_EVENT,
        "number": request.args.get("event", ""),
    }
    return pages.show(
        "console/staff/receiver_replay.html",
        HERE,
        one=one,
        given_up=given_up,
        entries=chosen,
        problems={},
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


def _field_of(refused: ReceiverRefused | ScopeMissing, url: str) -> str:
    """At which field of the form a refusal is said."""
    if isinstance(refused, ScopeMissing):
        return "personal"
    return "url" if current_installation().receivers_at.objection(url) is not None else "name"


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


def _kind(kind: str) -> str:
    return CATALOGUE.text(language.current(), kind, sources.CONTEXT)


def _kinds() -> Sequence[tuple[str, str]]:
    return [(one, _kind(one)) for one in sources.KINDS]


def _address(name: str) -> str:
    return f"{current_installation().settings.public_url}/webhooks/{name}"
