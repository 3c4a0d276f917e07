"""The layouts and parts of the console with sample values, as pages that tests look at. The product
has no such pages."""

from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Flask, Response, make_response, render_template, request

from wallet.console import errors, shell
from wallet.console.shell import ConsoleLink, Frame, Reader
from wallet.pages import language

HERE = Path(__file__).parent
OUTSIDE = ("sign-in", "password", "link-used")
INSIDE = ("members", "member", "form", "empty", "parts")


def add_to(app: Flask) -> None:
    """Register the gallery below the console's own addresses."""
    pages = Blueprint("gallery", __name__, template_folder=str(HERE / "templates"))
    for entry in shell.MENU:
        pages.add_url_rule(f"/console/gallery/{entry.name}", entry.name, _inside)
    for name in (*OUTSIDE, *INSIDE):
        view = _outside if name in OUTSIDE else _inside
        pages.add_url_rule(f"/console/gallery/{name}", f"page-{name}", view)
    pages.add_url_rule("/console/gallery/error/<int:status>", "error", _error)
    pages.add_url_rule("/console/gallery/live", "live", _live, methods=["GET", "POST"])
    pages.add_url_rule("/console/gallery/forbidden", "forbidden", _forbidden)
    app.register_blueprint(pages)


def frame(here: str = "members", **changes: object) -> Frame:
    """What stands around a page of somebody who may see everything."""
    russian = language.current() == "ru"
    reader = Reader(
        "Екатерина Константинопольская" if russian else "Catherine Featherstonehaugh",
        "Администратор" if russian else "Administrator",
        (
            ConsoleLink("Профиль" if russian else "Profile", "?profile", "user-circle"),
            ConsoleLink("Вход и безопасность" if russian else "Sign-in", "?safety", "shield-lock"),
        ),
        "?sign-out",
    )
    names = (
        ("Кофейни «Утро»", "Пекарня «Хлебный двор» на Петроградской стороне")
        if russian
        else ("Morning Coffee", "The Bread Yard Bakery and Kitchen on Petrograd Side")
    )
    menu = [replace(entry, endpoint=f"gallery.{entry.name}") for entry in shell.MENU]
    given: dict[str, object] = {
        "reader": reader,
        "programme": names[1],
        "programmes": [ConsoleLink(name, "?", is_here=name == names[1]) for name in names],
        "search_url": "/console/gallery/members",
        "help_url": "/console/gallery/members",
        "menu": menu,
        **changes,
    }
    may = given.pop("may", lambda right: True)
    return shell.around(may, here, **given)


def _page() -> str:
    return request.path.rsplit("/", 1)[-1]


def _outside() -> str:
    return render_template(f"gallery/{_page()}.html", russian=language.current() == "ru")


def _inside() -> str:
    name = _page() if _page() in INSIDE else "members"
    here = {"form": "settings", "empty": "messages", "parts": "home"}.get(name, "members")
    russian = language.current() == "ru"
    return render_template(f"gallery/{name}.html", russian=russian, frame=frame(here))


def _live() -> Response | tuple[str, int]:
    """A form that is sent by htmx, and refused."""
    if request.method == "GET":
        return make_response(render_template("gallery/live.html", frame=frame("settings")))
    typed = request.form["words"]
    problems = {"words": "Здесь нужно число."}
    return render_template("gallery/live-form.html", typed=typed, problems=problems), 422


def _forbidden() -> str:
    """What our policy lets no browser do."""
    return "<!doctype html><title>x</title><style>b { color: red }</style><img src=//a.example/b>"


def _error(status: int) -> Response:
    return errors.error_page(status, frame() if "inside" in request.args else None)
