"""The page of the wallets' own buttons."""

import io

import pytest
from design_form import picture
from visitors import HOME, Visitor, signed_in

from wallet.passes import badges

PAGE = "/console/badges"
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="220" height="64">'
    b'<rect width="220" height="64" fill="#000"/></svg>'
)


@pytest.fixture
def here(app, installation) -> Visitor:
    """Somebody who designs the cards of one programme."""
    return signed_in(app.test_client(), installation, "marketer", 1, email="here@example.com")


def put(visitor: Visitor, data: bytes, name: str = "badge.svg", **entries: str):
    given = {"wallet": "apple", "language": "ru", **entries}
    return visitor.send(PAGE, badge=(io.BytesIO(data), name), **given)


def test_a_badge_is_taken_shown_and_taken_away(marketer, installation, noted) -> None:
    assert marketer.read(PAGE).count("A plain button") == 4
    assert put(marketer, SVG).status_code == 303
    page = marketer.read(PAGE)
    assert "/badges/apple-ru-" in page and page.count("A plain button") == 3
    assert noted()[-1] == ("badge.set", "employee", "marketer@example.com")
    answer = marketer.send(PAGE, to=f"{PAGE}/remove", wallet="apple", language="ru")
    assert answer.status_code == 303
    assert noted()[-1][0] == "badge.removed"
    with installation.database.reading() as session:
        assert badges.every(session) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (SVG.replace(b"<rect", b"<script>alert(1)</script><rect"), "script"),
        (SVG.replace(b"<rect", b'<rect onload="alert(1)"'), "onload"),
        (SVG.replace(b"#000", b"url(https://a.example/x)"), "outside of the file"),
        (b"<html>", "SVG"),
        (picture(400, 400), "times as"),
        (b"PK\x03\x04", "neither an SVG nor a PNG"),
        (SVG + b" " * 300_000, "200"),
        (b"", "neither an SVG nor a PNG"),
    ],
    ids=["script", "event", "outside", "html", "square", "zip", "large", "empty"],
)
def test_what_is_no_badge_is_refused_at_its_field(marketer, installation, data, words) -> None:
    answer = put(marketer, data)
    assert answer.status_code == 422
    assert 'id="apple-ru-problem"' in answer.text and words in answer.text
    with installation.database.reading() as session:
        assert badges.every(session) == []


def test_only_who_designs_cards_everywhere_sets_them(here, installation) -> None:
    page = here.read(PAGE)
    assert "Badges are those of all programmes" in page and 'name="badge"' not in page
    token = here.read(f"{HOME}cards/card").split('name="csrf_token" value="')[1].split('"')[0]
    given = {"csrf_token": token, "wallet": "apple", "language": "ru"}
    answer = here.post(PAGE, badge=(io.BytesIO(SVG), "a.svg"), **given)
    assert answer.status_code == 422
    with installation.database.reading() as session:
        assert badges.every(session) == []


@pytest.mark.parametrize("entries", [{"wallet": "samsung"}, {"language": "xx"}])
def test_a_place_that_is_none_is_refused(marketer, entries) -> None:
    assert put(marketer, SVG, **entries).status_code == 422
