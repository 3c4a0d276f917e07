"""How names, phone numbers and addresses are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.contacts import Unfit, email_address, is_valid, phone_number, readable

MOBILE = "+79991234567"

# As people of a Russian programme write numbers, and as files and address books bring them.
READ = {
    "+7 999 123-45-67": MOBILE,
    "8 (999) 123-45-67": MOBILE,
    "9991234567": MOBILE,
    "79991234567": MOBILE,
    " 79991234567": MOBILE,  # a plus sign in a query string arrives as a space
    "79991234567.0": MOBILE,  # a data frame's
    "\u202a+7 999 123-45-67\u202c": MOBILE,  # an address book's
    "+7\u2212999\u2212123\u200b\u221245\u221267": MOBILE,
    "тел. 8 999 123-45-67": MOBILE,
    "tel:+79991234567": MOBILE,
    "８９９９１２３４５６７": MOBILE,
    "٧٩٩٩١٢٣٤٥٦٧": MOBILE,
    "9165550012": "+79165550012",
    "8 800 555-35-35": "+78005553535",
    "4951234567": "+74951234567",
    "8 701 123 45 67": "+77011234567",  # Kazakhstan has the same code
    "+375 29 123-45-67": "+375291234567",
    "8-10-375-29-123-45-67": "+375291234567",
    "375291234567": "+375291234567",  # the plus is lost
    "85291234567": "+85291234567",
    "0037255501234": "+37255501234",
    "+1 (212) 555‑0100": "+12125550100",
}
REFUSED = [
    "",
    "+",
    "112",
    "123456",
    "123-45-67",
    "0501234505",
    "+8 999 123-45-03",
    "8 (029) 123-45-04",
    "7 999 123 45 6",
    "+7 916 555 00 1",
    "+7 999 123-45-67-89",
    "+7 (899) 912-34-56-7",
    "799912345670",
    "+7 999 123-45-67 доб. 12",
    "79991234567, 79991234568",
    "1" * 16,
]


@pytest.mark.parametrize("text", READ)
def test_a_number_is_read_as_it_is_written_in_the_country(text: str) -> None:
    assert phone_number(text, "RU") == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_dialled_is_refused(text: str) -> None:
    with pytest.raises(Unfit, match="phone number"):
        phone_number(text, "RU")


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("8 (029) 123-45-04", "BY", "+375291234504"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("030 901820", "DE", "+4930901820"),
        (MOBILE, "DE", MOBILE),
    ],
)
def test_another_country_writes_in_another_way(text: str, country: str, number: str) -> None:
    assert phone_number(text, country) == number


@given(
    number=st.sampled_from(sorted(set(READ.values()))),
    unseen=st.lists(st.sampled_from("\u200b\u200e\u202a\u2060\ufeff"), max_size=3),
    between=st.sampled_from(["", " ", "-", "\u2212", "\u00a0", "."]),
    country=st.sampled_from(["RU", "BY", "KZ", "DE", "US"]),
)
def test_what_was_read_is_read_again_however_it_is_dressed(
    number: str, unseen: list[str], between: str, country: str
) -> None:
    """With a plus it is the same number in every country."""
    digits = number[1:]
    dressed = "".join(unseen) + "+" + digits[:3] + between + digits[3:] + "".join(unseen)
    assert phone_number(dressed, country) == number


@given(text=st.text(max_size=40))
def test_whatever_is_typed_is_a_number_or_is_refused(text: str) -> None:
    try:
        number = phone_number(text, "RU")
    except Unfit:
        return
    assert re.fullmatch(r"\+[1-9]\d{6,14}", number)
    assert phone_number(number, "RU") == number
    assert is_valid(number)


def test_an_address_is_compared_in_lower_case() -> None:
    assert email_address(" Anna@Example.COM ") == "anna@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "anna@example.com,",
        "anna@example.com;",
        "anna@example.com.",
        "mailto:anna@example.com",
        "mailto:anna@example.com?subject=x",
        "<anna@example.com>",
        "Анна Петрова <anna@example.com>",
        "'anna@example.com'",
        "\u202aanna@example.com\u202c",
    ],
)
def test_an_address_is_taken_as_people_paste_it(text: str) -> None:
    assert email_address(text) == "anna@example.com"


def test_an_address_may_be_in_any_script() -> None:
    assert email_address("Иван@Почта.РФ") == "иван@почта.рф"


@pytest.mark.parametrize("text", ["", "anna", "a@b", "a@b.", "@b.c", "a b@c.d", "a@b@c.d"])
def test_what_cannot_be_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        email_address(text)


def test_text_has_one_form() -> None:
    assert readable(" Й ") == "Й"  # a letter and its breve become one letter
    with pytest.raises(ValueError, match="control"):
        readable("a\x00b")


@pytest.mark.parametrize("sign", ["\u00ad", "\u200b", "\u2060", "\ufeff", "\u202e", "\u2066"])
def test_signs_that_nobody_sees_are_no_part_of_a_name(sign: str) -> None:
    assert readable(f"{sign}Ан{sign}на{sign}") == "Анна"


@pytest.mark.parametrize("word", ["👩\u200d👩\u200d👧", "می\u200cخواهم"])
def test_signs_that_a_word_needs_stay(word: str) -> None:
    assert readable(word) == word
