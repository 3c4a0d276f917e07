"""Documents lead to each other: a relative link is a file that is there, and a heading in it."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PAGES = [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), TOP / "tests" / "mutants" / "README.md"]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?[^)]*\)")


def headings(page: Path) -> set[str]:
    """The names by which links lead to headings: as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link, heading in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        target = page.parent / link if link else page
        if not target.exists() or (
            heading and target.suffix == ".md" and heading not in headings(target)
        ):
            lost.append(f"{link}#{heading}")
    assert lost == []
