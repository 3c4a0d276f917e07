"""Gift cards with the console alone: their programme is made, one is sold, found, taken, void."""

import re

import pytest
from visitors import Visitor, signed_in

NEW = "/console/programmes/new"
PAGE = "/console/programmes/gifts/gift-cards"
MADE = {
    "name": "Сертификаты",
    "code": "gifts",
    "locale": "ru",
    "timezone": "Europe/Moscow",
    "cards": "gift_cards",
    "currency": "rub",
    "live_days": "365",
}


@pytest.fixture
def owner(client, installation) -> Visitor:
    return signed_in(client, installation, "administrator")


@pytest.fixture
def shop(owner) -> Visitor:
    """Somebody who may all, once there is a programme of gift cards."""
    made = owner.send(NEW, **MADE)
    assert (made.status_code, made.location) == (303, PAGE)
    return owner


def once(page: str) -> str:
    return re.search(r'name="once" value="([^"]+)"', page)[1]


def sold(shop: Visitor, amount: str = "1 500,50") -> str:
    """The page of a gift card that was sold."""
    mark = once(shop.read(PAGE))
    answer = shop.send(PAGE, amount=amount, sold_receipt="17", once=mark)
    assert answer.status_code == 303, answer.text
    return answer.location


def said(page: str) -> str:
    return page.replace("\xa0", " ")


def act(page: str, name: str) -> str:
    return re.search(rf'action="([^"]+/{name})"', page)[1]


def test_one_is_sold_found_and_taken(shop, api, house) -> None:
    address = sold(shop)
    page = said(shop.read(address))
    assert "The gift card is sold" in page
    left = re.search(r"<dt>Left on it</dt><dd>(.*?)</dd>", page)[1]
    assert left == "RUB 1,500.50"
    number = address.partition("number=")[2]
    paid = shop.post(
        act(page, "spend"),
        csrf_token=re.search(r'name="csrf_token" value="([^"]+)"', page)[1],
        once=once(page),
        spent="500.50",
        receipt="18",
    )
    assert paid.status_code == 303, paid.text
    assert "RUB 1,000.00" in said(shop.read(paid.location))
    (member,) = api.get(f"members?card={number}").get_json()["items"]
    assert member["balance"]["available_money"] == {"amount": "1000.00", "currency": "RUB"}
    lines = api.get(f"members/{member['id']}/postings").get_json()["items"]
    assert [(one["kind"], one["receipt"]) for one in lines] == [
        ("redemption", "18"),
        ("accrual", "17"),
    ]


def test_a_form_that_is_sent_twice_sells_one(shop, api) -> None:
    mark = once(shop.read(PAGE))
    first, second = [shop.send(PAGE, amount="100", once=mark).location for _ in range(2)]
    assert first == second
    assert len(api.get("members?programme=gifts").get_json()["items"]) == 1


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [("", "Please fill this in."), ("0", "More than nothing."), ("x", "This is not an amount.")],
)
def test_what_is_no_amount_is_said_at_the_field(shop, api, amount, sentence) -> None:
    answer = shop.send(PAGE, amount=amount, once="a")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert api.get("members?programme=gifts").get_json()["items"] == []


def test_more_than_is_on_it_is_not_taken(shop) -> None:
    page = shop.read(sold(shop, "100"))
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    answer = shop.post(act(page, "spend"), csrf_token=token, once=once(page), spent="100.01")
    assert answer.status_code == 422
    assert 'value="100.01"' in answer.text
    assert "RUB 100.00" in said(answer.text)


def test_one_is_made_void_and_good_again(shop, api) -> None:
    address = sold(shop, "100")
    page = shop.read(address)
    assert "stay on it" in said(page)
    shop.send(address, act(page, "void"))
    page = shop.read(address)
    assert "The gift card is void" in page and "Take the payment" not in page
    number = address.partition("number=")[2]
    refused = api.post("redemptions", {"card": number, "points": 5})
    assert refused.get_json()["code"] == "card_void"
    shop.send(address, act(page, "restore"))
    assert "Take the payment" in shop.read(address)


def test_a_number_that_nobody_has_is_said_at_the_field(shop, member) -> None:
    for number in ("123456789012", member["card"]["number"], "!"):
        answer = shop.get(f"{PAGE}?number={number}")
        assert answer.status_code == 404
        assert "There is no gift card with this number." in answer.text


def test_who_may_not_sell_may_look_and_take(client, installation, shop, api) -> None:
    address = sold(shop, "100")
    cashier = signed_in(client, installation, "cashier")
    assert "Sell a gift card" not in cashier.read(PAGE)
    assert "Take the payment" in cashier.read(address)
    assert "Make it void" not in cashier.read(address)


def test_a_programme_with_points_has_none(owner) -> None:
    page = owner.read("/console/programmes/demo/gift-cards")
    assert "are no gift cards" in page
