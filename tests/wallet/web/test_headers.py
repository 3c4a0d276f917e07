"""What every answer says to browsers, caches and search engines."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from wallet.passes.issued import Pass
from wallet.web import headers


@pytest.fixture
def card(member: dict) -> str:
    return member["links"]["card"].removeprefix("http://127.0.0.1:8080")


def test_pages_may_do_what_they_need_and_nobody_keeps_what_is_private(client, api, card) -> None:
    for path, kept in (
        ("/", "no-cache"),
        ("/join/demo", "no-store"),
        ("/join/demo/privacy", "no-cache"),
        ("/api/docs", "no-cache"),
        (card, "no-store"),
        ("/nothing/here", "no-store"),
    ):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == kept, path
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert {"accept-language", "cookie"} <= set(answer.vary.as_set())
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert api.get("programmes").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("public_url", "told"), [("https://x.example", headers.A_YEAR), ("http://127.0.0.1", None)]
)
def test_who_came_by_https_comes_by_https(public_url: str, told: str | None) -> None:
    app = Flask(__name__)
    headers.add_to(app, public_url)
    assert app.test_client().get("/").headers.get("Strict-Transport-Security") == told


def test_search_engines_list_no_card_and_may_read_that_they_must_not(client, card) -> None:
    robots = client.get("/robots.txt")
    assert (robots.status_code, robots.mimetype) == (200, "text/plain")
    assert "Disallow: /api/" in robots.text
    assert "/card" not in robots.text
    assert "/google" not in robots.text
    for path in (card, f"{card}/apple.pkpass", f"{card}/state", f"{card}x", f"{card}/barcode.svg"):
        assert client.get(path).headers["X-Robots-Tag"] == "noindex", path


def test_a_coupon_is_made_for_who_presses_and_not_for_who_looks(
    client, api, member, card, installation
) -> None:
    offer = api.post("offers", {"programme": "demo", "title": "Кекс", "text": "К кофе"}).get_json()
    coupon = f"{card}/offers/{offer['id']}"
    path = f"{coupon}/apple.pkpass"

    def passes() -> int:
        with installation.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Pass))

    before = passes()
    for looked in (
        client.head(path),
        client.get(path, headers={"Sec-Purpose": "prefetch;prerender"}),
        client.get(path),
    ):
        assert (looked.status_code, looked.headers["Location"]) == (303, coupon)
    assert client.head(coupon).status_code == client.get(coupon).status_code == 200
    assert client.head(path.replace(card, f"{card}x")).status_code == 404
    assert passes() == before
    for _ in range(2):
        assert client.post(coupon).headers["Location"] == coupon
    assert passes() == before + 1
