"""Documents lead to each other: every relative link is a file that is there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PAGES = [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), TOP / "tests" / "mutants" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not (page.parent / link).exists()] == []
