"""Card numbers."""

import pytest

from ledger.people.cards import check_digit, is_own, new_card_number


@pytest.mark.parametrize(
    ("digits", "expected"), [("7992739871", "3"), ("4539578763621486"[:-1], "6"), ("0", "0")]
)
def test_check_digits_are_those_of_luhn(digits: str, expected: str) -> None:
    assert check_digit(digits) == expected


def test_numbers_do_not_repeat_and_never_begin_with_zero() -> None:
    numbers = {new_card_number() for _ in range(20_000)}
    assert len(numbers) == 20_000
    assert all(is_own(number) and number[0] != "0" for number in numbers)


def test_one_wrong_digit_is_noticed() -> None:
    number = new_card_number()
    for position, digit in enumerate(number):
        wrong = str((int(digit) + 1) % 10)
        assert not is_own(number[:position] + wrong + number[position + 1 :])


@pytest.mark.parametrize(
    "text", ["", "12", "４５３９５７８７６３６２１４８６", "4539 5787 6362 1486"]
)
def test_other_text_is_not_a_card_number(text: str) -> None:
    assert not is_own(text)
