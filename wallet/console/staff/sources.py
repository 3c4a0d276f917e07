"""Systems that post points in a programme: their addresses and secrets."""

from collections.abc import Sequence

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from wallet.access import sources
from wallet.access.sources import Source
from wallet.configuration.settings import DEMO
from wallet.console import doing, pages
from wallet.console.forms import FormEntries
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.staff import webhook_tabs
from wallet.console.staff.webhook_tabs import SOURCES
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

HERE = "settings"  # the entry of the menu
NEW = "console/staff/source_new.html"

routes = Blueprint("sources", __name__)
base = f"{IN_PROGRAMME}/webhooks/sources"


@routes.get(base)
@needs(SOURCES)
def show() -> str:
    """Which systems may post points in this programme."""
    house, here = current_installation(), pages.programme()
    with house.database.reading() as session:
        found = sources.listed(session, here.id)
        secrets = sources.secrets_since(session, [one.id for one in found])
    is_own = house.settings.webhook_secret is not None and here.code == DEMO
    return pages.show(
        "console/staff/sources.html",
        HERE,
        tabs=webhook_tabs.tabs("sources"),
        sources=found,
        secrets=secrets,
        kind_of=_kind,
        environment_url=_address(DEMO) if is_own else None,
    )


@routes.get(f"{IN_PROGRAMME}/webhooks/new-source")
@needs(SOURCES)
def new() -> str:
    """The form for another source."""
    return pages.show(NEW, HERE, entries={}, problems={}, kinds=_kinds())


@routes.post(f"{IN_PROGRAMME}/webhooks/new-source")
@needs(SOURCES)
def add() -> Response | str:
    """Let a system post points. Its secret is shown this once."""
    house, entries = current_installation(), FormEntries()
    here, by = pages.programme().id, pages.author()
    name, kind = entries.text("name"), entries.choice("kind", sources.KINDS)
    secret = sources.new_secret()

    def work(session: Session) -> None:
        sources.add(session, house.keys, name, kind, here, secret, by, house.clock())

    if not entries.fit or not doing.done(entries, work, "name"):
        return pages.show_again(NEW, HERE, entries, kinds=_kinds())
    return _secret(name, secret, is_first=True)


@routes.get(f"{base}/<name>")
@needs(SOURCES)
def show_one(name: str) -> str:
    """One source: its address, and its secrets."""
    with current_installation().database.reading() as session:
        one = _source(session, name)
        return pages.show(
            "console/staff/source.html",
            HERE,
            one=one,
            kind=_kind(one.kind),
            url=_address(one.name),
            secrets=sources.secrets_since(session, [one.id])[one.id],
            most_secrets=sources.MOST_SECRETS,
        )


@routes.post(f"{base}/<name>/secret")
@needs(SOURCES)
def add_secret(name: str) -> Response | str:
    """One more secret, shown this once; the older ones stay good."""
    house, by, known = current_installation(), pages.author(), request.form.get("secrets")

    def work(session: Session) -> str | None:
        one = _source(session, name)
        if str(len(sources.secrets_since(session, [one.id])[one.id])) != known:
            return None  # sent twice
        return sources.rotate(session, house.keys, name, by, house.clock())

    secret = doing.told(work)
    if secret is None:
        return pages.go("console.sources.show_one", name=name)
    return _secret(name, secret, is_first=False)


@routes.post(f"{base}/<name>/retire")
@needs(SOURCES)
def retire_secrets(name: str) -> Response:
    """Refuse all secrets but the newest."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> None:
        _source(session, name)
        sources.retire(session, name, by, house.clock())

    doing.told(work, _("Only the newest secret is left."))
    return pages.go("console.sources.show_one", name=name)


@routes.get(f"{base}/<name>/remove")
@needs(SOURCES)
def ask_to_remove(name: str) -> str:
    """What follows if the source is removed."""
    with current_installation().database.reading() as session:
        return pages.show("console/staff/source_remove.html", HERE, one=_source(session, name))


@routes.post(f"{base}/<name>/remove")
@needs(SOURCES)
def remove(name: str) -> Response:
    """Refuse what the source sends from now on."""
    house, by = current_installation(), pages.author()

    def work(session: Session) -> bool:
        _source(session, name)
        sources.remove(session, name, by, house.clock())
        return True

    if doing.told(work, _("“%(name)s” is refused from now on.", name=name)):
        return pages.go("console.sources.show")
    return pages.go("console.sources.show_one", name=name)


def _source(session: Session, name: str) -> Source:
    """The source of this name, if it is one of this programme's; the request ends with 404 for
    others."""
    found = sources.listed(session, pages.programme().id)
    one = next((one for one in found if one.name == name), None)
    return pages.not_there(HERE) if one is None else one


def _secret(name: str, secret: str, *, is_first: bool) -> str:
    return pages.show(
        "console/staff/source_secret.html",
        HERE,
        name=name,
        url=_address(name),
        secret=secret,
        is_first=is_first,
    )


def _kind(kind: str) -> str:
    return CATALOGUE.text(language.current(), kind, sources.CONTEXT)


def _kinds() -> Sequence[tuple[str, str]]:
    return [(one, _kind(one)) for one in sources.KINDS]


def _address(name: str) -> str:
    return f"{current_installation().settings.public_url}/webhooks/{name}"
