"""Members as lists: who is in them, in which order, and what each says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from statements import recorded

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.programmes.units import UnitTerms
from wallet.access import apikeys
from wallet.api.bodies.members import MemberInFull, MemberOut
from wallet.passes import templates


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def listed(api) -> Callable[..., list[dict[str, Any]]]:
    """All items of a list, read two at a time."""

    def items(query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            answer = api.get(f"{query}&limit=2{cursor and '&cursor=' + cursor}")
            assert answer.status_code == 200, answer.text
            found += answer.get_json()["items"]
            cursor = answer.get_json()["next_cursor"]
        return found

    return items


@pytest.fixture
def narrow(installation, house) -> Callable[..., dict[str, str]]:
    """The header of a key with these scopes, of one programme if it is named."""

    def issued(*scopes: str, programme: str | None = None) -> dict[str, str]:
        with installation.database.transaction() as session:
            where = None if programme is None else programmes.by_code(session, programme).id
            name = f"key {len(apikeys.listed(session))}"
            key = apikeys.issue(session, name, scopes, house.clock(), where)
        return {"Authorization": f"Bearer {key}"}

    return issued


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class TestMembers:
    @pytest.fixture
    def people(self, join, house) -> list[str]:
        """Five, who joined a day apart; the last two at one moment."""
        found = []
        for number in range(5):
            found.append(join(name=f"N{number}", external_id=f"c-{number}")["id"])
            if number < 3:
                house.clock.advance(days=1)
        return found

    def test_all_of_a_programme_are_there_oldest_first(self, people, listed, member) -> None:
        assert ids(listed("members?programme=demo")) == [*people, member["id"]]

    def test_an_item_says_what_the_member_says_but_for_the_links(
        self, people, listed, api, narrow, client
    ) -> None:
        api.call("PATCH", f"members/{people[0]}", PERSON)
        api.post("accruals", {"member": people[0], "points": 70})
        api.post("holds", {"member": people[0], "points": 20})
        for item in listed("members?programme=demo"):
            alone = api.get(f"members/{item['id']}").get_json()
            assert alone.pop("links")
            assert item == alone
            assert MemberInFull.model_validate(item).model_dump(mode="json") == item
        blind = narrow("members:read")
        for item in client.get("/api/v1/members?programme=demo", headers=blind).json["items"]:
            alone = client.get(f"/api/v1/members/{item['id']}", headers=blind).get_json()
            assert item == alone
            assert MemberOut.model_validate(item).model_dump(mode="json") == item

    def test_points_count_by_the_clock(self, people, listed, api, house) -> None:
        later = written(house.clock() + timedelta(days=1))
        ends = written(house.clock() + timedelta(days=2))
        for member, terms in ((people[0], {"activates_at": later}), (people[1], {})):
            body = {"member": member, "points": 7, "expires_at": ends, **terms}
            assert api.post("accruals", body).status_code == 201

        def counts() -> list[tuple[int, int]]:
            balances = [item["balance"] for item in listed("members?programme=demo")]
            return [(one["available"], one["pending"]) for one in balances[:2]]

        assert counts() == [(0, 7), (7, 0)]
        house.clock.advance(days=1)
        assert counts() == [(7, 0), (7, 0)]
        house.clock.advance(days=1)
        assert counts() == [(0, 0), (0, 0)]

    def test_money_stands_beside_what_counts_it(self, listed, api, installation, house) -> None:
        with installation.database.transaction() as session:
            unit = UnitTerms("money", "money", 2, "RUB")
            gifts = programmes.create(session, Terms("gifts", "Gifts", unit=unit), house.clock())
            templates.store(session, gifts.id, templates.standard("x"), {}, house.clock())
        member = api.post("members", {"programme": "gifts"}).get_json()
        money = {"amount": "199.90", "currency": "RUB"}
        api.post("accruals", {"member": member["id"], "money": money})
        (item,) = listed("members?programme=gifts")
        assert item["balance"] == api.get(f"members/{member['id']}").get_json()["balance"]
        assert item["balance"]["available_money"] == money

    def test_since_is_included_and_until_is_not(self, people, listed, house) -> None:
        second = written(house.clock() - timedelta(days=2))
        last = written(house.clock())
        assert ids(listed(f"members?programme=demo&since={second}&until={last}")) == people[1:3]
        assert ids(listed(f"members?programme=demo&until={second}")) == people[:1]

    def test_who_was_merged_or_erased_says_so(self, people, listed, api) -> None:
        into, merged, erased = people[:3]
        assert api.post(f"members/{merged}/merge", {"into": into}).status_code == 201
        assert api.delete(f"members/{erased}").status_code == 200
        found = {item["id"]: item for item in listed("members?programme=demo")}
        states = {id_: item["state"] for id_, item in found.items() if id_ in people}
        assert states == dict(
            zip(people, ["active", "merged", "erased", "active", "active"], strict=True)
        )
        assert (found[merged]["merged_into"], found[merged]["household"]) == (into, into)
        assert (found[into]["merged_into"], found[into]["household"]) == (None, None)
        assert (found[erased]["name"], found[erased]["external_id"]) == (None, None)
        alone = api.get(f"members/{merged}").get_json()
        assert (alone["state"], alone["merged_into"]) == ("merged", into)
        for state, expected in (("merged", [merged]), ("erased", [erased])):
            assert ids(listed(f"members?programme=demo&state={state}")) == expected
        active = ids(listed("members?programme=demo&state=active"))
        assert [id_ for id_ in active if id_ in people] == [into, *people[3:]]

    def test_a_household_is_who_uses_the_same_points(self, people, listed, api) -> None:
        head, one, other = people[:3]
        for member in (one, other):
            api.post(f"members/{member}/household", {"head": head})
        for named in (head, one):
            found = listed(f"members?programme=demo&household={named}")
            assert ids(found) == [head, one, other]
            assert [item["household"] for item in found] == [None, head, head]
        api.post("accruals", {"member": other, "points": 9})
        found = listed(f"members?programme=demo&household={head}")
        assert [item["balance"]["available"] for item in found] == [9, 9, 9]
        assert api.get(f"members/{one}").get_json()["household"] == head

    def test_another_card_is_the_one_that_is_shown(self, people, listed, api) -> None:
        fresh = api.post(f"members/{people[0]}/cards", None).get_json()["card"]
        api.post(f"members/{people[1]}/block", None)
        first, second, *_ = listed("members?programme=demo")
        assert first["card"] == fresh
        assert second["card"]["state"] == "blocked"

    def test_a_search_may_name_the_programme(self, people, api, installation, house) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, Terms("tea", "Tea"), house.clock())
        for programme, found in (("demo", [people[3]]), ("tea", [])):
            answer = api.get(f"members?external_id=c-3&programme={programme}")
            assert ids(answer.get_json()["items"]) == found
        item = api.get("members?external_id=c-3").get_json()["items"][0]
        assert item["links"]

    def test_who_joins_meanwhile_comes_at_the_end(self, people, api, join, listed) -> None:
        first = api.get("members?programme=demo&limit=4").get_json()
        late = join(name="Late")["id"]
        rest = api.get(f"members?programme=demo&cursor={first['next_cursor']}").get_json()
        assert ids(first["items"] + rest["items"])[-1] == late

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("programme=nowhere", 404, "unknown_programme"),
            ("programme=demo&household=x", 404, "unknown_member"),
            ("programme=demo&state=lost", 422, "unknown_value"),
            ("programme=demo&since=2026-01-01", 422, "not_a_moment"),
            ("state=active", 422, "one_search"),
            ("external_id=c-1&email=a@example.com", 422, "one_search"),
            ("external_id=c-1&state=active", 422, "search_or_list"),
        ],
    )
    def test_a_question_that_makes_no_sense_is_refused(self, api, query, status, code) -> None:
        answer = api.get(f"members?{query}")
        told = answer.get_json()
        found = told["code"] if status == 404 else told["errors"][0]["code"]
        assert (answer.status_code, found) == (status, code)

    def test_a_page_costs_the_same_however_long_it_is(self, people, api, house) -> None:
        counts = []
        for limit in (1, 5):
            with recorded(house.installation.database) as statements:
                api.get(f"members?programme=demo&limit={limit}")
            counts.append(len(statements))
        assert counts[0] == counts[1] <= 3


PERSON = {
    "name": "Анна",
    "phone": "+79991234567",
    "email": "anna@example.com",
    "birthday": "1990-02-28",
    "locale": "ru",
    "consents": [{"purpose": "marketing", "given": True}],
}


class TestCards:
    @pytest.fixture
    def numbers(self, join, api, house) -> dict[str, list[str]]:
        """By what became of them, the cards of members who joined one after the other."""
        anna, boris, vera, gleb = (join(name=name) for name in "АБВГ")
        found = {"active": [anna["card"]["number"]], "replaced": [boris["card"]["number"]]}
        fresh = api.post(f"members/{boris['id']}/cards", None).get_json()
        found["active"].append(fresh["card"]["number"])
        api.post(f"members/{vera['id']}/block", None)
        found["blocked"] = [vera["card"]["number"]]
        pass_ = api.get(f"members/{gleb['id']}/passes").get_json()["items"][0]["id"]
        ends = written(house.clock() + timedelta(days=1))
        assert api.post(f"passes/{pass_}/expire", {"at": ends}).status_code == 201
        found["ending"] = [gleb["card"]["number"]]
        return found

    def of(self, listed, query: str = "") -> list[str]:
        return [item["number"] for item in listed(f"cards?programme=demo{query}")]

    def test_all_of_a_programme_stand_in_the_order_of_issue(self, numbers, listed) -> None:
        order = [*numbers["active"][:1], *numbers["replaced"], *numbers["blocked"]]
        order += [*numbers["ending"], numbers["active"][1]]
        assert self.of(listed) == order

    def test_each_says_how_it_stands_by_the_clock(self, numbers, listed, api, house) -> None:
        def states() -> dict[str, tuple[str, str | None]]:
            items = listed("cards?programme=demo")
            return {one["number"]: (one["state"], one["blocked_for"]) for one in items}

        before = states()
        assert before[numbers["replaced"][0]] == ("blocked", "replaced")
        assert before[numbers["blocked"][0]] == ("blocked", "blocked")
        assert before[numbers["ending"][0]] == ("active", None)
        house.clock.advance(days=1)
        assert states()[numbers["ending"][0]] == ("expired", None)
        for state in ("active", "blocked", "void", "expired"):
            there = [number for number, one in states().items() if one[0] == state]
            assert self.of(listed, f"&state={state}") == there
        assert self.of(listed, "&blocked_for=blocked") == numbers["blocked"]

    def test_a_void_one_is_void(self, numbers, listed, api, join) -> None:
        member = join(name="Д")
        pass_ = api.get(f"members/{member['id']}/passes").get_json()["items"][0]["id"]
        api.post(f"passes/{pass_}/void", None)
        assert self.of(listed, "&state=void") == [member["card"]["number"]]

    def test_of_a_member_those_they_have_and_had(self, numbers, listed, api) -> None:
        found = api.get(f"members?card={numbers['active'][1]}").get_json()["items"][0]["id"]
        items = listed(f"members/{found}/cards?state=blocked")
        assert [item["number"] for item in items] == numbers["replaced"]
        items = listed(f"members/{found}/cards?")
        assert [item["number"] for item in items] == [*numbers["replaced"], numbers["active"][1]]
        assert {item["member"] for item in items} == {found}


class TestHolds:
    def test_they_are_found_by_member_and_state(self, join, listed, api, house) -> None:
        anna, boris = join(name="Анна")["id"], join(name="Борис")["id"]
        made = []
        for member in (anna, boris, anna):
            api.post("accruals", {"member": member, "points": 50})
            hold = api.post("holds", {"member": member, "points": 5, "receipt": "7"})
            made.append(hold.get_json()["id"])
        api.post(f"holds/{made[0]}/capture", None)
        assert ids(listed("holds?programme=demo")) == made[::-1]
        assert ids(listed(f"holds?programme=demo&member={anna}")) == [made[2], made[0]]
        assert ids(listed("holds?programme=demo&state=open")) == [made[2], made[1]]
        (item,) = listed(f"holds?programme=demo&state=captured&member={anna}")
        alone = api.get(f"holds/{made[0]}").get_json()
        assert alone.pop("balance")
        assert item == alone
        assert (item["receipt"], item["closed_at"]) == ("7", written(house.clock()))
        house.clock.advance(days=1)
        house.run()
        assert ids(listed("holds?programme=demo&state=timed_out")) == [made[2], made[1]]


class TestLots:
    def test_they_say_what_runs_out_when(self, member, listed, api, house) -> None:
        now, id_ = house.clock(), member["id"]
        for points, begins, ends in ((7, 0, 9), (5, 0, 2), (3, 1, 9)):
            body = {
                "member": id_,
                "points": points,
                "activates_at": written(now + timedelta(days=begins)),
                "expires_at": written(now + timedelta(days=ends)),
            }
            assert api.post("accruals", body).status_code == 201
        api.post("redemptions", {"member": id_, "points": 4})
        api.post("holds", {"member": id_, "points": 2})

        def lots() -> list[tuple[int, int, int, str]]:
            items = listed(f"members/{id_}/lots?")
            return [(one["points"], one["left"], one["held"], one["state"]) for one in items]

        assert lots() == [(5, 1, 1, "active"), (7, 7, 1, "active"), (3, 3, 0, "pending")]
        first = listed(f"members/{id_}/lots?")[0]
        assert first["expires_at"] == written(now + timedelta(days=2))
        house.clock.advance(days=2)
        assert lots() == [(5, 1, 1, "expired"), (7, 7, 1, "active"), (3, 3, 0, "active")]

    def test_a_posting_brought_each_and_points_may_live_for_ever(self, api, listed, house) -> None:
        with house.installation.database.transaction() as session:
            club = programmes.create(session, Terms("club", "Club"), house.clock())
            templates.store(session, club.id, templates.standard("x"), {}, house.clock())
        id_ = api.post("members", {"programme": "club"}).get_json()["id"]
        posting = api.post("accruals", {"member": id_, "points": 3}).get_json()["id"]
        (lot,) = listed(f"members/{id_}/lots?")
        assert (lot["posting"], lot["expires_at"]) == (posting, None)
        (balance,) = api.get(f"members/{id_}/balances").get_json()["items"]
        assert balance["next_expiry"] is None

    def test_a_balance_says_what_runs_out_next(self, member, api, house) -> None:
        def told() -> dict[str, Any] | None:
            items = api.get(f"members/{member['id']}/balances").get_json()["items"]
            ending: dict[str, Any] | None = items[0]["next_expiry"]
            return ending

        assert told() is None
        soon = written(house.clock() + timedelta(days=2))
        for points, ends in ((9, house.clock() + timedelta(days=5)), (2, None), (3, None)):
            body = {"member": member["id"], "points": points}
            body["expires_at"] = soon if ends is None else written(ends)
            api.post("accruals", body)
        assert told() == {"points": 5, "expires_at": soon}
        api.post("redemptions", {"member": member["id"], "points": 4})
        assert told() == {"points": 1, "expires_at": soon}
        house.clock.advance(days=2)
        assert (told() or {})["points"] == 9

    def test_in_a_household_they_are_those_of_all(self, join, listed, api) -> None:
        head, other = join(name="Г")["id"], join(name="Д")["id"]
        api.post(f"members/{other}/household", {"head": head})
        api.post("accruals", {"member": other, "points": 3})
        assert [one["left"] for one in listed(f"members/{head}/lots?")] == [3]
        assert listed(f"members/{head}/lots?") == listed(f"members/{other}/lots?")


class TestPostings:
    @pytest.fixture
    def story(self, join, api, house) -> dict[str, str]:
        """Postings by a name, each an hour after the other but for the last, which is of before."""
        anna, boris = join(name="Анна"), join(name="Борис")
        found = {"anna": anna["id"], "boris": boris["id"], "card": anna["card"]["number"]}
        begun = house.clock()

        def post(name: str, call: str, **body: Any) -> None:
            answer = api.post(call, body)
            assert answer.status_code == 201, answer.text
            found[name] = answer.get_json()["id"]
            house.clock.advance(hours=1)

        shown = {"card": anna["card"]["number"]}
        post("coffee", "accruals", **shown, points=100, reason="Кофе", store="arbat", receipt="1")
        post("cake", "accruals", member=boris["id"], points=40, reason="Торт", promotion="may")
        post("spent", "redemptions", **shown, points=30, store="arbat", receipt="2")
        givers = {"from": {"member": anna["id"]}, "to": {"member": boris["id"]}}
        post("gift", "transfers", **givers, points=5)
        post("undone", f"postings/{found['cake']}/reverse", points=10)
        before = written(begun - timedelta(days=1))
        post("late", "accruals", member=boris["id"], points=1, occurred_at=before)
        return found

    NAMES = ("coffee", "cake", "spent", "gift", "undone")

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ("late", *NAMES)),
            ("&kind=accrual", ("late", "coffee", "cake")),
            ("&kind=transfer", ("gift",)),
            ("&store=arbat", ("coffee", "spent")),
            ("&store=arb", ()),
            ("&promotion=may", ("cake", "undone")),  # a reversal has the facts of what it undoes
            ("&receipt=2", ("spent",)),
            ("&reason=Кофе", ("coffee",)),
            ("&reason=Коф", ()),
            ("&card={card}", ("coffee", "spent")),
            ("&at_least=40", ("coffee", "cake")),
            ("&at_most=5", ("late", "gift")),
            ("&at_least=6&at_most=40", ("cake", "spent", "undone")),
            ("&store=arbat&kind=redemption&card={card}&at_least=30", ("spent",)),
            ("&unit=points", ("late", *NAMES)),
        ],
    )
    def test_each_filter_is_exact(self, story, listed, query: str, names: tuple[str, ...]) -> None:
        found = ids(listed(f"postings?programme=demo{query.format(**story)}"))
        assert found == [story[name] for name in reversed(names)]

    def test_since_is_included_and_until_is_not(self, story, listed, api) -> None:
        at = {
            name: api.get(f"postings/{story[name]}").get_json()["occurred_at"]
            for name in ("cake", "gift")
        }
        found = listed(f"postings?programme=demo&since={at['cake']}&until={at['gift']}")
        assert ids(found) == [story["spent"], story["cake"]]

    def test_an_item_says_what_it_did_to_each_member(self, story, listed) -> None:
        items = {item["id"]: item for item in listed("postings?programme=demo")}
        gift = items[story["gift"]]["entries"]
        moved = {entry["member"]: (entry["points"], entry["balance_after"]) for entry in gift}
        assert moved == {story["anna"]: (-5, 65), story["boris"]: (5, 45)}
        undone = items[story["undone"]]
        assert (undone["reverses"], undone["undoes"]) == (story["cake"], 10)
        assert items[story["spent"]]["card"] == story["card"]

    def test_a_posting_alone_says_the_same(self, story, listed, api) -> None:
        for item in listed("postings?programme=demo"):
            assert api.get(f"postings/{item['id']}").get_json() == item

    def test_a_debt_is_an_entry_of_its_own(self, story, api) -> None:
        api.post("redemptions", {"member": story["anna"], "points": 65})
        undone = api.post(f"postings/{story['coffee']}/reverse", {"points": 20}).get_json()["id"]
        (entry,) = api.get(f"postings/{undone}").get_json()["entries"]
        assert entry == {
            "member": story["anna"],
            "unit": "points",
            "account": "debt",
            "points": -20,
            "balance_after": None,
        }

    def test_a_statement_has_the_same_filter_of_reasons(self, story, listed) -> None:
        found = listed(f"members/{story['anna']}/postings?reason=Кофе")
        assert ids(found) == [story["coffee"]]

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("", 422, "required"),
            ("programme=nowhere", 404, "unknown_programme"),
            ("programme=demo&unit=miles", 404, "unknown_unit"),
            ("programme=demo&kind=bogus", 422, "unknown_value"),
            ("programme=demo&at_least_money=1 RUB", 422, "not_money"),
            ("programme=demo&at_least=1&at_least_money=1 RUB", 422, "points_or_money"),
        ],
    )
    def test_a_question_that_makes_no_sense_is_refused(self, api, query, status, code) -> None:
        answer = api.get(f"postings?{query}")
        told = answer.get_json()
        found = told["errors"][0]["code"] if "errors" in told else told["code"]
        assert (answer.status_code, found) == (status, code)


def test_one_offer_and_one_programme_are_read(api, offer_made) -> None:
    listed = api.get("offers?programme=demo").get_json()["items"]
    assert api.get(f"offers/{offer_made}").get_json() == listed[0]
    assert api.get("offers/x").get_json()["code"] == "unknown_offer"
    (programme,) = api.get("programmes").get_json()["items"]
    assert api.get("programmes/demo").get_json() == programme
    assert programme["terms"] == {
        "grace_days": 0,
        "overdrawn": "debt",
        "spend_by_phone": "code",
        "keeps_personal": True,
        "listed": False,
        "called": "client",
        "asks": {"phone": "optional", "email": "optional", "name": "off", "birthday": "off"},
    }
    assert api.get("programmes/x").get_json()["code"] == "unknown_programme"


@pytest.fixture
def offer_made(api) -> str:
    made: str = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()["id"]
    return made


def test_a_cursor_of_one_list_is_refused_in_another(api, join) -> None:
    for name in "АБВ":
        join(name=name)
    cursor = api.get("members?programme=demo&limit=1").get_json()["next_cursor"]
    for elsewhere in (
        "members?programme=demo&state=active",
        "members?external_id=x",
        "cards?programme=demo",
        "postings?programme=demo",
        "programmes?limit=1",
    ):
        answer = api.get(f"{elsewhere}&cursor={cursor}")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "cursor_of_another_list")
    assert api.get(f"members?programme=demo&limit=9&cursor={cursor}").status_code == 200
