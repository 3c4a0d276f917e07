"""For operators: health and figures."""

from phones import PASS_TYPE
from sqlalchemy import text

from wallet.apple.judging import Topic


def test_a_living_process_says_so(client) -> None:
    assert client.get("/healthz").status_code == 200


def test_ready_is_a_database_of_this_release_and_a_valid_certificate(client, house) -> None:
    assert client.get("/readyz").status_code == 200
    house.clock.advance(days=400)
    assert client.get("/readyz").status_code == 503
    house.clock.advance(days=-400)
    with house.installation.database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert client.get("/readyz").status_code == 503
    assert "alembic" not in client.get("/readyz").text


def test_work_that_nobody_takes_up_is_said_and_tills_go_on(client, member, house) -> None:
    assert client.get("/readyz").text == "ready\n"
    house.clock.advance(minutes=5)
    answer = client.get("/readyz")
    assert (answer.status_code, "nobody" in answer.text) == (200, True)
    house.run()
    assert client.get("/readyz").text == "ready\n"


def test_an_expired_certificate_is_said_in_words_when_a_card_is_asked_for(
    client, member, house
) -> None:
    house.clock.advance(days=400)
    answer = client.get(member["links"]["apple"].removeprefix("http://127.0.0.1:8080"))
    assert answer.status_code == 503


def test_figures_are_for_this_machine_and_for_holders_of_a_full_key(client, api, member) -> None:
    api.post("accruals", {"member": member["id"], "points": 5})
    text = client.get("/metrics").text
    assert 'kopilka_waiting{what="events"} 2.0' in text
    assert "kopilka_passes 1.0" in text
    assert 'kopilka_certificate_days_left{pass_type="pass.sandbox.loyalty"} 394.0' in text
    assert member["card"]["number"] not in text
    through_a_proxy = {"X-Forwarded-For": "6.6.6.6"}
    assert client.get("/metrics", headers=through_a_proxy).status_code == 401
    with_key = {**through_a_proxy, "Authorization": "Bearer sandbox-test-key-of-32-characters"}
    assert client.get("/metrics", headers=with_key).status_code == 200


def test_a_fault_of_pushes_is_told_while_it_lasts(client, installation, house, wallet) -> None:
    def believed(**facts: object) -> None:
        with installation.database.transaction() as session:
            session.merge(Topic(pass_type=PASS_TYPE, **facts))

    assert client.get("/health").get_json()["push_faults"] == []
    now = house.clock()
    believed(accepted_at=now, fault="BadDeviceToken", fault_since=now)
    told = client.get("/health").get_json()
    assert told["well"] is False
    assert told["push_faults"] == [
        {
            "pass_type": PASS_TYPE,
            "reason": "BadDeviceToken",
            "since": now.isoformat().replace("+00:00", "Z"),
            "pushes_wait": True,
        }
    ]
    assert f'kopilka_push_fault{{pass_type="{PASS_TYPE}"}} 1.0' in client.get("/metrics").text
    assert client.get("/readyz").status_code == 200  # pages and cards are served all the same
    assert f"calls push tokens of {PASS_TYPE} bad that it accepted" in wallet("doctor").output
    believed(fault=None)
    assert client.get("/health").get_json()["push_faults"] == []
