"""The people of the staff: who there is and who is signed in, inviting, roles, links for passwords,
going."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from flask import Blueprint, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.contacts import Unfit
from ledger.words import N_
from wallet.access import letters, roles, staffing
from wallet.access.changes import ChangeFilter, RecordedChange
from wallet.access.roles import Role
from wallet.access.staffing import STAFF, Colleague, HeldRole, Invitation
from wallet.console import change_lines, listing, opened, pages
from wallet.console.forms import FORM, FormEntries
from wallet.console.pages import needs, proved
from wallet.errors import (
    BeyondOwnRights,
    EmployeeRefused,
    RolesChangedMeanwhile,
    UnknownEmployee,
)
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext
from wallet.sentences import CATALOGUE

HERE = "settings"  # the entry of the menu
RECENT = 5  # changes on somebody's page

routes = Blueprint("staff", __name__)


ROLES_IN_SHORT: Mapping[Role, str] = {
    "viewer": N_("sees members, cards and messages, and changes nothing"),
    "card_editor": N_("adds and corrects members and their cards, without points"),
    "marketer": N_(
        "messages, announcements, terms and points by hand; not the company, stores or staff"
    ),
    "manager": N_("all but the staff"),
    "administrator": N_("everything, the staff and API keys too"),
    "call_centre": N_("finds a member by phone and reads the history"),
    "cashier": N_("gives and takes points at the till"),
}


@dataclass(frozen=True, slots=True)
class RolePlace:
    """Where roles can be given: in one programme, or in all. `offered`: (value, words) of each."""

    words: str
    programme_id: int | None
    offered: Sequence[tuple[str, str]]


@routes.get("/staff")
@needs(STAFF)
def show() -> str:
    """Everybody, by their addresses."""
    house, actors = current_installation(), pages.person().actors
    search, place = request.args.get("q", "").strip(), listing.after()
    with house.database.reading() as session:
        found = staffing.colleagues(
            session,
            actors,
            house.clock(),
            search=search,
            after_id=None if place is None else place[0],
            limit=listing.ROWS + 1,
        )
        count = staffing.count(session, actors, search)
    return pages.show(
        "console/staff/staff.html",
        HERE,
        page=listing.page(found, lambda one: (one.employee.id,)),
        count=ngettext("%(num)s person", "%(num)s people", count),
        search=search,
        said_roles=_said_roles,
        state_of=_state,
    )


@routes.get("/staff/invite")
@needs(STAFF)
def invite() -> str:
    """The form for somebody new; with `role` in the address that role is chosen already."""
    chosen = _asked_role()
    return pages.show(
        "console/staff/invite.html",
        HERE,
        entries={},
        problems={},
        chosen=chosen,
        **_offered(chosen),
    )


@routes.post("/staff/invite")
@needs(STAFF)
def send_invitation() -> Response | str:
    """Give somebody roles. Who has no password yet gets a link: it is shown this once."""
    house, entries = current_installation(), FormEntries()
    email, wanted, by_letter = entries.text("email"), _chosen(entries), False
    if not wanted:
        entries.refuse("roles", _("Choose at least one role."))
    if entries.fit:
        try:
            with house.database.transaction() as session:
                invited = staffing.invite(session, pages.doer(), email, wanted, house.clock())
                by_letter = _send(session, invited, "invitation")
        except Unfit:
            entries.refuse("email", _("This is no address of e-mail."))
        except EmployeeRefused as refused:
            entries.refused(refused, "email")
        except BeyondOwnRights as refused:
            entries.refused(refused)
    if not entries.fit:
        return pages.show_again(
            "console/staff/invite.html",
            HERE,
            entries,
            chosen=set(entries.several("roles")),
            **_offered(set(entries.several("roles"))),
        )
    if invited.token is None:
        pages.say(_("%(email)s has the role now.", email=invited.employee.email))
        return pages.go("console.staff.person", employee_id=invited.employee.id)
    return _handed_over(invited, is_new=True, by_letter=by_letter)


@routes.get("/staff/<int:employee_id>")
@needs(STAFF)
def person(employee_id: int) -> Response | str:
    """One colleague: roles, sessions, what was changed about them."""

    def page(session: Session, one: Colleague) -> str:
        return pages.show(
            "console/staff/person.html",
            HERE,
            one=one,
            state=_state(one),
            said_roles=_said_roles(one),
            is_me=_is_me(one),
            decides=_decides(one),
            is_removable=_is_removable(one),
            lines=_lines_about(session, one),
        )

    return _about(employee_id, page)


@routes.get("/staff/<int:employee_id>/roles")
@needs(STAFF)
def edit_roles(employee_id: int) -> Response | str:
    """The form for another choice of roles."""

    def page(_session: Session, one: Colleague) -> str:
        held = {_value(role) for role in _decided(one)}
        return pages.show(
            "console/staff/roles.html",
            HERE,
            one=one,
            entries={},
            problems={},
            chosen=held,
            opened=sorted(held),
            **_offered(held),
        )

    return _about(employee_id, page)


@routes.post("/staff/<int:employee_id>/roles")
@needs(STAFF)
def change_roles(employee_id: int) -> Response | str:
    """Give somebody these roles instead."""
    house, entries = current_installation(), FormEntries()
    opened_with = _read(entries.several(opened.FIELD))
    wanted = _chosen(entries)
    try:
        if entries.fit:
            with house.database.transaction() as session:
                changed = staffing.change_roles(
                    session, pages.doer(), employee_id, opened_with, wanted, house.clock()
                )
            pages.say(_("The roles of %(email)s are saved.", email=changed.email))
            return pages.go("console.staff.person", employee_id=employee_id)
    except UnknownEmployee:
        _nobody()
    except RolesChangedMeanwhile:
        pass
    except (EmployeeRefused, BeyondOwnRights) as refused:
        entries.refused(refused, "roles" if isinstance(refused, EmployeeRefused) else FORM)

    def page(session: Session, one: Colleague) -> Response:
        if entries.fit:
            entries.refuse(FORM, _who_changed(session, one))
        return pages.show_again(
            "console/staff/roles.html",
            HERE,
            entries,
            one=one,
            chosen=set(entries.several("roles")),
            opened=sorted(map(_value, _decided(one))),
            **_offered(set(entries.several("roles"))),
        )

    return _about(employee_id, page)


@routes.post("/staff/<int:employee_id>/link")
@needs(STAFF)
@proved
def make_link(employee_id: int) -> Response | str:
    """A new link for a password, shown this once: for somebody who lost the first, or forgot the
    password."""
    house = current_installation()
    try:
        with house.database.transaction() as session:
            made = staffing.link(session, pages.doer(), employee_id, house.clock())
            is_new = made.employee.password_hash is None
            by_letter = _send(session, made, "invitation" if is_new else "reset")
    except (UnknownEmployee, BeyondOwnRights):
        _nobody()
    return _handed_over(made, is_new=is_new, by_letter=by_letter)


@routes.get("/staff/<int:employee_id>/second-factor")
@needs(STAFF)
@proved
def ask_to_take_away_factors(employee_id: int) -> Response | str:
    """What follows if somebody signs in with the password alone."""

    def page(_session: Session, one: Colleague) -> Response | str:
        if not (_decides(one) and one.has_second_factor and not _is_me(one)):
            return pages.go("console.staff.person", employee_id=employee_id)
        return pages.show("console/staff/factors.html", HERE, one=one)

    return _about(employee_id, page)


@routes.post("/staff/<int:employee_id>/second-factor")
@needs(STAFF)
@proved
def take_away_factors(employee_id: int) -> Response | str:
    """Have somebody who has lost their phone sign in with the password alone."""
    house = current_installation()
    try:
        with house.database.transaction() as session:
            one = staffing.take_away_factors(session, pages.doer(), employee_id, house.clock())
    except (UnknownEmployee, BeyondOwnRights, EmployeeRefused):
        _nobody()
    pages.say(_("%(email)s signs in with the password alone now.", email=one.email))
    return pages.go("console.staff.person", employee_id=employee_id)


@routes.get("/staff/<int:employee_id>/sign-out")
@needs(STAFF)
def ask_to_sign_out(employee_id: int) -> Response | str:
    """What follows if somebody is signed out in every browser."""

    def page(_session: Session, one: Colleague) -> Response | str:
        if not (_decides(one) and one.attendance):
            return pages.go("console.staff.person", employee_id=employee_id)
        return pages.show("console/staff/sign_out.html", HERE, one=one, is_me=_is_me(one))

    return _about(employee_id, page)


@routes.post("/staff/<int:employee_id>/sign-out")
@needs(STAFF)
def sign_out(employee_id: int) -> Response | str:
    """Sign somebody out in every browser."""
    house = current_installation()
    try:
        with house.database.transaction() as session:
            gone = staffing.sign_out(session, pages.doer(), employee_id, house.clock())
    except (UnknownEmployee, BeyondOwnRights):
        _nobody()
    pages.say(_("%(email)s is signed out everywhere.", email=gone.email))
    return pages.go("console.staff.person", employee_id=employee_id)


@routes.get("/staff/<int:employee_id>/remove")
@needs(STAFF)
def ask_to_remove(employee_id: int) -> Response | str:
    """What follows if somebody is removed."""

    def page(session: Session, one: Colleague) -> Response | str:
        if not _is_removable(one):
            _nobody()
        return pages.show(
            "console/staff/remove.html",
            HERE,
            one=one,
            problems={},
            keys=_keys_made(session, one),
        )

    return _about(employee_id, page)


@routes.post("/staff/<int:employee_id>/remove")
@needs(STAFF)
def remove(employee_id: int) -> Response | str:
    """Let somebody in no more, as far as one decides over them."""
    house, entries = current_installation(), FormEntries()
    try:
        with house.database.transaction() as session:
            gone = staffing.remove(session, pages.doer(), employee_id, house.clock())
    except UnknownEmployee:
        _nobody()
    except (EmployeeRefused, BeyondOwnRights) as refused:
        entries.refused(refused)

        def page(session: Session, one: Colleague) -> Response:
            keys = _keys_made(session, one)
            return pages.show_again("console/staff/remove.html", HERE, entries, one=one, keys=keys)

        return _about(employee_id, page)
    pages.say(_("%(email)s is let in no more.", email=gone.email))
    return pages.go("console.staff.show")


# --- What pages are made of -------------------------------------------------------------------


def _about(
    employee_id: int, page: Callable[[Session, Colleague], Response | str]
) -> Response | str:
    """A page about this colleague; 404 for whom one does not see."""
    house = current_installation()
    with house.database.reading() as session:
        try:
            actors = pages.person().actors
            one = staffing.colleague(session, actors, employee_id, house.clock())
        except UnknownEmployee:
            _nobody()
        return page(session, one)


def _nobody() -> NoReturn:
    pages.not_there(HERE)


def _send(session: Session, made: Invitation, kind: Literal["invitation", "reset"]) -> bool:
    """Have the link sent to its owner, where a mail server is set up."""
    house, token = current_installation(), made.token
    return token is not None and letters.send_link(
        session,
        house.keys,
        house.settings.mail,
        kind,
        made.employee.email,
        token,
        language.current(),
        house.clock(),
    )


def _handed_over(made: Invitation, *, is_new: bool, by_letter: bool) -> str:
    """The link, to be handed over like a key; if it goes `by_letter`, for whom no letter
    reaches."""
    url = f"{current_installation().settings.console_url}/welcome/{made.token}"
    return pages.show(
        "console/staff/link.html",
        HERE,
        employee=made.employee,
        url=url,
        is_new=is_new,
        by_letter=by_letter,
    )


def _places() -> Sequence[RolePlace]:
    """Where the reader may give roles, and which."""
    actors, tongue = pages.person().actors, language.current()
    found: list[tuple[int | None, str]] = [
        (one.id, one.name) for one in pages.seen_programmes() if pages.person().may(STAFF, one.id)
    ]
    if pages.may_everywhere(STAFF):
        found.insert(0, (None, _("In all programmes, also in those to come")))
    return [
        RolePlace(
            words,
            programme_id,
            [
                (_value(HeldRole(role, programme_id)), CATALOGUE.text(tongue, role, roles.CONTEXT))
                for role in roles.ROLES
                if staffing.decides_over(actors, [HeldRole(role, programme_id)])
            ],
        )
        for programme_id, words in found
    ]


def _offered(chosen: Collection[str]) -> Mapping[str, object]:
    """What a form of roles offers. Places matter only to who has several programmes, or to somebody
    who has several roles already: all others choose one role."""
    places = _places()
    if len(pages.seen_programmes()) > 1 or len(chosen) > 1:
        return {"places": places, "roles_in_short": None}
    values = {value for place in places for value, _words in place.offered}
    simple = [
        (value, words, _(ROLES_IN_SHORT[role]))
        for place in places
        for value, words in place.offered
        for role in roles.ROLES
        if value == _simple(role, values)
    ]
    if not set(chosen) <= {value for value, *_words in simple}:
        return {"places": places, "roles_in_short": None}
    order = {_simple(role, values): place for place, role in enumerate(roles.ROLES)}
    return {"places": places, "roles_in_short": sorted(simple, key=lambda one: order[one[0]])}


def _simple(role: Role, values: Collection[str]) -> str:
    """How a role is given where there is one programme: in it. Who administers all that is there,
    as the reader does, administers what is to come as well."""
    everywhere = _value(HeldRole(role, None))
    if role == "administrator" and everywhere in values:
        return everywhere
    return _value(HeldRole(role, pages.seen_programmes()[0].id))


def _asked_role() -> set[str]:
    """The role that the address asks for, as a form has it."""
    values = {value for place in _places() for value, _words in place.offered}
    asked = request.args.get("role")
    role = next((one for one in roles.ROLES if one == asked), None)
    if role is None or not pages.seen_programmes():
        return set()
    return {_simple(role, values)} & values


def _value(held: HeldRole) -> str:
    """The role as a form has it: `cashier@demo`, without a code for all programmes."""
    codes = {one.id: one.code for one in pages.seen_programmes()}
    return f"{held.role}@{'' if held.programme_id is None else codes[held.programme_id]}"


def _chosen(entries: FormEntries) -> frozenset[HeldRole]:
    """The roles that were ticked."""
    ticked = entries.several("roles")
    read = _read(ticked)
    if len(read) != len(set(ticked)):
        entries.refuse("roles", _("Please choose one of them."))
    return read


def _read(values: Collection[str]) -> frozenset[HeldRole]:
    """Roles as a form has them; what is none is left out."""
    ids: dict[str, int | None] = {one.code: one.id for one in pages.seen_programmes()}
    ids[""] = None
    found = set()
    for value in values:
        name, _at, code = value.partition("@")
        for role in roles.ROLES:
            if role == name and code in ids:
                found.add(HeldRole(role, ids[code]))
    return frozenset(found)


def _decided(one: Colleague) -> frozenset[HeldRole]:
    """The roles of this colleague that the reader decides over."""
    actors = pages.person().actors
    return frozenset(role for role in one.roles if staffing.decides_over(actors, [role]))


def _decides(one: Colleague) -> bool:
    """Whether the reader decides over all that this colleague may do."""
    return not one.elsewhere and staffing.decides_over(pages.person().actors, one.roles)


def _is_me(one: Colleague) -> bool:
    return one.employee.id == pages.person().employee_id


def _is_removable(one: Colleague) -> bool:
    """Whether the reader decides over anything that this colleague, who is another, may do."""
    return not _is_me(one) and bool(_decided(one))


def _said_roles(one: Colleague) -> Sequence[tuple[str, str]]:
    """The roles in words, each with where it counts."""
    tongue = language.current()
    names = {one.id: one.name for one in pages.seen_programmes()}
    return [
        (
            CATALOGUE.text(tongue, held.role, roles.CONTEXT),
            _("in all programmes")
            if held.programme_id is None
            else names.get(held.programme_id, ""),
        )
        for held in one.roles
    ]


def _state(one: Colleague) -> tuple[str, str]:
    """The state of a colleague: words, and the look of their badge."""
    if one.attendance is not None:
        return _("signed in"), "good"
    if one.employee.password_hash is not None:
        return _("not signed in"), "none"
    if one.link_until is not None:
        return _("invited"), "wait"
    return _("the link is over"), "bad"


def _lines_about(session: Session, one: Colleague) -> Sequence[change_lines.ChangeLine]:
    """What was changed about this colleague, where the reader may see the record."""
    if not pages.may_everywhere("changes:read"):
        return []
    wanted = ChangeFilter(kind="employee", of=one.employee.email)
    return change_lines.lines(session, wanted, None, RECENT)


def _who_changed(session: Session, one: Colleague) -> str:
    """Who changed the roles of this colleague last, and that they are others now."""
    return opened.meanwhile(session, "employee", one.employee.email)


def _keys_made(session: Session, one: Colleague) -> int:
    """How many API keys this colleague made: they go on working."""
    return session.scalars(
        select(func.count()).where(
            RecordedChange.author_name == one.employee.email, RecordedChange.code == "key.added"
        )
    ).one()
