"""Two people save the draft of a design, or publish it, at one moment."""

import re
from functools import partial

import pytest
from design_form import typed
from interleaving import stage
from visitors import HOME, signed_in

from wallet.passes import drafts, templates
from wallet.web.app import create_app

CARD = f"{HOME}cards/card"


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def people(installation):
    app = create_app(installation)
    return [
        signed_in(app.test_client(), installation, "marketer", email=f"{name}@example.com")
        for name in ("anna", "boris")
    ]


def test_one_draft_is_saved_and_the_other_person_is_told(installation, people) -> None:
    def saves(number: int, colour: str):
        sent = {**typed(people[number].read(CARD)), "background": colour}
        return partial(people[number].post, CARD, **sent)

    meetings = 0
    for at in range(2, 60, 2):
        first, second = saves(0, f"#1010{at:02d}"), saves(1, f"#2020{at:02d}")
        with stage(installation.database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:
                break
        answers = sorted((met.first, met.second), key=lambda one: one.status_code)
        assert [one.status_code for one in answers] == [303, 422], at
        assert "saved this draft meanwhile" in answers[1].text
        with installation.database.reading() as session:
            kept = drafts.design(drafts.find(session, 1, "card")).background
        assert kept == (f"#1010{at:02d}" if met.first is answers[0] else f"#2020{at:02d}")
        meetings += 1
    assert meetings > 2


def test_two_who_press_publish_make_one_revision(installation, people) -> None:
    def publishes(number: int):
        page = people[number].read(f"{CARD}/publish")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        opened = re.search(r'name="opened" value="([^"]+)"', page)[1]
        return partial(people[number].post, f"{CARD}/publish", csrf_token=token, opened=opened)

    meetings = 0
    for at in range(2, 90, 9):
        before = revisions(installation)
        sent = {**typed(people[0].read(CARD)), "background": f"#3030{at:02d}"}
        assert people[0].post(CARD, **sent).status_code == 303
        first, second = publishes(0), publishes(1)
        with stage(installation.database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:
                break
        assert sorted(one.status_code for one in (met.first, met.second)) == [303, 422], at
        assert revisions(installation) == before + 1
        meetings += 1
    assert meetings > 2


def revisions(installation) -> int:
    with installation.database.reading() as session:
        return templates.number_of_revisions(session, 1, "card")
