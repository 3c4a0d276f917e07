"""Places, dates, links, NFC, formats of a design: what a wallet would drop or refuse without a word
is refused here, with words."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fullcards import (
    APP,
    BEACON,
    CAFE,
    DESIGN,
    EVENING,
    EXPIRES,
    KEY,
    NEWS,
    NFC,
    ORDER,
    POINTS,
    SITE,
    TERMS,
    WHOLE,
    reader_key,
)

from wallet.errors import DesignRefused, ImageRefused
from wallet.passes import artwork, designs, rules
from wallet.passes.parts import RelevantTime


def test_a_design_with_all_there_is_passes() -> None:
    designs.check(WHOLE)


def test_the_key_of_a_reader_looks_like_apples() -> None:
    assert KEY.startswith("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIg")
    assert isinstance(load_der_public_key(base64.b64decode(KEY)), ec.EllipticCurvePublicKey)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an eleventh place": ({"locations": (CAFE,) * 11}, "locations"),
    "latitude beyond the pole": (
        {"locations": (CAFE, replace(CAFE, latitude=90.1))},
        "locations.1.latitude",
    ),
    "no longitude there is": (
        {"locations": (replace(CAFE, longitude=float("nan")),)},
        "locations.0.longitude",
    ),
    "a place that speaks only English": (
        {"locations": (replace(CAFE, text={"en": "Near"}),)},
        "locations.0.text",
    ),
    "no uuid": ({"beacons": (replace(BEACON, uuid="shop"),)}, "beacons.0.uuid"),
    "major too large": ({"beacons": (replace(BEACON, major=65_536),)}, "beacons.0.major"),
    "minor alone": ({"beacons": (replace(BEACON, major=None),)}, "beacons.0.minor"),
    "eleven uuids": (
        {"beacons": tuple(replace(BEACON, uuid=f"{n:08x}{BEACON.uuid[8:]}") for n in range(11))},
        "beacons",
    ),
    "no distance": ({"max_distance": 0}, "max_distance"),
    "a date without zone": (
        {"relevant_dates": (RelevantTime("2026-12-31T18:00:00"),)},
        "relevant_dates.0.begins",
    ),
    "a day is no moment": ({"expires": "2026-12-31"}, "expires"),
    "an end before the beginning": (
        {"relevant_dates": (replace(EVENING, ends=EVENING.begins),)},
        "relevant_dates.0.ends",
    ),
    "longer than a day": (
        {"relevant_dates": (replace(EVENING, ends="2027-01-02T18:00:01+03:00"),)},
        "relevant_dates.0.ends",
    ),
    "an NFC message too long in bytes": (
        {"nfc": replace(NFC, message="я" * 33)},
        "nfc.message",
    ),
    "a key that is none": ({"nfc": replace(NFC, public_key="abc")}, "nfc.public_key"),
    "a key of another curve": (
        {"nfc": replace(NFC, public_key=reader_key(ec.SECP384R1(), compressed=False))},
        "nfc.public_key",
    ),
    "a key that is not compressed": (
        {"nfc": replace(NFC, public_key=reader_key(compressed=False))},
        "nfc.public_key",
    ),
    "three tap cards": (
        {"featured_actions": tuple(replace(ORDER, identifier=f"a{n}") for n in range(3))},
        "featured_actions",
    ),
    "a tap card twice": ({"featured_actions": (ORDER, ORDER)}, "featured_actions"),
    "a tap card to http": (
        {"featured_actions": (replace(ORDER, url="http://shop.example"),)},
        "featured_actions.0.url",
    ),
    "a tap card of no kind": (
        {"featured_actions": (replace(ORDER, type="dance"),)},
        "featured_actions.0.type",
    ),
    "an address of an app unknown": ({"app": replace(APP, store_ids=())}, "app.launch_url"),
    "a package by another name": (
        {"app": replace(APP, android_package="shop")},
        "app.android_package",
    ),
    "an app without a name": ({"app": replace(APP, label={})}, "app.label"),
    "a link that runs": ({"links": (replace(SITE, url="javascript:alert(1)"),)}, "links.0.url"),
    "a link without words": ({"links": (replace(SITE, label={}),)}, "links.0.label"),
    "a link with a field's key": ({"links": (replace(SITE, key="points"),)}, "links.0.key"),
    "news without words": ({"messages": (replace(NEWS, text={"ru": " "}),)}, "messages.0.text"),
    "a group with a space": ({"grouping": "a b"}, "grouping"),
    "a tag that does not exist": ({"semantics": {"blance": 1}}, "semantics.blance"),
    "an amount as a number": (
        {"semantics": {"balance": {"amount": 12.5, "currencyCode": "EUR"}}},
        "semantics.balance",
    ),
    "more user info than a pass should carry": ({"user_info": {"a": "x" * 5000}}, "user_info"),
    "a text without words": (
        {"fields": (replace(TERMS, text=None),)},
        "fields.terms.text",
    ),
    "words where a fact stands": (
        {"fields": (replace(POINTS, text={"ru": "Сто"}),)},
        "fields.points.text",
    ),
    "another tag than a link": (
        {"fields": (replace(TERMS, linked={"ru": "<b>Везде</b>"}),)},
        "fields.terms.linked",
    ),
    "a currency and a number": (
        {"fields": (replace(POINTS, currency="RUB", number="percent"),)},
        "fields.points.currency",
    ),
    "no currency": ({"fields": (replace(POINTS, currency="руб"),)}, "fields.points.currency"),
    "a number's format for a date": (
        {"fields": (replace(EXPIRES, number="decimal"),)},
        "fields.expires.number",
    ),
    "a date's format for a number": (
        {"fields": (replace(POINTS, relative=True),)},
        "fields.points.relative",
    ),
    "alignment of a primary field": (
        {"fields": (replace(POINTS, slot="primary", alignment="right"),)},
        "fields.points.alignment",
    ),
    "detectors on the front": (
        {"fields": (replace(POINTS, detectors=("phone",)),)},
        "fields.points.detectors",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_what_would_be_dropped_in_silence_is_refused_by_name(
    fault: tuple[dict[str, Any], str],
) -> None:
    changes, part = fault
    with pytest.raises(DesignRefused) as caught:
        designs.check(replace(DESIGN, **changes))
    assert caught.value.field == part


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("Просто слова", True),
        ('Наши <a href="https://shop.example/a?b=1&amp;c=2">правила &amp; цены</a>.', True),
        ('<a href="tel:+74951234567">Позвонить</a>', True),
        ("5 < 6", False),
        ("чай & кофе", False),
        ('<a href="https://shop.example">открыто', False),
        ('<a href="javascript:alert(1)">нет</a>', False),
        ('<a href="https://shop.example" onclick="x()">нет</a>', False),
        ("<script>alert(1)</script>", False),
        ('<a href="https://a.example"><a href="https://b.example">нет</a></a>', False),
        ("<!-- нет -->", False),
        ("<br/>", False),
    ],
)
def test_only_links_may_stand_in_a_text(text: str, *, sound: bool) -> None:
    assert rules.is_linked(text) is sound


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["ru.lproj/strip.png", "en.lproj/strip.png", "icon.png"], None),
        (["ru.lproj/strip.png"], "missing"),
        (["ru.lproj/strip.png", "en.lproj/strip@2x.png"], "missing"),
        (["ru.lproj/strip.png", "en.lproj/strip.png", "strip@2x.png"], "for_all_and_for_some"),
        (["fr.lproj/strip.png"], "unknown_language"),
    ],
)
def test_a_picture_in_languages_is_there_in_all_of_them(
    names: list[str], problem: str | None
) -> None:
    if problem is None:
        artwork.check_languages(names, ("ru", "en"))
        return
    with pytest.raises(ImageRefused) as caught:
        artwork.check_languages(names, ("ru", "en"))
    assert caught.value.problem == problem
