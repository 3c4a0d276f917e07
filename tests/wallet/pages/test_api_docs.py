"""The pages of /api/docs in a browser: on a phone, and searched."""

import re

import pytest
from flask import Blueprint, Flask, Response

PAGES = ("/api/docs", "/api/docs/guide", "/api/docs/errors")
# Scripts that run in a page after its own, and write down what a person would see. Chromium draws
# nothing narrower than 500 pixels, but in a frame it does.
WIDTHS = """
const frame = document.createElement("iframe");
frame.style.cssText = "width: 390px; height: 900px; border: 0";
frame.src = location.href.replace("probed", "framed");
frame.onload = () => {
  for (const one of frame.contentDocument.querySelectorAll("details")) one.open = true;
  const page = frame.contentDocument.documentElement;
  document.body.dataset.seen = `${frame.contentWindow.innerWidth} ${page.scrollWidth}`;
};
if (location.search === "?probed") document.body.append(frame);
"""
SEARCH = """
search.value = "%s";
search.dispatchEvent(new Event("input"));
const left = [...document.querySelectorAll("details:not([hidden])")];
document.body.dataset.seen = left.map((one) => one.id).join(" ");
const [input, count] = [search, found].map((one) => one.getBoundingClientRect());
const room = input.right - parseFloat(getComputedStyle(search).paddingRight);
document.body.dataset.said = `${found.textContent} ${Math.round(count.left - room)}`;
"""


def probed(app: Flask, script: str) -> Flask:
    """The application, with this script at the end of each page, which may be framed."""

    probe = Blueprint("probe", __name__)
    probe.add_url_rule("/probe.js", view_func=lambda: Response(script, mimetype="text/javascript"))
    app.register_blueprint(probe)

    @app.after_request
    def _add(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = "default-src 'self' 'unsafe-inline'"
            text = response.get_data(as_text=True)
            tag = '<script src="/probe.js" defer></script></body>'
            response.set_data(text.replace("</body>", tag))
        return response

    return app


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone(app: Flask, serve, browser, path: str) -> None:
    drawn = browser.after(serve(probed(app, WIDTHS)) + f"{path}?probed", 10)
    assert re.findall(r'data-seen="([^"]+)"', drawn) == ["390 390"]


def searched(app: Flask, serve, browser, words: str) -> tuple[set[str], str, int]:
    """What a search leaves, what is said of it, and how far behind the line's own room that is."""
    drawn = browser.after(serve(probed(app, SEARCH % words)) + "/api/docs?lang=en", 5)
    seen = re.findall(r'data-seen="([^"]*)"', drawn)[0].split()
    said, _, room = re.findall(r'data-said="([^"]*)"', drawn)[0].rpartition(" ")
    return set(seen), said, int(room)


def test_a_search_leaves_what_speaks_of_it(app: Flask, serve, browser) -> None:
    seen, said, room = searched(app, serve, browser, "household")
    assert {"joinHousehold", "leaveHousehold", "eraseMember"} <= seen  # by path, and by a code
    assert "listWaves" not in seen
    assert said == str(len(seen))
    assert room >= 0  # within it stand the words, and the cross that clears them


@pytest.mark.parametrize(
    ("words", "one"),
    [
        ("points.repaid", "event-points.repaid"),
        ("debt_change", "PointsTold"),
        ("once for each occasion", "MessageTermsIn"),
    ],
)
def test_a_search_finds_events_and_descriptions(
    app: Flask, serve, browser, words: str, one: str
) -> None:
    seen, _, _ = searched(app, serve, browser, words)
    assert one in seen


def test_a_search_that_finds_nothing_says_so(app: Flask, serve, browser) -> None:
    seen, said, room = searched(app, serve, browser, "nothing like this")
    assert (seen, said) == (set(), "Nothing found")
    assert room >= 0
