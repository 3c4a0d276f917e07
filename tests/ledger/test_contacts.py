"""How names, phone numbers and addresses are written."""

import pytest

from ledger.contacts import email_address, phone_number, readable


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+7 999 123-45-67", "+79991234567"),
        ("8 (999) 123-45-67", "+79991234567"),
        ("79991234567", "+79991234567"),
        (" 79991234567", "+79991234567"),  # a plus sign in a query string arrives as a space
        ("+1 (212) 555‑0100", "+12125550100"),
        ("+8 1234567890", "+81234567890"),
    ],
)
def test_a_phone_number_is_a_plus_and_digits(text: str, number: str) -> None:
    assert phone_number(text) == number


@pytest.mark.parametrize("text", ["", "+", "123456", "1" * 16, "٧٩٩٩١٢٣٤٥٦٧", "+7999x1234567"])
def test_what_cannot_be_dialled_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        phone_number(text)


def test_an_address_is_compared_in_lower_case() -> None:
    assert email_address(" Anna@Example.COM ") == "anna@example.com"


@pytest.mark.parametrize("text", ["", "anna", "a@b", "a@b.", "@b.c", "a b@c.d", "a@b@c.d"])
def test_what_cannot_be_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        email_address(text)


def test_text_has_one_form() -> None:
    assert readable(" Й ") == "Й"  # a letter and its breve become one letter
    with pytest.raises(ValueError, match="control"):
        readable("a\x00b")
