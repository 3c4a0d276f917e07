"""Letters and colours of the pictures that are drawn."""

import pytest

from wallet.passes import drawing

BLUE, WHITE = (31, 58, 95), (255, 255, 255)
RUSSIAN = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def icon(organization: str) -> bytes:
    return drawing.icon(organization, BLUE, WHITE).tobytes()


@pytest.mark.parametrize("alphabet", [RUSSIAN, LATIN], ids=["Russian", "Latin"])
def test_every_letter_has_a_picture_of_its_own(alphabet: str) -> None:
    pictures = {icon(letter) for letter in alphabet}
    assert len(pictures) == len(alphabet)
    assert icon("7-24") not in pictures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ромашка", "роза"),
        ("Анна", "Anna"),
        ("École", "Eis"),
        ("«Роза»", "Роза"),
        ("24 часа", "Час"),
        ("", "東京"),
        ("🎁", "1+1"),
    ],
)
def test_what_begins_alike_looks_alike(one: str, other: str) -> None:
    assert icon(one) == icon(other)


def test_a_letter_that_looks_like_a_figure_has_the_next_one_beside_it() -> None:
    assert icon("Зерно") == icon("«ЗЕБРА»")
    assert icon("Зерно") != icon("Зима")
    assert icon("Кофе") == icon("Кино")  # others stand alone


@pytest.mark.parametrize("letter", ["Щ", "W", "Й", "Ґ", "7", "Зщ"])
def test_no_mark_touches_the_edge(letter: str) -> None:
    logo = drawing.logo(letter, BLUE, WHITE)
    side = logo.width
    # Walk round a circle just inside the coin: nothing of the mark may be there.
    edge = side * 9 // 100
    for x, y in (
        (side // 2, edge),
        (side // 2, side - edge),
        (edge, side // 2),
        (side - edge, side // 2),
    ):
        assert logo.getpixel((x, y)) == (*WHITE, 255)


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#1f3a5f", "#ffe08a", "#ff0000"])
def test_the_coins_stand_out_from_any_background(colour: str) -> None:
    strip = drawing.strip(drawing.colour(colour))
    edge, height = round(strip.width * 0.82 - strip.height * 0.4), round(strip.height * 0.22)
    inside, outside = strip.getpixel((edge + 8, height)), strip.getpixel((edge - 8, height))
    assert isinstance(inside, tuple)
    assert isinstance(outside, tuple)
    assert sum(abs(a - b) for a, b in zip(inside, outside, strict=True)) > 20
