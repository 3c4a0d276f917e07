"""API keys: which there are, what they may do, and making and revoking them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response
from werkzeug.wrappers import Response

from wallet.access import apikeys, grants, roles
from wallet.access.apikeys import LONGEST_NAME, SCOPES, ApiKey
from wallet.access.grants import KEYS, KeyTerms
from wallet.access.rights import ALL, may_give
from wallet.console import pages
from wallet.console.forms import FORM, FormEntries
from wallet.console.pages import needs
from wallet.errors import SCOPE, ApiKeyRefused, BeyondOwnRights, UnknownApiKey
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

HERE = "settings"  # the entry of the menu
FOR_ALL = "*"  # in the form: in all programmes
LAST_YEAR = 2999

routes = Blueprint("keys", __name__)


@routes.get("/keys")
@needs(KEYS)
def show() -> str:
    """All keys that the reader may see, those that are accepted first."""
    house, now = current_installation(), current_installation().clock()
    with house.database.reading() as session:
        found = grants.keys_of(session, pages.person().actors)
    return pages.show(
        "console/staff/keys.html",
        HERE,
        keys=sorted(found, key=lambda key: not key.is_live(now)),
        has_environment=bool(house.settings.api_key) and _may_make_for_all(),
        state_of=_state,
        where_of=_where,
        scopes_of=_in_short,
    )


@routes.get("/keys/new")
@needs(KEYS)
def new() -> str:
    """The form for another key."""
    return pages.show("console/staff/key_new.html", HERE, entries={}, problems={}, **_choices())


@routes.post("/keys/new")
@needs(KEYS)
def make() -> Response | str:
    """Make a key. It is shown this once."""
    house, entries = current_installation(), FormEntries()
    name = entries.text("name", most=LONGEST_NAME)
    code = entries.choice("where", [value for value, _words in _programmes()])
    there = next((one for one in pages.seen_programmes() if one.code == code), None)
    scopes = [ALL] if entries.ticked("everything") else entries.several("scopes")
    if not scopes:
        entries.refuse("scopes", _("Choose what the key may do."))
    expires_at = _end(entries, "UTC" if there is None else there.zone)
    if entries.fit:
        terms = KeyTerms(name, scopes, None if there is None else there.id, expires_at)
        try:
            with house.database.transaction() as session:
                key = grants.issue_key(session, pages.doer(), terms, house.clock())
                id_ = apikeys.named(session, name).id
        except ApiKeyRefused as refused:
            is_over = expires_at is not None and expires_at <= house.clock()
            entries.refused(refused, "last_day" if is_over else "name")
        except BeyondOwnRights as refused:
            entries.refused(refused, FORM)
    if not entries.fit:
        return pages.show_again("console/staff/key_new.html", HERE, entries, **_choices())
    return pages.show("console/staff/key_made.html", HERE, name=name, key=key, key_id=id_)


@routes.get("/keys/<int:key_id>")
@needs(KEYS)
def one(key_id: int) -> Response | str:
    """What a key may do, where, until when, and whether it is used."""
    return _about(key_id, "console/staff/key.html")


@routes.get("/keys/<int:key_id>/revoke")
@needs(KEYS)
def ask_to_revoke(key_id: int) -> Response | str:
    """What follows if the key is revoked."""
    return _about(key_id, "console/staff/key_revoke.html")


@routes.post("/keys/<int:key_id>/revoke")
@needs(KEYS)
def revoke(key_id: int) -> Response | str:
    """Refuse the key from now on."""
    house, entries = current_installation(), FormEntries()
    try:
        with house.database.transaction() as session:
            name = grants.key_of(session, pages.person().actors, key_id).name
            grants.revoke_key(session, pages.doer(), name, house.clock())
    except UnknownApiKey:
        _no_key()
    except ApiKeyRefused as refused:
        entries.refused(refused)
        return make_response(_about(key_id, "console/staff/key_revoke.html", entries.problems), 422)
    pages.say(_("The key “%(name)s” is refused from now on.", name=name))
    return pages.go("console.keys.show")


def _end(entries: FormEntries, zone: str) -> datetime | None:
    """When the last day ends, by the clock of this zone; None for no last day."""
    last_day = entries.day("last_day", required=False)
    if last_day is None:
        return None
    if last_day.year > LAST_YEAR:
        entries.refuse("last_day", _("This is not a day."))
        return None
    return datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(zone))


def _about(key_id: int, template: str, problems: Mapping[str, str] | None = None) -> Response | str:
    house = current_installation()
    try:
        with house.database.reading() as session:
            key = grants.key_of(session, pages.person().actors, key_id)
    except UnknownApiKey:
        _no_key()
    return pages.show(
        template,
        HERE,
        key=key,
        is_live=key.is_live(house.clock()),
        state=_state(key),
        where=_where(key),
        groups=_in_groups(key.scopes),
        has_everything=ALL in key.scopes,
        problems=problems or {},
    )


def _no_key() -> NoReturn:
    pages.not_there(HERE)


def _state(key: ApiKey) -> tuple[str, str]:
    if key.revoked_at is not None:
        return _("revoked"), "bad"
    if not key.is_live(current_installation().clock()):
        return _("ended"), "bad"
    return (_("never used"), "wait") if key.used_at is None else (_("in use"), "good")


def _where(key: ApiKey) -> str:
    if key.programme_id is None:
        return _("in all programmes")
    names = {one.id: one.name for one in pages.seen_programmes()}
    return names.get(key.programme_id, "")


def _in_short(key: ApiKey) -> str:
    """What a key may do, by the groups of its rights."""
    if ALL in key.scopes:
        return _("everything")
    return ", ".join(group for group, _rights in _in_groups(key.scopes))


def _in_groups(scopes: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The scopes among these, (value, words), by groups in words."""
    tongue = language.current()
    found = [
        (
            CATALOGUE.text(tongue, group, roles.CONTEXT_OF_GROUPS),
            [(one, CATALOGUE.text(tongue, one, SCOPE)) for one in rights if one in scopes],
        )
        for group, rights in roles.GROUPS.items()
    ]
    return [(group, rights) for group, rights in found if rights]


def _choices() -> Mapping[str, object]:
    """What the form for a key offers: where, and which of the reader's own rights."""
    person = pages.person()
    own = [scope for scope in SCOPES if any(person.may(scope, one) for one in _ids())]
    return {
        "programmes": _programmes(),
        "groups": _in_groups(own),
        "may_everything": any(may_give(person.actors, {ALL}, one) for one in _ids()),
        "longest": LONGEST_NAME,
    }


def _programmes() -> list[tuple[str, str]]:
    """Where the reader may make keys: the codes of programmes, and their names."""
    found = [
        (one.code, one.name) for one in pages.seen_programmes() if pages.person().may(KEYS, one.id)
    ]
    return [*found, (FOR_ALL, _("in all programmes"))] if _may_make_for_all() else found


def _ids() -> list[int | None]:
    """The same by their ids."""
    codes = {code for code, _words in _programmes()}
    ids: list[int | None] = [one.id for one in pages.seen_programmes() if one.code in codes]
    return [*ids, None] if _may_make_for_all() else ids


def _may_make_for_all() -> bool:
    return pages.may_everywhere(KEYS)
