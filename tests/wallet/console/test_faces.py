"""Previews: what a page of the console shows of a design is what the virtual phones show of a card
that is made of it. `make previews` asks that of many more designs."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import chains
import pytest
from flask import Flask, render_template_string
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from wallet.apple import bundle
from wallet.apple.bundle import Archive, Identity, PassTemplate
from wallet.apple.reading import OpenedPass
from wallet.console.cards import faces
from wallet.errors import DesignRefused
from wallet.google import objects
from wallet.google.objects import Pictures
from wallet.google.reading import AndroidCard
from wallet.passes import designs
from wallet.passes.content import (
    Content,
    Design,
    Facts,
    FieldDesign,
    LastMessage,
    OfferShown,
    render,
)
from wallet.passes.parts import Link
from wallet.sandbox import passbook
from wallet.sandbox.phone_page import android_view, view

CASES = int(os.environ.get("KOPILKA_PREVIEWS", "12"))
NOW = datetime.now(UTC)
IMAGES = {"icon.png": b"icon", "logo@2x.png": b"logo", "strip.png": b"strip"}
TOKEN = "0123456789abcdef"  # noqa: S105 - of a pass that nobody has

tongues = st.sampled_from([("ru",), ("en", "ru"), ("ru", "en"), ("kk", "en", "ru")])
# Without signs that no file format of a pass can hold; with quotes, emoji, scripts from the right.
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=24
).filter(lambda text: text.strip() == text)
colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
facts_shown = st.sampled_from(
    ["points", "name", "offer", "offers", "card", "programme", "expires", "text", "message"]
)
slots = st.sampled_from(["header", "primary", "secondary", "auxiliary", "back"])


@st.composite
def in_each(draw: st.DrawFn, languages: tuple[str, ...]) -> dict[str, str]:
    others = draw(st.sets(st.sampled_from(languages[1:]))) if languages[1:] else set()
    return {one: draw(words) for one in (languages[0], *sorted(others))}


@st.composite
def field_designs(draw: st.DrawFn, languages: tuple[str, ...], key: str) -> FieldDesign:
    fact = draw(facts_shown)
    change = None
    if draw(st.booleans()):
        told = draw(in_each(languages))
        change = {one: f"{text.replace('%@', '')} %@" for one, text in told.items()}
    return FieldDesign(
        key,
        draw(slots),
        draw(in_each(languages)),
        shows=fact,
        change_message=change,
        text=draw(in_each(languages)) if fact == "text" else None,
        number=draw(st.sampled_from([None, "decimal", "percent"])) if fact == "points" else None,
    )


@st.composite
def designs_of_all_kinds(draw: st.DrawFn) -> Design:
    languages = draw(tongues)
    number = draw(st.integers(0, 8))
    design = Design(
        organization=draw(st.one_of(words, in_each(languages))),
        description=draw(in_each(languages)),
        languages=languages,
        fields=tuple(draw(field_designs(languages, f"f{at}")) for at in range(number)),
        kind=draw(st.sampled_from(["loyalty", "offer", "gift_card", "generic"])),
        logo_text=draw(st.one_of(st.just(""), words, in_each(languages))),
        background=draw(colours),
        foreground=draw(colours),
        label_colour=draw(colours),
        symbology=draw(st.sampled_from(["qr", "pdf417", "aztec", "code128", "ean13", "itf"])),
        links=tuple(
            Link(f"l{at}", "https://shop.example/a?b=1&c=2", draw(in_each(languages)))
            for at in range(draw(st.integers(0, 2)))
        ),
        expires=draw(st.sampled_from([None, "2030-01-01T00:00:00+03:00"])),
    )
    try:
        designs.check(design)
        bundle.check(design)
    except DesignRefused:
        reject()
    return design


@st.composite
def facts_of_somebody(draw: st.DrawFn) -> Facts:
    currency = draw(st.sampled_from([None, "RUB"]))
    return Facts(
        programme=draw(words),
        card_number=faces.SAMPLE_NUMBER,
        barcode=faces.SAMPLE_NUMBER,
        name=draw(st.one_of(st.just(""), words)),
        points=draw(st.integers(0, 10**7)),
        scale=2 if currency else 0,
        currency=currency,
        offers=tuple(OfferShown(draw(words), draw(words)) for _ in range(draw(st.integers(0, 2)))),
        message=draw(st.none() | st.builds(LastMessage, st.just("1"), words)),
    )


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory):
    return chains.signer(tmp_path_factory.mktemp("certificates"))


def of_phone(signer, design: Design, content: Content) -> OpenedPass:
    """The pass as a phone gets it: signed, packed, opened and checked byte by byte."""
    identity = Identity(chains.PASS_TYPE, chains.TEAM, "1" * 32, TOKEN, "https://a.example/apple")
    pass_json = bundle.render(PassTemplate.prepare(design), identity, content)
    archive = Archive.prepare(bundle.files_of(design, IMAGES))
    packed = archive.assemble(bundle.seal(archive, pass_json, signer))
    return passbook.open_pass(packed, chains.authority().root.certificate, NOW)


def plain(lines) -> list[dict[str, str]]:
    return [{"label": one.label, "value": one.value} for one in lines]


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    design=designs_of_all_kinds(), facts=facts_of_somebody(), tongue=st.sampled_from(["ru", "en"])
)
def test_a_preview_is_what_the_virtual_phones_show(
    signer, app: Flask, design: Design, facts: Facts, tongue: str
) -> None:
    content = render(design, facts)
    phone = view.face(of_phone(signer, design, content), tongue)
    shown = faces.apple(faces.opened(design, IMAGES, content), tongue)
    assert plain(shown.header) == phone["header"]
    assert plain(shown.primary) == phone["primary"]
    assert plain(one for row in shown.rows for one in row) == phone["secondary"]
    assert plain(shown.back) == phone["back"]
    assert (shown.title, list(shown.colours)) == (phone["title"], phone["colours"])
    assert shown.pictures.keys() == phone["pictures"].keys()
    assert (shown.code is None) == (phone["barcode"] is None)
    if shown.code is not None:
        assert shown.code.caption == phone["barcode"]["caption"]
        assert bool(phone["barcode"]["picture"]) == ('class="qr"' in shown.code.drawing)

    google = faces.google(faces.handed_over(design, content), tongue)
    titled = OfferShown(facts.offers[0].title) if facts.offers else None
    pictures = Pictures("https://a.example/logo.png", "https://a.example/hero.png")
    class_ = objects.class_body("1.demo", design, pictures, "https://a.example/back", titled)
    object_ = objects.object_body("1.a", "1.demo", design, content, pictures)
    android = android_view.face(AndroidCard("1.a", class_, object_), tongue, NOW)
    assert [google.colour, google.ink, google.ink] == android["colours"]
    assert google.issuer == android["issuer"]
    # A coupon is always of an offer, whose title its class has.
    shows_offer = facts.offers and any(one.shows == "offer" for one in design.fields)
    if design.kind != "offer" or shows_offer:
        assert google.programme == android["programme"]
        assert [plain(row) for row in google.rows] == android["rows"]
        assert plain(google.details) == android["details"]

    said = page_says(app, shown, google)
    for one in (*phone["header"], *phone["primary"], *phone["secondary"], *phone["back"]):
        assert one["label"] in said and one["value"] in said
    for row in android["rows"] if design.kind != "offer" else ():
        assert all(one["value"] in said for one in row)


def page_says(app: Flask, apple: faces.AppleFace, google: faces.GoogleFace) -> str:
    """The text of both faces as the page has it."""
    with app.test_request_context("/console/"):
        page = render_template_string(
            '{% from "console/cards/faces.html" import apple_front, apple_back, google_card %}'
            '{{ apple_front(apple, {}, "ru") }}{{ apple_back(apple, "ru") }}'
            '{{ google_card(google, "", "", "ru") }}',
            apple=apple,
            google=google,
        )
    return unescape(re.sub(r"<[^>]*>", "", page))


def test_the_lock_screen_of_a_preview_is_that_of_the_virtual_phone(signer) -> None:
    spoken = ("ru", "en")
    design = Design(
        organization="Shop",
        description={"ru": "Карта"},
        languages=spoken,
        fields=(
            FieldDesign("p", "header", {"ru": "Баллы"}, "points", {"ru": "Баллов: %@"}),
            FieldDesign("m", "back", {"ru": "Весть"}, "message", {"ru": "%@"}),
            FieldDesign("o", "secondary", {"ru": "Предложение"}, "offer"),
        ),
    )
    facts = faces.sample(design, None, "", "ru")
    told = {one.occasion: one.text for one in faces.notices(design, facts, "ru")}
    before = of_phone(signer, design, render(design, facts))
    richer = replace(facts, points=facts.points + faces.SAMPLE_EARNED)
    after = of_phone(signer, design, render(design, richer))
    assert told["Points were earned"] == passbook.lock_screen(before, after, "ru")
    assert told["Points were earned"] == "Баллов: 1\u00a0325"
    assert told["A new announcement"] is None
