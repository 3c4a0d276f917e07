"""The first card and the first message of somebody who has only the README: follows the printed
link, designs a card, has it in the sandbox's phone, sends a message with 50 points, and sees it
there and in the figures. Once by mouse and in Russian, once by keyboard alone and in English."""

import re
from collections.abc import Iterator
from pathlib import Path

import browsers
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from processes import Processes, processes, wait_until
from servers import free_ports

LINK = re.compile(r"^console (http://localhost:\d+/console/welcome/\S+)$", re.MULTILINE)
PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
WITHIN_MS = 120_000  # on a loaded machine
MOST_TABS = 400
MOST_CHOICES = 10


@pytest.fixture(scope="module")
def port() -> int:
    return free_ports(5)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Processes]:
    folder: Path = tmp_path_factory.mktemp("first-message")
    environment = {"WALLET_DATA": str(folder / "var"), "PORT": str(port)}
    with processes(environment, folder) as started:
        started.start("run")
        wait_until(lambda: LINK.search(started.log_of("run")) is not None, "the link")
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def sit(chromium: Browser) -> Iterator[tuple[BrowserContext, list[str]]]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="ru")
    context.set_default_timeout(WITHIN_MS)
    expect.set_options(timeout=WITHIN_MS)
    said: list[str] = []
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield context, said
    expect.set_options(timeout=None)
    context.close()


class Mouse:
    """Somebody who points at things."""

    def press(self, what: Locator) -> None:
        what.click()

    def write(self, what: Locator, text: str) -> None:
        what.fill(text)


class Keyboard:
    """Somebody who has no mouse: goes from one thing to the next, and presses Enter or space."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, what: Locator) -> None:
        kind = what.get_attribute("type")
        if kind == "radio":  # keys lead to the one that is chosen, arrows to the others
            name = what.get_attribute("name")
            self._reach(self._page.locator(f'input[type=radio][name="{name}"]:checked'))
            for _ in range(MOST_CHOICES):
                if what.is_checked():
                    return
                self._page.keyboard.press("ArrowDown")
        self._reach(what)
        self._page.keyboard.press("Space" if kind == "checkbox" else "Enter")

    def write(self, what: Locator, text: str) -> None:
        self._reach(what)
        self._page.keyboard.press("Control+A")
        self._page.keyboard.insert_text(text)

    def _reach(self, what: Locator) -> None:
        expect(what).to_be_visible()
        for _ in range(MOST_TABS):
            if what.evaluate("one => one === document.activeElement"):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"no key leads to {what}")


def come_in(page: Page, machine: Processes) -> None:
    found = LINK.search(machine.log_of("run"))
    assert found is not None
    page.goto(found[1])
    page.get_by_label("Ваша электронная почта").fill("olga@example.com")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Сохранить пароль и войти").click()
    page.get_by_label("Название на карте").fill("Кофейня «Сирень»")
    page.get_by_role("link", name="Кофейня", exact=True).click()
    page.get_by_role("button", name="Так и сделаем").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Готово к запуску")


def join(context: BrowserContext, port: int) -> Page:
    """Join as a customer does, and have the card in the virtual phones."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/join/demo?lang=ru")
    page.get_by_label("Телефон или эл. почта").fill("+7 916 123-45-67")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Получить карту").click()
    page.get_by_role("link", name=re.compile("виртуальн")).first.click()
    return page


def design(page: Page, hand: Mouse | Keyboard, starter: str, words: dict[str, str]) -> None:
    """Take a design for the trade, and publish it."""
    hand.press(page.get_by_role("link", name=words["cards"], exact=True))
    hand.press(page.get_by_role("link", name=words["change"]).first)
    hand.press(page.get_by_role("link", name=words["another"]))
    hand.press(page.get_by_role("button", name=starter))
    hand.press(page.get_by_role("button", name=words["publish"], exact=True))
    hand.press(page.get_by_role("button", name=words["for_all"]))
    expect(page.get_by_role("status").first).to_contain_text(words["published"])


def write(page: Page, hand: Mouse | Keyboard, text: str, words: dict[str, str]) -> None:
    """Write to everybody, with 50 points, and send it at once."""
    hand.press(page.get_by_role("link", name=words["messages"], exact=True))
    hand.press(page.get_by_role("link", name=words["new"]).first)
    hand.write(page.locator("#name"), text)
    for tag in ("ru", "en"):
        hand.write(page.locator(f"#text_{tag}"), text)
    hand.press(page.locator("#gift"))
    hand.write(page.locator("#gift_points"), "50")
    if page.locator("#quiet").is_checked():
        hand.press(page.locator("#quiet"))
    hand.press(page.get_by_role("button", name=words["go_on"]).last)
    hand.press(page.get_by_role("button", name=words["send"]))
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def colour_of(phones: Page) -> str:
    return str(phones.locator("#front").evaluate("one => getComputedStyle(one).backgroundColor"))


RUSSIAN = {
    "cards": "Карты",
    "change": "Изменить оформление",
    "another": "Начать с другого оформления",
    "publish": "Опубликовать…",
    "for_all": "Опубликовать для всех",
    "published": "Опубликовано",
    "messages": "Рассылки",
    "new": "Новая рассылка",
    "go_on": "Продолжить",
    "send": "Отправить сейчас",
}
ENGLISH = {
    "cards": "Cards",
    "change": "Change the design",
    "another": "Begin with another design",
    "publish": "Publish…",
    "for_all": "Publish for all",
    "published": "Published",
    "messages": "Messages",
    "new": "New campaign",
    "go_on": "Go on",
    "send": "Send now",
}


def test_a_card_a_message_and_its_figures_by_mouse_and_by_keyboard(
    machine: Processes, sit: tuple[BrowserContext, list[str]], port: int
) -> None:
    context, said = sit
    page = context.new_page()
    come_in(page, machine)
    design(page, Mouse(), "Начать с оформления: Пекарня", RUSSIAN)
    phones = join(context, port)
    expect(phones.locator("#card-title")).to_contain_text("Кофейня «Сирень»")
    first = colour_of(phones)

    write(page, Mouse(), "Круассаны уже горячие", RUSSIAN)
    expect(phones.locator("#notice-text")).to_contain_text("Круассаны")
    expect(phones.locator("#front")).to_contain_text("50")
    expect(phones.locator("#android")).to_contain_text("50")
    page.reload()
    expect(page.locator(".k-figures-table").first).to_contain_text("1")

    page.goto(f"{page.url.partition('?')[0]}?lang=en")
    design(page, Keyboard(page), "Begin with: Restaurant", ENGLISH)
    write(page, Keyboard(page), "Half price until noon", ENGLISH)
    expect(phones.locator("#notice-text")).to_contain_text("Half price")
    expect(phones.locator("#front")).to_contain_text("100")
    assert colour_of(phones) != first
    assert said == []
