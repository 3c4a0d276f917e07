"""Designs that no wallet could show are refused where somebody can still change them."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.programmes import programmes
from wallet.errors import DesignRefused
from wallet.passes import contrast, designs, templates
from wallet.passes.content import Design, FieldDesign

POINTS = FieldDesign(
    "points", "header", {"ru": "Баллы", "en": "Points"}, "points", {"ru": "%@", "en": "Now %@"}
)
DESIGN = Design(
    organization="Ромашка",
    description={"ru": "Карта"},
    languages=("ru", "en"),
    fields=(POINTS,),
)


def field(**changes: Any) -> dict[str, Any]:
    return {"fields": (replace(POINTS, **changes),)}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no language": ({"languages": ()}, "languages"),
    "a path for a language": ({"languages": ("ru", "../en")}, "languages"),
    "an underscore in a language": ({"languages": ("ru_RU",)}, "languages"),
    "a language twice": ({"languages": ("ru", "RU")}, "languages"),
    "no organisation": ({"organization": " "}, "organization"),
    "an organisation in another language only": ({"organization": {"en": "Daisy"}}, "organization"),
    "an organisation without a name": ({"organization": {"ru": "", "en": ""}}, "organization"),
    "a logo's text in another language only": ({"logo_text": {"en": "Daisy"}}, "logo_text"),
    "no description": ({"description": {"en": "Card"}}, "description"),
    "a colour by name": ({"background": "navy"}, "background"),
    "a short colour": ({"foreground": "#fff"}, "foreground"),
    "a colour with more behind it": ({"label_colour": "#ffffff\n"}, "label_colour"),
    "an unknown barcode": ({"symbology": "maxicode"}, "symbology"),
    "a null byte": ({"logo_text": "a\x00b"}, "logo_text"),
    "half an emoji": (field(label={"ru": "\ud83c"}), "fields.points.label"),
    "an empty key": (field(key=""), "fields."),
    "a key with a space": (field(key="a b"), "fields.a b"),
    "an unknown slot": (field(slot="footer"), "fields.points.slot"),
    "an unknown fact": (field(shows="weather"), "fields.points.shows"),
    "a label only in another language": (field(label={"en": "Points"}), "fields.points.label"),
    "a message without its value": (
        field(change_message={"ru": "%@", "en": "Changed"}),
        "fields.points.change_message",
    ),
    "a message with two values": (
        field(change_message={"ru": "%@ и %@"}),
        "fields.points.change_message",
    ),
    "a message only in another language": (
        field(change_message={"en": "%@"}),
        "fields.points.change_message",
    ),
    "one key for two fields": ({"fields": (POINTS, replace(POINTS, slot="back"))}, "fields.points"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_design_is_refused_by_the_part_to_change(
    fault: tuple[dict[str, Any], str],
) -> None:
    changes, part = fault
    with pytest.raises(DesignRefused) as caught:
        designs.check(replace(DESIGN, **changes))
    assert caught.value.field == part
    assert str(caught.value).startswith(f"{part}: ")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"languages": ("ru", "zh-Hans", "de-AT")},
        {"organization": "🎁" * 300},
        {"fields": ()},
        field(label={}, change_message=None),
        field(label={"ru": "две\r\nстроки\tтут"}),
    ],
)
def test_a_sound_design_passes(changes: dict[str, Any]) -> None:
    designs.check(replace(DESIGN, **changes))


def test_the_design_that_programmes_begin_with_is_sound() -> None:
    designs.check(templates.standard("Ромашка"))


def test_a_missing_translation_falls_back_to_the_default() -> None:
    assert designs.said({"ru": "Да", "en": ""}, "en", "ru") == "Да"
    assert designs.said({"ru": "Да", "en": "Yes"}, "en", "ru") == "Yes"
    assert designs.said({}, "en", "ru") == ""


@pytest.mark.parametrize(
    ("colours", "least", "most"),
    [
        (("#000000", "#ffffff"), 21, 21),
        (("#777777", "#777777"), 1, 1),
        # Just below and just above what large text needs, by other people's calculators.
        (("#949494", "#ffffff"), 3.02, 3.04),
        (("#959595", "#ffffff"), 2.98, 3.0),
    ],
)
def test_contrast_is_as_wcag_reckons(colours: tuple[str, str], least: float, most: float) -> None:
    one, other = colours
    assert least <= contrast.ratio(one, other) <= most
    assert contrast.ratio(one, other) == contrast.ratio(other, one)


def test_texts_must_stand_out_from_the_background() -> None:
    contrast.require(DESIGN)
    contrast.require(
        replace(DESIGN, background="#ffffff", foreground="#949494", label_colour="#000000")
    )
    for name in contrast.TEXTS:
        with pytest.raises(DesignRefused) as caught:
            contrast.require(replace(DESIGN, **{name: DESIGN.background}))
        assert caught.value.field == name
    assert contrast.weak(DESIGN) == []


def test_coupons_of_cards_that_were_stored_before_are_not_refused(database, clock) -> None:
    with database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        cards = templates.current(session, demo.id)
        cards.design = {**cards.design, "foreground": cards.design["background"]}
        session.flush()
        assert templates.for_offers(session, demo, clock()).purpose == "offer"
