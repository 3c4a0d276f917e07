"""What every page behind the door stands on: the right that it takes, the programme that its
address names, who is there, and what stands around it.

A view says with `needs` which rights it takes, and is called only for who has it. The programme in
an address is taken out of the view's arguments: `programme()` has it."""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn, TypeVar, cast

from flask import (
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.languages import Language
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.access import rights, roles
from wallet.access.changes import Author
from wallet.access.grants import Doer
from wallet.access.roles import Role
from wallet.access.staff_sessions import SeenProgramme, SignedIn
from wallet.console import moments, shell
from wallet.console.door import door
from wallet.console.errors import error_page
from wallet.console.forms import FormEntries
from wallet.console.shell import ConsoleLink, Frame, Reader
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

# What addresses of pages begin with that are of one programme.
IN_PROGRAMME = "/programmes/<programme>"

# Whoever has one of these rights finds something by the search of the bar.
FOUND_BY = ("members:read", "programmes:read")

ConsoleView = TypeVar("ConsoleView", bound=Callable[..., Any])


def needs(*wanted: str | None) -> Callable[[ConsoleView], ConsoleView]:
    """Decorate a view that takes these rights, each of them: in the programme that its address
    names, or in any if it names none. None: whoever is signed in may see it. A programme in which
    somebody may do nothing is not there for them."""
    taken = tuple(right for right in wanted if right is not None)

    def decorate(view: ConsoleView) -> ConsoleView:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.programme = None
            if (code := kwargs.pop("programme", None)) is not None:
                g.programme = next((one for one in seen_programmes() if one.code == code), None)
                if g.programme is None:
                    return error_page(404, frame(""))
            if not all(map(may, taken)):
                return error_page(403, frame(""))
            return view(*args, **kwargs)

        guarded.rights = taken  # type: ignore[attr-defined] # a test asks each view for it
        return cast(ConsoleView, guarded)

    return decorate


def proved(view: ConsoleView) -> ConsoleView:
    """Decorate a view, below `needs`, that changes how somebody comes in: it is for who has shown a
    moment ago that it is they who sit there. Others show it first, and come back; what they typed
    into a form as well (`kept.js`)."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if person().has_proved(current_installation().clock()):
            return view(*args, **kwargs)
        unsent = None if request.method == "GET" else "1"
        return door.lead(url_for("console.me.confirm", next=_form_of_request(), unsent=unsent))

    return cast(ConsoleView, guarded)


def _form_of_request() -> str:
    """The page of this request; of one that was sent by a form, the page that the form is likely to
    stand on: the nearest above it."""
    pages, path = current_app.url_map.bind(""), request.path
    while request.method != "GET" and path.count("/") > 1:
        if pages.test(path, "GET"):
            return path
        path = path.rpartition("/")[0]
    return request.path if request.method == "GET" else url_for("console.home.begin")


def person() -> SignedIn:
    """Who of the staff is there."""
    return door.signed_in()


def author() -> Author:
    """The same, as the author of what they change."""
    return Author("employee", person().email)


def doer() -> Doer:
    """The same, as who does something, with what they may do."""
    return Doer(author(), person().actors, person().employee_id)


def programme() -> SeenProgramme:
    """The programme that the page's address names."""
    found: SeenProgramme | None = g.programme
    assert found is not None, "the address of this page names no programme"  # noqa: S101
    return found


def programme_row(session: Session) -> Programme:
    """The same as its row."""
    return programmes.by_id(session, programme().id)


def may(right: str) -> bool:
    """Whether they have this right here: in the programme of the page, or in any, if it is of
    none."""
    here: SeenProgramme | None = g.programme
    return person().may(right, None if here is None else here.id)


def may_everywhere(right: str) -> bool:
    """Whether they have this right in all programmes, those included that are to come."""
    return any(rights.may_everywhere(actor, right) for actor in person().actors)


def seen_programmes() -> Sequence[SeenProgramme]:
    """The programmes in which they may do anything, the oldest first."""
    return person().programmes


def show(template: str, here: str, **given: Any) -> str:
    """The page, below the menu's entry `here`."""
    return render_template(template, frame=frame(here), may=may, **given)


def show_again(template: str, here: str, entries: FormEntries, **given: Any) -> Response:
    """The page with a form that was refused: 422, with all that was typed and what is wrong."""
    page = show(template, here, entries=entries, problems=entries.problems, **given)
    return make_response(page, 422)


def not_there(here: str = "") -> NoReturn:
    """End the request with 404: what its address names is not there, or not for this reader."""
    abort(error_page(404, frame(here)))


def zone() -> str:
    """The zone of the page's programme; on a page of none, of the first that they may see."""
    here: SeenProgramme | None = g.programme or next(iter(seen_programmes()), None)
    return "UTC" if here is None else here.zone


def when(moment: datetime) -> Markup:
    """A moment, by the clock of the page's programme."""
    return moments.element(moment, zone(), current_installation().clock())


def say(sentence: str, state: str = "good") -> None:
    """Have the next page that is shown say this: what was done, in a few words. `state` is that of
    notes: `wait` for what still waits for something, `bad` for what was not done."""
    flash(sentence, state)


def go(endpoint: str, **values: Any) -> Response:
    """Lead to this page, with GET, after a form was accepted. The programme stays,
    and so does the way back."""
    if (code := request.args.get(FROM_CHECKLIST)) is not None:
        values.setdefault(FROM_CHECKLIST, code)
    return redirect(url(endpoint, **values), 303)


def url(endpoint: str, **values: Any) -> str:
    """The address of a page, in this page's programme unless another is named."""
    here: SeenProgramme | None = g.programme
    if here is not None and "programme" not in values and _is_in_programme(endpoint):
        if not values:
            return _url_in(here.code, endpoint, request.script_root)
        values["programme"] = here.code
    return url_for(endpoint, **values)


@functools.lru_cache(4096)
def _url_in(programme: str, endpoint: str, _root: str) -> str:
    """A list leads to a dozen pages beside it."""
    return url_for(endpoint, programme=programme)


def url_if_there(endpoint: str, right: str, **values: Any) -> str:
    """The same, for who has this right here; empty for others, and where there is no such page."""
    is_there = endpoint in current_app.view_functions
    return url(endpoint, **values) if is_there and may(right) else ""


FROM_CHECKLIST = "ready"  # in addresses: the programme from whose list of steps one came


def back_link(usual: tuple[str, str] | None) -> tuple[str, str] | None:
    """The way back from the page (words, address): to the list of what is left to do, for who came
    from there, else the usual one."""
    code = request.args.get(FROM_CHECKLIST)
    if code is None or g.signed_in is None or code not in (one.code for one in seen_programmes()):
        return usual
    return _("Ready to start"), url("console.first_hour.show", programme=code)


def frame(here: str) -> Frame:
    """What stands around the page, below the menu's entry `here`."""
    who, seen = person(), seen_programmes()
    shown: SeenProgramme | None = g.programme or next(iter(seen), None)
    return shell.around(
        lambda right: who.may(right, None if shown is None else shown.id),
        here,
        reader=_reader(who.email, who.roles, language.current(), request.script_root),
        programme="" if shown is None else shown.name,
        code=None if shown is None else shown.code,
        search_url=_search_url(who, shown),
        programmes=[ConsoleLink(one.name, _same_page(one), "", one == shown) for one in seen]
        if len(seen) > 1
        else [],
    )


@functools.lru_cache(1024)
def _reader(
    email: str, held: tuple[tuple[Role, int | None], ...], tongue: Language, _root: str
) -> Reader:
    named = dict.fromkeys(role for role, _ in held)
    return Reader(
        email,
        ", ".join(CATALOGUE.text(tongue, role, roles.CONTEXT) for role in named),
        (
            ConsoleLink(_("Sign-in and security"), url_for("console.me.show"), "shield-lock"),
            ConsoleLink(_("What roles allow"), url_for("console.rights.show"), "list-check"),
        ),
        sign_out_url=url_for("console.door.sign_out"),
    )


def _search_url(who: SignedIn, shown: SeenProgramme | None) -> str | None:
    """Where the bar's search leads; None for somebody who would find nothing by it."""
    if shown is None or not any(who.may(right, shown.id) for right in FOUND_BY):
        return None
    return _search_of(shown.code, request.script_root)


@functools.lru_cache(1024)
def _search_of(code: str, _root: str) -> str:
    return url_for("console.search.show", programme=code)


def _same_page(there: SeenProgramme) -> str:
    """This page in another programme; its home, if what the page shows is not there."""
    rule = request.url_rule
    is_there = rule is not None and rule.arguments == {"programme"} and request.method == "GET"
    endpoint = rule.endpoint if rule is not None and is_there else "console.home.show"
    return url_for(endpoint, programme=there.code)


def _is_in_programme(endpoint: str) -> bool:
    return current_app.url_map.is_endpoint_expecting(endpoint, "programme")
