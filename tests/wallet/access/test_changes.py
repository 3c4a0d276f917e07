"""What stands in the record of changes: by every door, nothing secret, nothing of erased people."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from ledger.database.tables import Base
from wallet.access import apikeys, change_words, changes
from wallet.access.changes import PersonalChange, RecordedChange
from wallet.cli import main
from wallet.cli.lazy import LazyCommand

POSTINGS = "it posts, and the book is the record of postings"
ASKS = "it changes nothing"
RUNS = "it runs the service, and changes nothing by itself"
SANDBOX = "it belongs to the sandbox"
FILES = "it writes files beside the database"

# What each call that is no GET notes, or in words why it notes nothing.
CALLS = {
    "updateUnit": "unit.changed",
    "updateCardCode": "card_code.changed",
    "joinHousehold": "member.household_joined",
    "leaveHousehold": "member.household_left",
    "mergeMembers": "member.merged",
    "createMember": "member.added",
    "updateMember": "member.changed",
    "eraseMember": "member.erased",
    "updateBuiltInMessage": "message.changed",
    "replaceMemberCard": "card.replaced card.lost",
    "blockMember": "card.blocked",
    "unblockMember": "card.unblocked",
    "createOffer": "offer.made",
    "updateOffer": "offer.changed",
    "withdrawOffer": "offer.withdrawn",
    "createCoupon": "a pass for a member, as many as there are: it stands among the passes",
    "createReceiver": "receiver.added",
    "updateReceiver": "receiver.changed",
    "deleteReceiver": "receiver.removed",
    "rotateReceiverSecret": "receiver.secret_added",
    "retireReceiverSecrets": "receiver.secrets_retired",
    "testReceiver": "it sends one event, which stands among the attempts",
    "replayEvents": "receiver.replayed",
    "createCampaign": "campaign.made",
    "updateCampaign": "campaign.changed",
    "previewCampaign": ASKS,
    "startCampaign": "campaign.started",
    "pauseCampaign": "campaign.paused",
    "resumeCampaign": "campaign.resumed",
    "cancelCampaign": "campaign.cancelled",
    "createHold": POSTINGS,
    "captureHold": POSTINGS,
    "releaseHold": POSTINGS,
    "pauseWave": "wave.paused",
    "resumeWave": "wave.resumed",
    "cancelWave": "wave.cancelled",
    "scanBarcode": "a till reads a card: its code is renewed, and no setting changes",
    "voidPass": "pass.voided",
    "expirePass": "pass.ended",
    "useCoupon": "a till takes a coupon: when it was used stands with the pass",
    "restorePass": "pass.restored",
    "replacePassLink": "pass.link_replaced",
    "reversePosting": POSTINGS,
    "createTransfer": POSTINGS,
    "createBatch": POSTINGS,
    "createImport": "nothing of a file is applied yet; that it is, is noted",
    "applyImport": "import.applied",
    "withdrawImport": "import.withdrawn",
    "createAccrual": POSTINGS,
    "createRedemption": POSTINGS,
    "confirmReceipt": POSTINGS,
    "receiveWebhook": POSTINGS,
    "updateProgramme": "programme.terms_changed programme.texts_changed",
    "putBaseProgramme": "programme.base_changed",
    "putStore": "store.added store.changed",
    "putStores": "store.added store.changed",
    "putTill": "till.added till.changed",
    "putProduct": "product.added product.changed",
    "putProducts": "product.added product.changed",
    "putCategory": "category.added category.changed",
    "putPrices": "product.priced",
    "putFloors": "product.floor_set category.floor_set",
    "createPromotion": "promotion.added",
    "putPromotion": "promotion.added promotion.changed",
    "publishPromotion": "promotion.published",
    "endPromotion": "promotion.ended",
    "putPromotionTerms": "programme.promotion_terms",
    "quoteReceipt": "a receipt is priced, and nothing is kept of it",
    "checkPromotions": "promotions are tried, and nothing is kept",
    "createList": "segment.listed",
    "deleteList": "segment.list_deleted",
    "putSegment": "segment.saved",
    "deleteSegment": "segment.deleted",
}
# GETs that hand out what somebody may want to know of later.
TAKEN = {
    "exportMembers": "export.began",
    "exportPostings": "export.began",
    "listCardCodeKeys": "card_code.keys_taken",
    "getMemberFile": "member.file_taken",
}
# What pages of the console alone do.
ON_PAGES = {
    "the door": "employee.password_set employee.recovery_code_used",
    "one's own": "employee.second_factor_set employee.second_factor_removed"
    " employee.recovery_codes_made employee.passkey_added employee.passkey_removed",
    "staff": "employee.role_given employee.role_taken employee.signed_out",
}
COMMANDS = {
    "run": RUNS,
    "web": RUNS,
    "worker": RUNS,
    "beat": RUNS,
    "migrate": "it changes the schema, and no setting",
    "doctor": ASKS,
    "backup": "it writes a file that only the key ring opens",
    "restore": "the record comes with the backup; receivers are off until they are switched on",
    "programmes add": "programme.added",
    "programmes list": ASKS,
    "programmes show": ASKS,
    "programmes unit": "unit.added unit.changed",
    "programmes terms": "programme.terms_changed card_code.changed",
    "programmes set": "programme.texts_changed",
    "members list": ASKS,
    "members find": ASKS,
    "members show": ASKS,
    "members lost": "card.lost",
    "members block": "card.blocked",
    "members unblock": "card.unblocked",
    "members erase": "member.erased",
    "members contacts": "member.changed",
    "members erased": ASKS,
    "staff add": "employee.invited",
    "staff reset": "employee.link_made",
    "staff list": ASKS,
    "staff remove": "employee.removed",
    "keys add": "key.added",
    "keys list": ASKS,
    "keys revoke": "key.revoked",
    "sources add": "source.added",
    "sources list": ASKS,
    "sources remove": "source.removed",
    "sources rotate": "source.secret_added",
    "sources retire": "source.secrets_retired",
    "receivers add": "receiver.added",
    "receivers list": ASKS,
    "receivers remove": "receiver.removed",
    "receivers switch": "receiver.changed",
    "receivers rotate": "receiver.secret_added",
    "receivers retire": "receiver.secrets_retired",
    "receivers test": "it sends one event, which stands among the attempts",
    "receivers attempts": ASKS,
    "receivers replay": "receiver.replayed",
    "ledger check": ASKS,
    "ledger repair": POSTINGS,
    "ledger verify": ASKS,
    "ledger roots export": ASKS,
    "ledger roots key": ASKS,
    "design export": ASKS,
    "design import": "design.published",
    "design versions": ASKS,
    "design rollback": "design.rolled_back",
    "poster": ASKS,
    "badges set": "badge.set",
    "badges list": ASKS,
    "badges remove": "badge.removed",
    "days rebuild": "it counts again what is there",
    "waves list": ASKS,
    "waves pause": "wave.paused",
    "waves resume": "wave.resumed",
    "waves cancel": "wave.cancelled",
    "import members": "import.applied",
    "import points": "import.applied",
    "import products": "import.applied",
    "import prices": "import.applied",
    "import stores": "import.applied",
    "import list": ASKS,
    "import show": ASKS,
    "import withdraw": "import.withdrawn",
    "import check": ASKS,
    "promotions check": ASKS,
    "export members": "export.began",
    "export postings": "export.began",
    "changes list": ASKS,
    "certs dev": FILES,
    "certs csr": FILES,
    "certs import": FILES,
    "certs check": ASKS,
    "sandbox": SANDBOX,
    "conformance": SANDBOX,
    "phone": SANDBOX,
}
CODE = re.compile(r"[a-z_]+\.[a-z_]+")


def codes(said: dict[str, str]) -> set[str]:
    return {word for one in said.values() for word in one.split() if CODE.fullmatch(word)}


def commands(group: click.Group, *before: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, LazyCommand):
            command = command.load()
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


def test_every_call_that_changes_something_has_its_line(client) -> None:
    spec = client.get("/api/openapi.json").get_json()
    found = {
        call["operationId"]
        for methods in spec["paths"].values()
        for method, call in methods.items()
        if method in ("post", "put", "patch", "delete")
    }
    assert found == set(CALLS)


def test_every_command_has_its_line() -> None:
    assert set(commands(main)) == set(COMMANDS)


def test_every_code_is_noted_somewhere_and_explained() -> None:
    root = Path(changes.__file__).parents[1]
    said = "".join(path.read_text() for path in root.rglob("*.py"))
    page = (root.parent / "docs" / "changes.md").read_text()
    known = codes(CALLS) | codes(COMMANDS) | codes(TAKEN) | codes(ON_PAGES)
    for code in known:
        assert f'"{code}"' in said, code
        assert f"`{code}`" in page, code
    known |= set(re.findall(r"`([a-z_]+\.[a-z_]+)`", page))
    assert known <= set(change_words.CODES), "each has its sentence in wallet.access.change_words"


def test_what_is_recorded_are_columns() -> None:
    for table, columns in changes.RECORDED.items():
        assert set(columns) <= {one.name for one in Base.metadata.tables[table].columns}, table


@pytest.fixture
def record(installation) -> Callable[[], list[RecordedChange]]:
    """What was noted since the last look, oldest first."""
    seen = 0

    def record() -> list[RecordedChange]:
        nonlocal seen
        with installation.database.reading() as session:
            found = session.scalars(
                select(RecordedChange).where(RecordedChange.id > seen).order_by(RecordedChange.id)
            )
            rows = list(found)
        seen = rows[-1].id if rows else seen
        return rows

    return record


@pytest.fixture
def wallet(environment: dict[str, str], house) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        done = CliRunner().invoke(main, arguments, env=environment)
        assert done.exit_code == 0, done.output
        return done

    return run


def line(change: RecordedChange) -> tuple[str, str, str, dict[str, Any]]:
    return change.code, change.author_kind, change.author_name, change.fields


class TestKeys:
    def test_what_a_key_may_is_noted_and_never_the_key(self, wallet, record) -> None:
        made = wallet("keys", "add", "crm", "--scope", "members:read", "--programme", "demo")
        wallet("keys", "revoke", "crm")
        added, revoked = record()
        assert line(added) == (
            "key.added",
            "command",
            "wallet keys add",
            {"scopes": [None, ["members:read"]]},
        )
        assert line(revoked)[:3] == ("key.revoked", "command", "wallet keys revoke")
        assert (revoked.of_kind, revoked.of_id, revoked.programme_id) == ("key", "crm", 1)
        assert made.output.strip() not in str([vars(one) for one in (added, revoked)])

    def test_the_key_of_a_request_is_its_author(self, client, installation, clock, record) -> None:
        with installation.database.transaction() as session:
            key = apikeys.issue(session, "crm", ["members:write"], clock())
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "1"}
        answer = client.post("/api/v1/members", json={"programme": "demo"}, headers=headers)
        assert answer.status_code == 201
        (added,) = record()
        assert line(added) == ("member.added", "key", "crm", {})
        assert added.of_id == answer.get_json()["id"]
        again = client.post("/api/v1/members", json={"programme": "demo"}, headers=headers)
        assert again.status_code == 201
        assert record() == []  # it was done once


LONG_ADDRESS = "https://hooks.example.com/services/T0/B1?token=let-me-in"


class TestReceivers:
    @pytest.fixture
    def receiver(self, api) -> dict[str, Any]:
        body = {"name": "crm", "url": LONG_ADDRESS, "types": ["points.*"]}
        answer = api.call("post", "receivers", body)
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    def test_nothing_secret_is_told(self, api, receiver, record) -> None:
        rotated = api.call("post", f"receivers/{receiver['id']}/rotate").get_json()
        (added, secret) = record()
        assert added.fields["url"] == [None, "https://hooks.example.com/…"]
        assert line(secret)[::3] == ("receiver.secret_added", {})
        told = str([vars(one) for one in (added, secret)])
        for one in (receiver["secret"], rotated["secret"], "let-me-in", "services"):
            assert one not in told

    def test_what_differs_is_told_and_nothing_else(self, api, receiver, record) -> None:
        record()
        address = f"receivers/{receiver['id']}"
        for _ in range(2):  # the second changes nothing
            api.call("patch", address, {"enabled": False, "name": "crm"})
        (changed,) = record()
        assert line(changed) == (
            "receiver.changed",
            "environment",
            "WALLET_API_KEY",
            {"enabled": [True, False]},
        )
        api.call("patch", address, {"url": LONG_ADDRESS + "2"})
        (moved,) = record()
        assert moved.fields == {"url": ["https://hooks.example.com/…"] * 2}
        api.call("delete", address)
        (removed,) = record()
        assert removed.fields["name"] == ["crm", None]

    def test_the_command_notes_the_same(self, receiver, wallet, record) -> None:
        record()
        wallet("receivers", "switch", "crm", "off")
        wallet("receivers", "rotate", "crm")
        wallet("receivers", "retire", "crm")
        wallet("receivers", "retire", "crm")  # nothing is left to retire
        wallet("receivers", "replay", "crm", "--since", "1")
        wallet("receivers", "remove", "crm")
        assert [one.code for one in record()] == [
            "receiver.changed",
            "receiver.secret_added",
            "receiver.secrets_retired",
            "receiver.replayed",
            "receiver.removed",
        ]

    def test_what_was_refused_is_not_noted(self, api, receiver, record) -> None:
        record()
        answer = api.call("patch", f"receivers/{receiver['id']}", {"types": ["no.such"]})
        assert answer.status_code == 422
        assert record() == []


class TestPeople:
    @pytest.fixture
    def personal(self, installation) -> Callable[[], list[dict[str, Any]]]:
        def personal() -> list[dict[str, Any]]:
            with installation.database.reading() as session:
                return [
                    one.fields
                    for one in session.scalars(
                        select(PersonalChange).order_by(PersonalChange.change_id)
                    )
                ]

        return personal

    def test_what_is_said_of_a_person_lies_apart(self, api, join, record, personal) -> None:
        anna = join(name="Анна", phone="+79161234509")
        record()
        api.call("patch", f"members/{anna['id']}", {"name": "Анна К.", "birthday": "1990-03-01"})
        (changed,) = record()
        assert (changed.code, changed.fields) == ("member.changed", {})
        assert personal() == [{"name": ["Анна", "Анна К."], "birthday": [None, "1990-03-01"]}]
        api.call("delete", f"members/{anna['id']}")
        (erased,) = record()
        assert erased.code == "member.erased"
        assert personal() == []
        api.call("delete", f"members/{anna['id']}")
        assert record() == []  # it was done before

    def test_who_is_who_is_told(self, api, join, record) -> None:
        anna, boris = join(name="Анна"), join(name="Борис")
        record()
        api.post(f"members/{boris['id']}/household", {"head": anna["id"]})
        api.post(f"members/{boris['id']}/household/leave", None)
        api.post(f"members/{boris['id']}/merge", {"into": anna["id"]})
        joined, left, merged = record()
        assert joined.fields == {"head": [None, anna["id"]]}
        assert left.code == "member.household_left"
        assert merged.fields == {"into": [None, anna["id"]]}

    def test_cards(self, api, member, wallet, record) -> None:
        record()
        api.post(f"members/{member['id']}/block", None)
        wallet("members", "unblock", member["id"])
        api.post(f"members/{member['id']}/cards", None)
        wallet("members", "lost", member["id"])
        assert [one.code for one in record()] == [
            "card.blocked",
            "card.unblocked",
            "card.replaced",
            "card.lost",
        ]

    def test_an_offer_for_one_member_goes_with_them(self, api, member, record, personal) -> None:
        record()
        offer = {"programme": "demo", "title": "Анна, кофе!", "member": member["id"]}
        made = api.post("offers", offer).get_json()
        api.call("patch", f"offers/{made['id']}", {"title": "Анна, чай!"})
        api.call("post", f"offers/{made['id']}/withdraw")
        assert [one.code for one in record()] == ["offer.made", "offer.changed", "offer.withdrawn"]
        assert personal()[1] == {"titles": [{"ru": "Анна, кофе!"}, {"ru": "Анна, чай!"}]}


class TestSettings:
    def test_terms_before_and_after(self, wallet, record) -> None:
        wallet("programmes", "terms", "demo", "--grace-days", "3", "--listed")
        wallet("programmes", "terms", "demo")  # asks
        wallet("programmes", "terms", "demo", "--code", "hmac", "--code-numbers", "refuse")
        wallet("programmes", "unit", "demo", "points", "--live-days", "90")
        wallet("programmes", "unit", "demo", "stamps", "--kind", "stamps")
        wallet("programmes", "set", "demo", "--lang", "ru", "--name", "Кофейня")
        wallet("programmes", "add", "club", "Club")
        found = record()
        assert [one.code for one in found] == [
            "programme.terms_changed",
            "card_code.changed",
            "unit.changed",
            "unit.added",
            "programme.texts_changed",
            "design.published",  # the card is called so, too
            "programme.added",
        ]
        assert found[0].fields["grace_days"][1] == 3
        assert found[1].fields["kind"] == ["plain", "hmac"]
        assert found[2].fields["live_days"][1] == 90
        assert found[4].fields == {"name in ru": [None, "Кофейня"]}

    def test_sources(self, wallet, record) -> None:
        made = wallet("sources", "add", "till", "demo")
        wallet("sources", "rotate", "till")
        wallet("sources", "retire", "till")
        wallet("sources", "remove", "till")
        found = record()
        assert [one.code for one in found] == [
            "source.added",
            "source.secret_added",
            "source.secrets_retired",
            "source.removed",
        ]
        secret = made.output.splitlines()[1]
        assert secret not in str([vars(one) for one in found])

    def test_who_takes_the_secret_of_codes_is_noted(self, api, wallet, record) -> None:
        api.get("programmes/demo/card-code/keys")
        assert record() == []  # plain codes have none
        wallet("programmes", "terms", "demo", "--code", "hmac")
        api.get("programmes/demo/card-code/keys")
        assert [one.code for one in record()] == ["card_code.changed", "card_code.keys_taken"]

    def test_campaigns(self, api, member, record) -> None:
        record()
        body = {"programme": "demo", "name": "Май", "texts": {"ru": {"text": "Кофе"}}}
        made = api.post("campaigns", body)
        if made.status_code != 201:
            body["texts"] = {"ru": "Кофе"}
            made = api.post("campaigns", body)
        assert made.status_code == 201, made.text
        id_ = made.get_json()["id"]
        api.call("patch", f"campaigns/{id_}", {"name": "Июнь"})
        api.call("post", f"campaigns/{id_}/start", {"at": "2099-01-01T10:00"})
        api.call("post", f"campaigns/{id_}/cancel")
        api.call("post", f"campaigns/{id_}/cancel")
        found = record()
        assert [one.code for one in found] == [
            "campaign.made",
            "campaign.changed",
            "campaign.started",
            "campaign.cancelled",
        ]
        assert found[1].fields == {"name": ["Май", "Июнь"]}
        assert found[2].fields["state"] == ["draft", "scheduled"]

    def test_exports_are_noted_by_both_doors(self, api, wallet, tmp_path: Path, record) -> None:
        assert api.get("exports/members?programme=demo&card=1").status_code in (200, 422)
        api.get("exports/postings?programme=demo&receipt=17")
        wallet("export", "members", "demo", str(tmp_path / "members.csv"))
        found = [one for one in record() if one.code == "export.began"]
        assert [one.author_name for one in found[-2:]] == [
            "WALLET_API_KEY",
            "wallet export members",
        ]
        assert found[-2].fields["receipt"] == [None, "…"]


class TestReading:
    @pytest.fixture
    def keys(self, installation, house) -> Callable[..., dict[str, str]]:
        def issued(*scopes: str, programme: int | None = None) -> dict[str, str]:
            name = f"{scopes} {programme}"
            with installation.database.transaction() as session:
                key = apikeys.issue(session, name, scopes, house.clock(), programme)
            return {"Authorization": f"Bearer {key}"}

        return issued

    def test_newest_first_page_by_page(self, api, join) -> None:
        for number in range(5):
            join(name=f"N{number}")
        listed = api.get("changes?kind=member").get_json()["items"]
        assert [one["id"] for one in listed] == sorted((one["id"] for one in listed), reverse=True)
        paged, cursor = [], ""
        while True:
            page = api.get(f"changes?kind=member&limit=2{cursor}").get_json()
            paged += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert paged == listed
        one = listed[2]
        assert api.get(f"changes?of={one['of']['id']}").get_json()["items"] == [one]
        assert api.get("changes?since=2100-01-01T00:00:00Z").get_json()["items"] == []
        assert api.get("changes?until=2000-01-01T00:00:00Z").get_json()["items"] == []

    def test_what_is_said_of_people_is_for_those_who_may_see_it(
        self, api, client, join, keys
    ) -> None:
        anna = join(name="Анна")
        api.call("patch", f"members/{anna['id']}", {"name": "Ефросинья"})
        blind = client.get("/api/v1/changes", headers=keys("changes:read"))
        assert blind.status_code == 200 and "Ефросинья" not in blind.text
        seeing = client.get("/api/v1/changes", headers=keys("changes:read", "personal:read"))
        (first, *_) = seeing.get_json()["items"]
        assert first["personal"] == [{"name": "name", "before": "Анна", "after": "Ефросинья"}]

    def test_a_key_of_one_programme_sees_that_one(self, client, wallet, join, keys) -> None:
        join(name="Анна")
        wallet("programmes", "add", "club", "Club")
        wallet("keys", "add", "all", "--scope", "*")
        items = client.get("/api/v1/changes", headers=keys("changes:read", programme=1)).get_json()
        assert {one["programme"] for one in items["items"]} == {"demo"}
        everything = client.get("/api/v1/changes", headers=keys("changes:read")).get_json()
        assert {one["programme"] for one in everything["items"]} == {"demo", "club", None}

    def test_what_one_author_did_is_found(self, api, client, join, wallet) -> None:
        join(name="Анна")
        wallet("programmes", "add", "club", "Club")
        (club,) = api.get("changes?by=wallet%20programmes%20add").get_json()["items"]
        assert club["code"] == "programme.added"
        (line,) = wallet("changes", "list", "--by", "wallet programmes add").output.splitlines()
        assert "programme.added" in line

    def test_the_command_says_the_same(self, api, join, wallet) -> None:
        anna = join(name="Анна")
        api.call("patch", f"members/{anna['id']}", {"name": "Ева"})
        said = wallet("changes", "list", "--kind", "member", "--of", anna["id"]).output
        assert "key of the environment: member.changed, member" in said
        assert "Ева" not in said
        assert "name: Анна -> Ева" in wallet("changes", "list", "--personal").output
        assert wallet("changes", "list", "--programme", "demo", "--kind", "key").output == "None.\n"

    def test_they_are_chained_by_the_pump(self, api, join, house, wallet) -> None:
        join(name="Анна")
        assert {one["number"] for one in api.get("changes").get_json()["items"]} == {None}
        house.run("seals")
        numbers = [one["number"] for one in api.get("changes").get_json()["items"]]
        assert numbers == list(range(len(numbers), 0, -1))
        assert "the record of changes: " in wallet("ledger", "verify").output
