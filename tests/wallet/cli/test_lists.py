"""What an operator asks the command line: which there are of something, and what of one of them. A
list of nothing says so, and what to do."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from phones import Phone
from sqlalchemy import text

from ledger.people import members
from ledger.programmes import programmes
from wallet.access import apikeys, sources
from wallet.delivery import waves

DAY = "%Y-%m-%d"


def day(days_from_now: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days_from_now):{DAY}}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("keys list", "No other keys. `wallet keys add` makes one for each integration."),
        ("staff list", "Nobody yet. `wallet staff add` invites the first."),
        ("sources list", "None. `wallet sources add` lets a system post changes of points."),
        ("receivers list", "None. `wallet receivers add` tells a system what happens."),
        ("waves list", "Nothing is on its way. `wallet waves list --all` shows those"),
        ("waves list --all", "None yet. A new design or an offer for all members begins one."),
        ("import list", "None. `wallet import --help` says how to begin one."),
        ("members list --programme demo", "None yet. They join at http"),
        ("members find --email nobody@example.com", "Nobody."),
        ("members erased", "Nobody was erased."),
        ("ledger roots export", "None yet: a day has a root when it is over and sealed."),
    ],
)
def test_a_list_of_nothing_says_so_and_what_to_do(wallet, words: str, said: str) -> None:
    shown = wallet(*words.split(), WALLET_WEBHOOK_SECRET="")
    assert shown.exit_code == 0, shown.output
    assert said in shown.output


def test_lists_for_programs_hold_nothing_else(wallet) -> None:
    for words in (("members", "erased"), ("ledger", "roots", "export")):
        shown = wallet(*words)
        assert (shown.stdout, shown.stderr != "") == ("", True)


@pytest.mark.parametrize("name", ["", "without"])
def test_a_list_of_programmes(wallet, join, installation, name) -> None:
    if name:
        join()
    wallet("programmes", "add", "gifts", "Подарки", "--gift-cards", "RUB")
    shown = wallet("programmes", "list").output.splitlines()
    assert shown == [
        f"demo: Кофейня «Копилка», counts points, members: {1 if name else 0}",
        "gifts: Подарки, counts money, members: 0",
    ]


def test_a_programme_is_shown_with_all_its_terms(wallet, member) -> None:
    shown = wallet("programmes", "show", "demo").output
    for line in (
        "demo: Кофейня «Копилка», since ",
        "members: 1\n",
        "counts points: they live for ever, the main one\n",
        "languages: ru, en; country: RU\n",
        "grace days: 0; overdrawn: debt\n",
        "spending by a phone number: code\n",
        "time zone: Europe/Moscow\n",
        "texts in ru: none of its own; `wallet programmes set` says them\n",
        "texts in en: name\n",
        "design of cards: version 1, since ",
        "join: http://127.0.0.1:8080/join/demo\n",
    ):
        assert line in shown
    wallet("programmes", "unit", "demo", "cash", "--kind", "money", "--scale", "2", "--currency")
    wallet(
        *("programmes", "unit", "demo", "cash", "--kind", "money", "--scale", "2"),
        *("--currency", "RUB", "--live-days", "30"),
    )
    shown = wallet("programmes", "show", "demo").output
    assert "counts cash (money in RUB, 2 decimal places): they live 30 days\n" in shown
    assert wallet("programmes", "show", "tea").output == "Error: There is no programme 'tea'.\n"


def test_members_are_listed_from_the_newest(wallet, join, house) -> None:
    made = [join() for _ in range(3)]
    two = wallet("members", "list", "--programme", "demo", "--limit", "2").output.splitlines()
    assert [line.partition(":")[0] for line in two[:2]] == [made[2]["id"], made[1]["id"]]
    assert f"card {made[2]['card']['number']} active, since " in two[0]
    assert two[2] == f"There are more: add --before {made[1]['id']}"
    rest = wallet("members", "list", "--programme", "demo", "--before", made[1]["id"]).output
    assert (rest.count("\n"), rest.startswith(made[0]["id"])) == (1, True)
    none = wallet("members", "list", "--programme", "demo", "--before", made[0]["id"]).output
    assert none == "None who joined before.\n"


def test_members_who_are_no_more_are_listed_as_what_they_are(wallet, join, api) -> None:
    one, other, gone = (join() for _ in range(3))
    api.post(f"members/{other['id']}/merge", {"into": one["id"]})
    wallet("members", "erase", gone["id"])
    shown = wallet("members", "list", "--programme", "demo").output
    assert f"{other['id']}: merged into {one['id']}, since " in shown
    assert re.search(f"^{gone['id']}: erased ", shown, re.MULTILINE)
    assert f"{gone['id']}: erased" in wallet("members", "show", gone["id"]).output
    assert f"merged into {one['id']}" in wallet("members", "show", other["id"]).output


def test_whom_a_cashier_made_is_said_to_be_not_confirmed(wallet, member, installation) -> None:
    assert "not confirmed" not in wallet("members", "show", member["id"]).output
    with installation.database.transaction() as session:
        members.by_public_id(session, member["id"]).unconfirmed = True
    assert ", not confirmed\n" in wallet("members", "show", member["id"]).output


@pytest.mark.parametrize(
    "found_by",
    [
        ("--phone", "8 (916) 555-00-11"),
        ("--phone", "+79165550011"),
        ("--email", "anna@example.com"),
        ("--external-id", "c-1"),
    ],
)
def test_a_member_is_found_by_what_people_say(wallet, join, found_by) -> None:
    anna = join(name="Анна", phone="+79165550011", email="anna@example.com", external_id="c-1")
    join(phone="+79165550012")
    shown = wallet("members", "find", *found_by).output
    assert (shown.count("\n"), shown.startswith(f"{anna['id']}: card ")) == (1, True)
    assert "Анна" not in shown
    by_card = wallet("members", "find", "--card", anna["card"]["number"]).output
    assert by_card == shown


def test_a_search_says_what_it_needs(wallet) -> None:
    assert wallet("members", "find").exit_code == 2
    assert wallet("members", "find", "--card", "1", "--email", "a@example.com").exit_code == 2
    refused = wallet("members", "find", "--phone", "12")
    assert (refused.exit_code, "--phone" in refused.output) == (2, True)


def test_a_person_is_shown_only_if_asked_for(wallet, join, api, client) -> None:
    anna = join(name="Анна", phone="+79165550011")
    api.post("accruals", {"member": anna["id"], "points": 120})
    Phone.with_card(client, anna).register()
    shown = wallet("members", "show", anna["id"]).output
    assert "points: 120, later 0, held 0\n" in shown
    assert "Apple devices with the card: 1\nsaved at Google: never heard\n" in shown
    assert "Анна" not in shown and "9165550011" not in shown and "/card/" not in shown
    person = wallet("members", "show", anna["id"], "--personal").output
    assert "name: Анна\nphone: +79165550011\ne-mail: not known\n" in person
    assert person.endswith(f"card: {anna['links']['card']}\n")


def test_a_lost_phone_is_locked_out_and_the_member_goes_on(
    wallet, api, join, client, house
) -> None:
    anna = join()
    api.post("accruals", {"member": anna["id"], "points": 120})
    done = wallet("members", "lost", anna["id"])
    assert done.exit_code == 0, done.output
    said, link = done.output.splitlines()
    assert said == f"{anna['id']}: what was in the lost phone is refused from now on."
    refused = api.post("redemptions", {"card": anna["card"]["number"], "points": 1})
    assert (refused.get_json()["code"], refused.get_json()["state"]) == ("card_blocked", "lost")
    old, new = (one.removeprefix("http://127.0.0.1:8080") for one in (anna["links"]["card"], link))
    assert (client.get(old).status_code, client.get(new).status_code) == (410, 200)
    assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 120
    assert wallet("members", "lost", "nobody").exit_code == 1


def test_a_card_waits_for_its_owner(wallet, api, join) -> None:
    anna = join()
    blocked = wallet("members", "block", anna["id"]).output
    assert blocked == f"{anna['id']}: blocked until `wallet members unblock {anna['id']}`.\n"
    spent = {"card": anna["card"]["number"], "points": 1}
    assert api.post("accruals", spent).get_json()["code"] == "card_blocked"
    assert f"{anna['card']['number']} blocked" in wallet("members", "show", anna["id"]).output
    assert wallet("members", "unblock", anna["id"]).exit_code == 0
    assert api.post("accruals", spent).status_code == 201


def test_the_source_of_the_environment_is_listed_and_cannot_be_removed(wallet) -> None:
    secret = sources.new_secret()
    shown = wallet("sources", "list", WALLET_WEBHOOK_SECRET=secret)
    assert shown.output == "demo: generic, demo, with WALLET_WEBHOOK_SECRET of the environment\n"
    refused = wallet("sources", "remove", "demo", WALLET_WEBHOOK_SECRET=secret)
    assert (refused.exit_code, "WALLET_WEBHOOK_SECRET" in refused.output) == (1, True)


def test_a_source_is_removed_with_its_secrets(wallet, client, installation) -> None:
    wallet("sources", "add", "erp", "demo")
    assert client.post("/webhooks/erp", json={}).get_json()["code"] == "signature_invalid"
    assert wallet("sources", "remove", "erp").output == "erp is refused from now on.\n"
    assert client.post("/webhooks/erp", json={}).get_json()["code"] == "unknown_source"
    again = wallet("sources", "remove", "erp")
    assert (again.exit_code, "there is no source 'erp'" in again.output) == (1, True)
    assert wallet("sources", "add", "erp", "demo").exit_code == 0


def test_the_key_of_the_environment_is_listed_and_not_shown(wallet, environment) -> None:
    shown = wallet("keys", "list").output
    assert shown.startswith("WALLET_API_KEY, of the environment: all programmes, *\n")
    assert environment["WALLET_API_KEY"] not in shown


def test_a_key_ends_after_its_last_day(wallet, client, house) -> None:
    added = wallet("keys", "add", "till", "--scope", "*", "--expires", day(3))
    assert added.exit_code == 0, added.output
    headers = {"Authorization": f"Bearer {added.output.strip()}"}
    listed = wallet("keys", "list").output
    assert re.search(rf"^till: all programmes, \*, since .*, until {day(3)}$", listed, re.M)
    assert f"The API key of till is accepted until {day(3)}" in wallet("doctor").output
    assert client.get("/api/v1/programmes", headers=headers).status_code == 200
    last = datetime.strptime(day(4), DAY).replace(tzinfo=UTC) - timedelta.resolution
    house.clock.now = last
    assert client.get("/api/v1/programmes", headers=headers).status_code == 200
    house.clock.now = last + timedelta.resolution
    over = client.get("/api/v1/programmes", headers=headers)
    assert (over.status_code, over.get_json()["code"]) == (401, "key_expired")
    assert client.get("/health", headers={**headers, "X-Real-Ip": "9.9.9.9"}).status_code == 401


def test_an_end_that_is_over_makes_no_key(wallet, installation) -> None:
    refused = wallet("keys", "add", "till", "--scope", "*", "--expires", day(-1))
    assert (refused.exit_code, "its last day is over already" in refused.output) == (1, True)
    assert wallet("keys", "add", "till", "--scope", "*", "--expires", "soon").exit_code == 2
    with installation.database.reading() as session:
        assert apikeys.listed(session) == []


def test_today_is_a_last_day(wallet) -> None:
    assert wallet("keys", "add", "till", "--scope", "*", "--expires", day(0)).exit_code == 0


def test_waves_on_their_way_are_listed_however_many_came_after(wallet, house, member) -> None:
    """A wave that waits is not pushed out of the list by those that ended since."""
    assert wallet("waves", "list").output.startswith("Nothing is on its way.")
    from_one = "UPDATE wallet_wave SET state = 'done', finished_at = created_at WHERE id > 1"
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        for _ in range(25):
            waves.start(session, programme.id, house.clock())
            session.execute(text(from_one))
    shown = wallet("waves", "list").output
    assert shown.count("\n") == 1
    assert wallet("waves", "list", "--all").output.count("\n") == 20
