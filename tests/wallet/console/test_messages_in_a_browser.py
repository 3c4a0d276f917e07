"""Messages in a real browser: written, sent, and looked at afterwards, in both languages, on a desk
and on a phone."""

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import browsers
import pytest
from phones import Phone
from playwright.sync_api import Browser, Page, expect
from visitors import HOME, signed_in

from wallet.console.door import door
from wallet.sandbox.apns import RunningApns

SHOTS = os.environ.get("KOPILKA_SHOTS")  # a folder, for whoever wants to look at the pages
LIST = f"{HOME}messages"
WAYS = [("ru", 1440), ("en", 360)]
if SHOTS:
    WAYS += [("en", 1440), ("ru", 360)]

BUTTONS = {
    "ru": ("Новая рассылка", "Продолжить", "Отправить сейчас", "Добавить"),
    "en": ("New campaign", "Go on", "Send now", "Add"),
}


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


@pytest.fixture
def crowd(join, client, api) -> None:
    """Members with phones and points, some without a card, one who never agreed."""
    names = ["Анна Ёлкина", "Константин Константинопольский", "Mary Smith", "Пётр", "Ольга"]
    for number, name in enumerate(names):
        consent = {} if number == 3 else {"consents": [{"purpose": "marketing", "given": True}]}
        member = join(name=name, phone=f"+7916123450{number}", **consent)
        api.post("accruals", {"member": member["id"], "points": 100 * number + 20})
        if number < 4:
            phone = Phone.with_card(client, member, device=f"{number}" * 32)
            assert phone.register(token=f"{number}" * 64).status_code == 201


def sound(page: Page, width: int) -> list[str]:
    """What is wrong with the page as it stands there."""
    found = browsers.faults(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [*found, f"{wide} px wide"] if wide > width else found


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def visit(chromium: Browser, app, installation, address) -> Iterator[Callable[..., Page]]:
    """A page of a marketer who is inside, in a language and on a screen."""
    inside = signed_in(app.test_client(), installation, "marketer")
    cookie = inside.client.get_cookie(door.COOKIE)
    contexts = []

    def visited(language: str, width: int) -> Page:
        context = browsers.patient(
            chromium.new_context(
                viewport={"width": width, "height": 900}, locale=language, reduced_motion="reduce"
            )
        )
        contexts.append(context)
        context.add_cookies([{"name": door.COOKIE, "value": cookie.value, "url": address}])
        return context.new_page()

    yield visited
    for context in contexts:
        context.close()


def planned_week(api, house) -> tuple[date, date]:
    """Campaigns and an announcement of the week to come, which is from Monday to Sunday."""
    today = house.today()
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
    sunday = monday + timedelta(days=6)
    for name, days in (("Пятничный латте", 4), ("Новое меню", 4), ("Воскресный завтрак", 6)):
        campaign = {
            "programme": "demo",
            "name": name,
            "texts": {"ru": "Ждём вас, {{name|друг}}!", "en": "We wait for you!"},
            "cap": {"messages": 3, "days": 7} if days == 4 else None,
        }
        made = api.post("campaigns", campaign)
        assert made.status_code == 201, made.text
        at = f"{monday + timedelta(days=days)}T12:00"
        started = api.post(f"campaigns/{made.get_json()['id']}/start", {"at": at})
        assert started.status_code == 200, started.text
    until = f"{monday + timedelta(days=9)}T21:00:00Z"
    for title in ("Кофе и круассан за полцены", "Неделя чая"):
        since = f"{monday + timedelta(days=len(title) % 3)}T08:00:00Z"
        offer = {"programme": "demo", "title": title, "from": since, "until": until}
        assert api.post("offers", offer).status_code == 201
    return monday, sunday


@pytest.mark.parametrize(("language", "width"), WAYS)
def test_what_comes_by_itself_and_what_stands_on_the_cards(
    visit, address, api, house, crowd, language, width
) -> None:
    body = {"on": True, "days": 3, "gift": 200}
    assert api.call("PUT", "programmes/demo/messages/birthday", body).status_code == 200
    offer = {"programme": "demo", "title": {"ru": "Латте −20 %", "en": "Latte −20 %"}}
    id_ = api.post("offers", offer).get_json()["id"]
    monday, sunday = planned_week(api, house)
    page, way, wrong = visit(language, width), f"{language}-{width}", []
    for name, path in (
        ("8-built-in", "built-in"),
        ("9-birthday", "built-in/birthday"),
        ("10-offers", "offers"),
        ("11-offer", f"offers/{id_}"),
        ("12-new-offer", "offers/new"),
        ("13-withdraw", f"offers/{id_}/withdraw"),
        ("14-calendar", f"calendar?month={sunday:%Y-%m}&counted=yes"),
        ("15-week", f"calendar?week={monday}"),
    ):
        page.goto(f"{address}{LIST}/{path}")
        expect(page.locator('[hx-trigger="load"]')).to_have_count(0)
        shot(page, f"{name}-{way}")
        wrong += sound(page, width)
    assert wrong == []


@pytest.mark.parametrize(("language", "width"), WAYS)
def test_a_campaign_from_its_first_word_to_its_figures(
    visit, address, crowd, house, language, width
) -> None:
    page, said = visit(language, width), []
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    new, go_on, send, add = BUTTONS[language]
    way = f"{language}-{width}"
    page.goto(address + LIST)
    shot(page, f"1-empty-{way}")
    wrong = sound(page, width)
    page.get_by_role("link", name=new).first.click()
    page.locator("#name").fill("Латте в пятницу")
    page.locator("#text_ru").fill("{{name|Друг}}, в пятницу латте за полцены! У вас {{points}}.")
    page.locator("#text_en").fill("{{name|Friend}}, latte is half price on Friday!")
    page.locator('[name="whom"][value="conditions"]').check()
    page.locator("#condition").select_option("balance_from")
    page.get_by_role("button", name=add).click()
    page.locator("#number").fill("100")
    page.get_by_role("button", name=add).click()
    expect(page.locator(".k-chip")).to_have_count(1)
    page.locator("#gift").check()
    page.locator("#gift_points").fill("50")
    page.locator("#quiet").uncheck()
    page.locator("#held_out").fill("0")
    expect(page.locator("#preview .k-seen").first).to_be_visible()
    expect(page.locator("#preview .k-reach")).to_contain_text("2")
    shot(page, f"2-composer-{way}")
    wrong += sound(page, width)
    page.get_by_role("button", name=go_on).last.click()
    expect(page.locator(".k-paragraph")).to_contain_text("Латте в пятницу")
    shot(page, f"3-send-{way}")
    wrong += sound(page, width)
    page.get_by_role("button", name=send).click()
    expect(page.locator("#progress")).to_be_visible()
    shot(page, f"4-running-{way}")
    wrong += sound(page, width)
    house.run("messages", "relay", "apple")
    page.goto(page.url)
    expect(page.locator("svg text").first).to_be_visible()
    shot(page, f"5-results-{way}")
    wrong += sound(page, width)
    page.locator(".k-figures-table td a").first.click()
    shot(page, f"6-members-{way}")
    wrong += sound(page, width)
    page.goto(address + LIST)
    shot(page, f"7-list-{way}")
    assert wrong == []
    assert browsers.complaints(said) == []
