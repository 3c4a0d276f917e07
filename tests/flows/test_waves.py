"""Changes for a whole programme: their pace, and who may stop them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner
from phones import Phone, opened, values
from sqlalchemy import delete, func, insert, select, update

from ledger import enrolment
from ledger.database.outbox import OutboxRow
from ledger.database.tables import EPOCH
from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet.apple.devices import PushRow
from wallet.apple.signed_passes import SealedPass
from wallet.cli import main
from wallet.delivery import waves
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.delivery.waves import LOOK_EVERY, SLOWEST_PACE, Pace, Wave
from wallet.passes import issuing
from wallet.passes.issued import Pass

FIRST = 40  # passes a second, so that few cards are many
MANY = 280  # more than a wave may come to at once before it has found its pace


@pytest.fixture(autouse=True)
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "FIRST_PACE", FIRST)


@pytest.fixture
def cards(house) -> int:
    """Cards of the demo programme, none of them in a phone."""
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        people = [(Profile(), None)] * MANY
        member_ids = enrolment.join_all(session, programme, people, house.clock())
        pass_type, keys = house.installation.pass_type, house.installation.keys
        issuing.issue_all(session, programme, member_ids, pass_type, keys, house.clock())
        session.execute(delete(OutboxRow))
    return MANY


@pytest.fixture
def offer(api, house, cards) -> str:
    """The wave of an offer for all, which has not begun."""
    assert api.post("offers", {"programme": "demo", "title": "Чай"}).status_code == 201
    house.run("relay")
    return api.get("waves").get_json()["items"][0]["id"]


def wave(house) -> Wave:
    with house.installation.database.reading() as session:
        return session.scalars(select(Wave)).one()


def changed(house) -> int:
    with house.installation.database.reading() as session:
        return session.scalar(select(func.count()).where(Pass.version > 1))


def test_a_wave_keeps_its_pace_and_says_when_it_is_done(house, api, offer, cards) -> None:
    house.run("waves")
    begun = changed(house)
    assert begun <= FIRST * (LOOK_EVERY.total_seconds() + 1) < cards
    told = api.get(f"waves/{offer}").get_json()
    assert (told["state"], told["total"], told["seen"]) == ("running", cards, begun)
    expected = wave(house).expected_at - house.clock()
    assert timedelta() < expected <= timedelta(seconds=cards / FIRST)
    house.run("waves")
    assert changed(house) == begun  # asked again at once, it waits for its time
    house.clock.advance(seconds=5)
    house.run("waves")
    told = api.get(f"waves/{offer}").get_json()
    assert (told["state"], told["seen"], told["changed"]) == ("done", cards, cards)
    assert told["finished_at"] is not None
    assert told["expected_at"] is None
    assert changed(house) == cards


def test_the_setting_is_the_most_it_may_do(house, monkeypatch, offer) -> None:
    installation = house.installation
    slow = Pace(10, installation.apple.lag)
    monkeypatch.setattr(type(installation), "pace", property(lambda _: slow))
    house.run("waves")
    begun = changed(house)
    assert begun <= 10 * 6
    house.clock.advance(seconds=4)
    house.run("waves")
    assert changed(house) - begun == 10 * 4


def test_two_waves_share_the_pace(house, api, join, offer, cards) -> None:
    api.post("offers", {"programme": "demo", "title": "Кофе"})
    house.run("relay", "waves")
    with house.installation.database.reading() as session:
        first, second = session.scalars(select(Wave.seen).order_by(Wave.id)).all()
    assert first > 0
    assert second > 0
    assert first + second <= FIRST * (LOOK_EVERY.total_seconds() + 3.2)


@pytest.mark.parametrize(
    ("lag", "pace"),
    [
        (Lag(0, None), 400 + 100),
        (Lag(0, 2.0), 400 + 100),
        (Lag(0, 60.0), 200),
        (Lag(MOST_COUNTED, 2.0), 0),
    ],
)
def test_the_pace_follows_what_phones_do(lag: Lag, pace: int) -> None:
    assert Pace(1000, lambda *_: lag).after(400, lag) == pace


def test_the_pace_finds_its_bounds_and_its_way_back() -> None:
    pace = Pace(1000, lambda *_: Lag(0, None))
    slow, stuck, well = Lag(0, 60.0), Lag(MOST_COUNTED, None), Lag(0, 1.0)
    assert pace.after(900, well) == 1000
    assert pace.after(30, slow) == SLOWEST_PACE
    assert pace.after(pace.after(500, stuck), well) == SLOWEST_PACE


def test_fetches_that_come_late_slow_it_down(house, offer, cards) -> None:
    """The web tier has more to sign than it can: what is fetched now was changed long ago."""
    house.run("waves")
    seal_changed(house, after=timedelta(seconds=40))
    house.clock.advance(seconds=41)
    with house.installation.database.transaction() as session:
        lag = house.installation.apple.lag(session, house.clock())
        assert lag.fetched_after_s == pytest.approx(40, abs=1)
        step(house, session)
    assert wave(house).pace == FIRST // 2


def test_phones_that_were_off_for_days_slow_nothing_down(house, offer) -> None:
    house.run("waves")
    seal_changed(house, after=timedelta(seconds=2))
    with house.installation.database.transaction() as session:
        some = select(SealedPass.pass_id).where(SealedPass.pass_id % 2 == 0)
        session.execute(
            update(Pass).where(Pass.id.in_(some)).values(last_modified=Pass.last_modified - 86400)
        )
        house.clock.advance(seconds=5)
        step(house, session)
    assert wave(house).pace > FIRST


def test_pushes_that_pile_up_stop_it_until_they_are_gone(house, monkeypatch, offer) -> None:
    monkeypatch.setattr("wallet.apple.provider.MOST_COUNTED", 50)
    monkeypatch.setattr("wallet.delivery.waves.MOST_COUNTED", 50)
    with house.installation.database.transaction() as session:
        row = {"pass_id": 1, "due_at": house.clock(), "lease_until": EPOCH}
        row |= {"generation": 1, "attempts": 0}
        session.execute(insert(PushRow), [{**row, "device_id": n} for n in range(60)])
    house.clock.advance(seconds=5)
    house.run("waves")
    assert (changed(house), wave(house).pace, wave(house).state) == (0, 0, "running")
    house.run("apple")  # their devices are nowhere: they go
    house.clock.advance(seconds=5)
    house.run("waves")
    assert changed(house) > 0


def step(house, session) -> None:
    installation = house.installation
    waves.advance(session, installation.make_due, installation.pace, house.clock())


def seal_changed(house, after: timedelta) -> None:
    """Phones fetch what changed, so long after it did."""
    with house.installation.database.transaction() as session:
        for pass_ in session.scalars(select(Pass).where(Pass.version == 2).limit(40)).all():
            signed = {"signed_by": "-", "pass_json": b"", "manifest": b"", "signature": b""}
            session.add(
                SealedPass(
                    pass_id=pass_.id,
                    version=2,
                    template_id=pass_.template_id,
                    signed_at=house.clock() + after,
                    **signed,
                )
            )


class TestStopping:
    """Pause, resume, cancel: by API and by command."""

    @pytest.fixture(params=["api", "command"])
    def order(self, request, api, house, environment) -> Callable[[str, str], tuple[bool, str]]:
        """Whether it was done, and what was said."""

        def by_api(what: str, id_: str) -> tuple[bool, str]:
            answer = api.post(f"waves/{id_}/{what}", None)
            return answer.status_code == 200, answer.get_json().get("code", "")

        def by_command(what: str, id_: str) -> tuple[bool, str]:
            result = CliRunner(env=environment).invoke(main, ["waves", what, id_])
            return result.exit_code == 0, result.output

        return by_api if request.param == "api" else by_command

    def test_a_paused_wave_stands_still_and_goes_on(self, house, offer, cards, order) -> None:
        house.run("waves")
        begun = changed(house)
        assert order("pause", offer)[0]
        assert order("pause", offer)[0]
        house.clock.advance(minutes=10)
        house.run("waves")
        assert (changed(house), wave(house).state) == (begun, "paused")
        assert order("resume", offer)[0]
        house.clock.now = max(house.clock(), wave(house).next_at)
        for _ in range(20):
            house.run("waves")
            house.clock.advance(seconds=5)
        assert (changed(house), wave(house).state) == (cards, "done")

    def test_a_cancelled_wave_never_goes_on(self, house, offer, order) -> None:
        house.run("waves")
        begun = changed(house)
        assert order("cancel", offer)[0]
        house.clock.advance(minutes=10)
        house.run("waves")
        assert (changed(house), wave(house).state) == (begun, "cancelled")
        for what in ("pause", "resume", "cancel"):
            done, said = order(what, offer)
            assert not done
            assert "wave_over" in said or "This wave is over: cancelled." in said

    def test_a_wave_that_there_is_not(self, order) -> None:
        done, said = order("pause", "01a20f22-e8b2-70f7-803f-f892725756e9")
        assert not done
        assert "unknown_wave" in said or "There is no such wave." in said


def test_the_command_lists_those_under_way(house, offer, cards, environment) -> None:
    house.run("waves")
    said = CliRunner(env=environment).invoke(main, ["waves", "list", "--programme", "demo"]).output
    assert said.startswith(f"{offer} running: {changed(house)} of {cards}, ")
    with house.installation.database.transaction() as session:
        waves.cancel(session, offer, house.clock())
    listed = CliRunner(env=environment).invoke(main, ["waves", "list"]).output
    assert listed.startswith("Nothing is on its way.")
    assert "cancelled" in CliRunner(env=environment).invoke(main, ["waves", "list", "--all"]).output


def test_what_a_cancelled_wave_left_follows_the_next_change(
    house, api, client, member, environment
) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    house.run("relay")  # that the member joined is old news
    api.post("offers", {"programme": "demo", "title": "Чай"})
    house.run("relay")
    api.post(f"waves/{api.get('waves').get_json()['items'][0]['id']}/cancel", None)
    house.run("relay", "waves")
    assert values(opened(phone.fetch().data))["offer"] == "—"
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run("relay")
    assert values(opened(phone.fetch().data))["offer"] == "Чай"


def test_figures_for_monitoring(house, client, offer, cards) -> None:
    house.run("waves")
    said = client.get("/metrics").text
    assert 'kopilka_waiting{what="waves"} 1.0' in said
    assert f'kopilka_waiting{{what="wave_passes"}} {float(cards - changed(house))}' in said
    assert f"kopilka_wave_pace {float(FIRST)}" in said
