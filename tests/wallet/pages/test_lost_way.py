"""Pages for what went wrong say whose they are, and lead on."""

import re

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from ledger.programmes import programmes

SHOP = "Кофейня «Копилка»"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_RATE_LIMITS": "join=1/hour,card=30/hour"}


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """Somebody who reads Russian."""
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "ru"
    return client


@pytest.fixture
def listed(installation) -> None:
    with installation.database.transaction() as session:
        programmes.by_code(session, "demo").listed = True


@pytest.fixture
def another(wallet) -> None:
    """A second programme, so that an address has to say whose it is."""
    assert wallet("programmes", "add", "bakery", "Пекарня").exit_code == 0


def led(answer) -> tuple[str, str]:
    """Whose page it is, and where it leads."""
    assert answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    title = re.search(r"<title>[^<]* · ([^<]*)</title>", answer.text)[1]
    (way_on,) = re.findall(r'class="button[^"]*" href="([^"]+)"', answer.text)
    return title, way_on


def test_an_address_below_a_programme_leads_to_its_form(client, another) -> None:
    assert led(client.get("/join/demo/more")) == (SHOP, "/join/demo")
    assert led(client.get("/find/demo/more")) == (SHOP, "/find/demo")
    assert led(client.get("/join/bakery/more")) == ("Пекарня", "/join/bakery")


def test_an_address_below_a_card_leads_to_it(client, card, another) -> None:
    for wrong in (card.get("/more"), card.get("/barcode.svg?symbology=none")):
        assert (wrong.status_code, led(wrong)) == (404, (SHOP, card.path))
    elsewhere = client.post(f"{card.path}/messages", headers={"Sec-Fetch-Site": "cross-site"})
    assert (elsewhere.status_code, led(elsewhere)) == (403, (SHOP, card.path))


@pytest.mark.parametrize("path", ["/nowhere", "/join/none", "/card/none", "/card/\x00", "/card"])
def test_an_address_that_tells_nothing_is_the_services_own(client, another, listed, path) -> None:
    assert led(client.get(path)) == ("Копилка", "/")


def test_where_there_is_one_programme_it_is_meant(client, listed) -> None:
    assert led(client.get("/nowhere")) == (SHOP, "/")
    assert led(client.get("/card/none")) == (SHOP, "/find/demo")


def test_a_programme_that_is_not_listed_is_not_told_of(client) -> None:
    for path in ("/nowhere", "/card/none"):
        assert led(client.get(path)) == ("Копилка", "/")


def test_another_sites_form_leads_to_our_own(form) -> None:
    answer = form.sent(headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, led(answer)) == (403, (SHOP, "/join/demo"))


def test_who_is_too_fast_is_told_that_nothing_is_lost(client, card) -> None:
    form = client.post("/join/demo", data={})
    assert (form.status_code, led(form)) == (429, (SHOP, "/join/demo"))
    assert "по-прежнему там" in form.text
    while (page := card.get()).status_code == 200:
        pass
    assert (page.status_code, led(page)) == (429, (SHOP, card.path))


def test_too_much_text_leads_back(client) -> None:
    answer = client.post("/join/demo", data={"name": "x" * 2_000_000})
    assert (answer.status_code, led(answer)) == (413, (SHOP, "/join/demo"))


@pytest.mark.parametrize("call", ["void", "expire", "block"])
def test_a_card_that_is_not_good_leads_to_who_knows_more(card, api, call) -> None:
    member = api.get(f"members?card={card.number()}").get_json()["items"][0]["id"]
    (pass_,) = api.get(f"members/{member}/passes").get_json()["items"]
    of = f"members/{member}" if call == "block" else f"passes/{pass_['id']}"
    body = None if call == "block" else {}
    assert api.post(f"{of}/{call}", body).status_code < 300
    closed = card.get()
    assert closed.status_code in (403, 410)
    assert led(closed) == (SHOP, "/join/demo/rules")


def test_a_card_that_was_deleted_leads_to_the_form(card, client) -> None:
    client.post(f"{card.path}/me/delete", data={"sure": "yes"})
    gone = card.get()
    assert (gone.status_code, led(gone)) == (410, (SHOP, "/join/demo"))


def test_a_database_in_trouble_is_not_asked_again(client, installation, monkeypatch) -> None:
    asked = []

    def reading():
        asked.append(True)
        raise OperationalError(None, None, psycopg.OperationalError("it is away"))

    monkeypatch.setattr(installation.database, "reading", reading)
    answer = client.get("/join/demo")
    assert (answer.status_code, led(answer), asked) == (503, ("Копилка", "/"), [True])
