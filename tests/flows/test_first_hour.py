"""The first hour of somebody who has only the README: follows the printed link, answers four
questions, invites two people, brings customers from a spreadsheet, finds one and gives her points.
All in a browser, against `wallet run` in an empty folder; nothing is edited, nothing looked up."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import browsers
import openpyxl
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect
from processes import Processes, processes, wait_until
from servers import free_ports

LINK = re.compile(r"^console (http://localhost:\d+/console/welcome/\S+)$", re.MULTILINE)
PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
ROWS = 3000
WITHIN_MS = 120_000  # on a loaded machine
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Processes]:
    logs = tmp_path / "logs"
    logs.mkdir()
    environment = {"WALLET_DATA": str(tmp_path / "var"), "PORT": str(free_ports(5))}
    with processes(environment, logs) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


def customers() -> FilePayload:
    """A spreadsheet as a shop has it."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Имя", "Телефон", "Почта", "Баллы"])
    for n in range(ROWS):
        number = f"8 (916) {n // 10000:03d}-{n // 100 % 100:02d}-{n % 100:02d}"
        sheet.append([f"Клиент {n}", number, f"client{n}@example.com", n % 500])
    written = io.BytesIO()
    book.save(written)
    return {"name": "Клиенты.xlsx", "mimeType": XLSX, "buffer": written.getvalue()}


def invite(page: Page, email: str, role: str) -> str:
    """Invite somebody from the page of the staff; returns the link to hand over."""
    page.get_by_role("link", name="Настройки", exact=True).click()
    page.get_by_role("link", name=re.compile("Сотрудники")).first.click()
    page.get_by_role("link", name=re.compile("Пригласить")).click()
    page.get_by_label("Почта").fill(email)
    page.get_by_role("radio", name=re.compile(f"^{role}")).first.check()
    page.get_by_role("button", name="Пригласить").click()
    return page.get_by_label("Ссылка").input_value()


def test_the_first_hour_needs_no_documentation(machine: Processes, chromium: Browser) -> None:
    machine.start("run")
    wait_until(lambda: LINK.search(machine.log_of("run")) is not None, "the link")
    found = LINK.search(machine.log_of("run"))
    assert found is not None
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="ru")
    context.set_default_timeout(WITHIN_MS)
    page, said = context.new_page(), []
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(found[1])
    page.get_by_label("Ваша электронная почта").fill("olga@example.com")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Сохранить пароль и войти").click()

    page.get_by_role("link", name="Кофейня").click()
    page.get_by_label(re.compile("Возвращается баллами")).fill("7")
    page.get_by_role("button", name="Так и сделаем").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Готово к запуску")
    expect(page.locator("main")).to_contain_text("7 %")

    cashier = invite(page, "kassa@example.com", "Кассир")
    marketer = invite(page, "mark@example.com", "Маркетолог")
    for link, is_marketer in ((cashier, False), (marketer, True)):
        theirs = chromium.new_context(locale="ru").new_page()
        theirs.goto(link)
        theirs.get_by_label("Пароль").fill(PASSWORD)
        theirs.get_by_role("button", name="Сохранить пароль и войти").click()
        if is_marketer:
            expect(theirs.get_by_label("Вы: ")).to_be_visible(timeout=WITHIN_MS)
        else:
            expect(theirs.get_by_label("Карта, телефон, почта")).to_be_focused(timeout=WITHIN_MS)
        assert theirs.get_by_role("link", name="Клиенты", exact=True).count() == is_marketer
        theirs.context.close()

    page.get_by_role("link", name="Настройки", exact=True).click()
    page.get_by_role("link", name=re.compile("Загрузки из файлов")).click()
    page.get_by_role("link", name=re.compile("Загрузить файл")).first.click()
    page.get_by_label(re.compile("Таблица")).set_input_files(customers())
    page.get_by_role("button", name="Посмотреть файл").click()
    apply = page.get_by_role("button", name=re.compile("Загрузить строки"))
    expect(apply).to_be_visible(timeout=WITHIN_MS)
    expect(page.locator("main")).to_contain_text(re.compile(r"3.000"))
    apply.click()
    expect(page.locator("main")).to_contain_text("Готово", timeout=2 * WITHIN_MS)

    page.locator("[data-search]").fill("8 916 000 12 34")
    page.get_by_role("link", name=re.compile("Клиент 1234")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Клиент 1234")
    page.get_by_role("link", name=re.compile("баллы", re.IGNORECASE)).first.click()
    page.get_by_label("Сколько баллов").fill("100")
    page.get_by_label("Причина").fill("За терпение в очереди")
    page.get_by_role("button", name="Провести").click()
    expect(page.locator("main")).to_contain_text(str(1234 % 500 + 100))
    expect(page.locator("main")).to_contain_text("За терпение в очереди")
    assert said == []
    context.close()
