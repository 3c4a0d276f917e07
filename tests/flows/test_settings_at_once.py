"""Two people save the same form, or answer the same questions, at one moment."""

import re
from functools import partial

import pytest
from interleaving import stage
from visitors import HOME, signed_in

from wallet.access.changes import RecordedChange
from wallet.web.app import create_app

FORMS = {
    f"{HOME}settings/base": [
        {"back": back, "payable": "30", "worth": "1", "live_days": "365", "lapsed_days": "60"}
        for back in ("5", "7")
    ],
    f"{HOME}first-hour": [
        {"trade": trade, "back": "5", "payable": "30", "live_days": "365"}
        for trade in ("coffee", "fuel")
    ],
}


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.mark.parametrize("path", FORMS)
def test_one_is_taken_and_the_other_is_told(installation, path: str) -> None:
    app = create_app(installation)
    people = [
        signed_in(app.test_client(), installation, "manager", email=f"{name}@example.com")
        for name in ("anna", "boris")
    ]

    def sends(number: int, mark: str):
        """What it takes to send the form of the address as it was opened by now."""
        page = people[number].read(f"{path}?again=1")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        opened = re.search(r'name="opened" value="([^"]+)"', page)[1]
        entries = {**FORMS[path][number], "csrf_token": token, "opened": opened}
        entries["live_days"] = mark
        return partial(people[number].post, path, **entries)

    meetings = 0
    for at in range(1, 80, 6):
        first, second = sends(0, str(100 + at)), sends(1, str(200 + at))
        before = _changes(installation)
        with stage(installation.database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:
                break
        codes = sorted(one.status_code for one in (met.first, met.second))
        assert codes == [303, 422], (at, met.first, met.second)
        refused = next(one for one in (met.first, met.second) if one.status_code == 422)
        assert "changed this meanwhile" in refused.text
        assert _changes(installation) > before
        meetings += 1
    assert meetings > 3


def _changes(installation) -> int:
    with installation.database.reading() as session:
        return session.query(RecordedChange).count()
