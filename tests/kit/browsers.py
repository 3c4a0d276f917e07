"""The system's Chromium, driven by Playwright."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE_MS = 120_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Pages ask for previews and for how far jobs are, and are left meanwhile. Of a request that failed
# htmx says two things: what kind of end it was (another word if it was a real failure), and that.
GIVEN_UP = re.compile(r"net::ERR_ABORTED$|^htmx:(sendAbort|afterRequest),")


def complaints(said: Iterable[str]) -> list[str]:
    """What a browser said of a page, without requests that it gave up when the page was left."""
    return [line for line in said if not GIVEN_UP.search(line)]


def faults(page: Page, part: str | None = None) -> list[str]:
    """What axe finds wrong with a page as it stands there, and where; of a page, or of a part of
    it, which is named by a selector."""
    found = Axe().run(page, context=part).response["violations"]
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]


def patient(context: BrowserContext) -> BrowserContext:
    """One that waits however busy the machine is."""
    context.set_default_timeout(PATIENCE_MS)
    return context


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """With more arguments, if there are any. Not for longer than a module: as long as Playwright is
    there, a loop of asyncio runs in this thread, and tests that want one of their own would
    fail."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "this test needs chromium: apt-get install chromium"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", *more]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()
