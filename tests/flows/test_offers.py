"""Offers as people meet them: in their own language, changed while they are shown, and for an
audience alone. On both databases, on the card, its page, at the till and at Google."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import googles
import offer_pages
import pytest
import requests
import traces
from interleaving import stage
from phones import opened, values
from sqlalchemy import func, select

from ledger.offers import audiences, offers
from ledger.offers.offers import OfferMember
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.google.mirror import GoogleObject
from wallet.google.reading import spoken
from wallet.passes import templates
from wallet.passes.content import FieldDesign
from wallet.passes.issued import Pass
from wallet.sandbox import apns
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.google.resources import OBJECT, OFFER, OFFER_CLASS

LOCAL = "http://127.0.0.1:8080"
PUMPS = ("upkeep", "relay", "waves", "apple", "google")
LATTE = {
    "programme": "demo",
    "title": {"ru": "Латте −20 %", "en": "Latte −20 %"},
    "text": {"ru": "С собой", "en": "To go"},
}
BOUGHT = {"kind": "purchase", "days": 30}


@pytest.fixture
def pushes(chain) -> Iterator[RunningApns]:
    with apns.running(chain / "server.pem", chain / "server.key", chain / "root.pem") as stand_in:
        yield stand_in


@pytest.fixture
def google(tmp_path):
    with googles.stood_in(tmp_path / "google") as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, google) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, **googles.environment_of(google)}


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна", locale="ru")


@pytest.fixture
def john(join) -> dict:
    return join(name="John", locale="en")


@pytest.fixture
def publish(api, house) -> Callable[..., dict]:
    def published(**changes: object) -> dict:
        answer = api.post("offers", {**LATTE, **changes})
        assert answer.status_code == 201, answer.text
        house.run(*PUMPS)
        return answer.get_json()

    return published


@pytest.fixture
def change(api, house) -> Callable[..., dict]:
    def changed(offer: dict, **changes: object) -> dict:
        answer = api.call("PATCH", f"offers/{offer['id']}", changes)
        assert answer.status_code == 200, answer.text
        house.run(*PUMPS)
        return answer.get_json()

    return changed


def card(client, member: dict) -> dict[str, str]:
    path = member["links"]["apple"].removeprefix(LOCAL)
    return values(opened(client.get(path).data))


def page(client, member: dict, **headers: str) -> str:
    return client.get(member["links"]["card"].removeprefix(LOCAL), headers=headers).text


def seen_at_till(api, member: dict, **headers: str) -> list[str]:
    body = {"barcode": member["card"]["barcode"]}
    answer = api.call("POST", "scans", body, **headers).get_json()
    return [offer["title"] for offer in answer["offers"]]


def save(client, link: str) -> str:
    """Press a button that leads to Google; the object that is there then."""
    answer = client.get(link.removeprefix(LOCAL), follow_redirects=False)
    while answer.location.startswith("/"):
        answer = client.get(answer.location)
    return str(requests.get(answer.location, timeout=5).json()["objectIds"][0])


def in_words(localized: dict) -> dict[str, str]:
    """A LocalizedString of Google by language."""
    every = [localized["defaultValue"], *localized.get("translatedValues", [])]
    return {one["language"]: one["value"] for one in every}


def count(house, what: object) -> int:
    with house.installation.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(what)) or 0)


def versions(house) -> dict[int, int]:
    with house.installation.database.reading() as session:
        return dict(session.execute(select(Pass.id, Pass.version)).all())


# --- Languages ---------------------------------------------------------------------------------


def test_each_reads_their_own_language(api, client, anna, john, publish) -> None:
    publish()
    assert card(client, anna)["offer"] == "Латте −20 %"
    assert card(client, anna)["offers"] == "Латте −20 %\nС собой"
    assert card(client, john)["offer"] == "Latte −20 %"
    assert card(client, john)["offers"] == "Latte −20 %\nTo go"
    assert "Латте −20 %" in page(client, anna)
    assert "Latte −20 %" in page(client, john)
    assert "To go" in page(client, john)
    # Who asked for another language on the page reads that one.
    there = john["links"]["card"].removeprefix(LOCAL)
    assert "С собой" in client.get(f"{there}?lang=ru").text


def test_the_till_and_the_api_read_the_language_that_they_ask_for(api, anna, publish) -> None:
    made = publish()
    assert (made["title"], made["text"]) == ("Латте −20 %", "С собой")
    assert made["titles"] == LATTE["title"]
    assert made["texts"] == LATTE["text"]
    assert seen_at_till(api, anna) == ["Латте −20 %"]
    assert seen_at_till(api, anna, **{"Accept-Language": "en-GB,en"}) == ["Latte −20 %"]
    listed = api.call("GET", "offers?programme=demo", **{"Accept-Language": "en"})
    assert listed.get_json()["items"][0]["title"] == "Latte −20 %"
    assert "Accept-Language" in listed.headers["Vary"]


def test_plain_text_is_in_the_programmes_own_language(api, client, john, publish) -> None:
    made = publish(title="Кекс", text="")
    assert (made["titles"], made["texts"]) == ({"ru": "Кекс"}, {})
    assert card(client, john)["offer"] == "Кекс"


def test_a_missing_language_is_the_programmes_first_and_text_follows_title(
    api, client, join, publish
) -> None:
    german = join(name="Hans", locale="de-AT")
    publish()
    assert card(client, german)["offers"] == "Латте −20 %\nС собой"
    half = publish(title={"en": "Muffin", "ru": "Кекс"}, text={"en": "To go"})
    assert half["texts"] == {"en": "To go"}
    assert card(client, german)["offers"].startswith("Кекс\nTo go\n\nЛатте")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": {"de": "Kaffee"}}, "language_not_spoken"),
        ({"text": {"de": "Kaffee"}}, "language_not_spoken"),
        ({"title": {"ru": "Кофе"}, "text": {"en": "Coffee"}}, "title_missing"),
        ({"title": {}}, "invalid_request"),
        ({"title": {"ru": ""}}, "invalid_request"),
        ({"title": {"ru": "x" * 101}}, "invalid_request"),
        ({"title": {"nowhere!": "x"}}, "invalid_request"),
        ({"title": 5}, "invalid_request"),
        ({"title": ["Кофе"]}, "invalid_request"),
        ({"title": {"ru": None}}, "invalid_request"),
        ({"text": {"ru": "x" * 2001}}, "invalid_request"),
    ],
)
def test_words_that_nobody_could_read_are_refused(api, changes, code) -> None:
    answer = api.post("offers", {**LATTE, **changes})
    assert (answer.status_code, answer.get_json()["code"]) == (422, code), answer.text
    if code == "invalid_request":
        (wrong,) = answer.get_json()["errors"]
        assert wrong["field"].split(".")[0] in changes
        assert wrong["code"] != "does_not_fit"


def test_google_has_every_language(client, house, google, anna, john, publish) -> None:
    objects = [save(client, member["links"]["google"]) for member in (anna, john)]
    with house.installation.database.transaction() as session:
        for known in session.scalars(select(GoogleObject)):
            known.saved, known.heard_at = True, house.clock()
    made = publish()
    for object_id, title in zip(objects, ("Латте −20 %", "Latte −20 %"), strict=True):
        written = google.stand_in.resources.get(OBJECT, object_id)
        kept = {
            name: written[name] for name in written if name not in ("classReference", "hasUsers")
        }
        assert googles.faults("LoyaltyObject", kept, "kept") == []
        modules = {one["id"]: one for one in written["textModulesData"]}
        assert in_words(modules["offer"]["localizedBody"]) == LATTE["title"]
        assert in_words(modules["offers"]["localizedBody"]) == {
            "ru": "Латте −20 %\nС собой",
            "en": "Latte −20 %\nTo go",
        }
        (message,) = written["messages"]
        assert message["body"].startswith(title)
        assert set(in_words(message["localizedBody"])) == {"ru", "en"}
        (notice,) = google.stand_in.resources.card(object_id).notices
        assert spoken(notice.localized_body, "en") == "Latte −20 %\nTo go"
        assert spoken(notice.localized_body, "ru") == "Латте −20 %\nС собой"
    coupon = save(client, offer_pages.taken(client, john, made) + "/google")
    class_id = google.stand_in.resources.get(OFFER, coupon)["classId"]
    class_ = google.stand_in.resources.get(OFFER_CLASS, class_id)
    assert (class_["title"], class_["details"]) == ("Латте −20 %", "С собой")
    assert in_words(class_["localizedTitle"]) == LATTE["title"]
    assert in_words(class_["localizedDetails"]) == LATTE["text"]
    assert in_words(class_["localizedIssuerName"])["en"] == "Kopilka Coffee House"


def test_the_shop_is_called_as_its_pages_call_it(api, client, house, anna, john) -> None:
    with house.installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        design = templates.design(templates.current(session, demo.id))
        shop = FieldDesign("shop", "back", {"ru": "Магазин", "en": "Shop"}, shows="programme")
        changed = replace(design, fields=(*design.fields, shop))
        templates.store(session, demo.id, changed, {}, house.clock())
        waves.start(session, demo.id, house.clock())
    house.run(*PUMPS)
    assert card(client, anna)["shop"] == "Кофейня «Копилка»"
    assert card(client, john)["shop"] == "Kopilka Coffee House"
    data = client.get(john["links"]["apple"].removeprefix(LOCAL)).data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        words = archive.read("en.lproj/pass.strings").decode("utf-16")
    assert opened(data)["organizationName"] == opened(data)["logoText"] == "Кофейня «Копилка»"
    assert '"Кофейня «Копилка»" = "Kopilka Coffee House";' in words
    texts = {"ru": "Вам пишет {{programme}}", "en": "From {{programme}}"}
    body = {"programme": "demo", "name": "x", "texts": texts}
    campaign = api.post("campaigns", body).get_json()
    shown = api.post(f"campaigns/{campaign['id']}/preview", {"member": john["id"]}).get_json()
    assert shown["text"] == "From Kopilka Coffee House"


# --- Changes -----------------------------------------------------------------------------------


def test_a_changed_offer_is_on_every_card(api, client, house, anna, john, publish, change) -> None:
    made = publish()
    changed = change(made, title={"ru": "Латте −30 %", "en": "Latte −30 %"})
    assert changed["titles"]["ru"] == "Латте −30 %"
    assert changed["texts"] == LATTE["text"]
    assert card(client, anna)["offers"] == "Латте −30 %\nС собой"
    assert card(client, john)["offer"] == "Latte −30 %"
    assert seen_at_till(api, anna) == ["Латте −30 %"]


def test_what_changes_nothing_wakes_nobody(api, house, anna, john, publish, change) -> None:
    until = (house.clock() + timedelta(days=3)).isoformat()
    made = publish(until=until)
    before, waves = versions(house), count(house, Wave)
    same = change(made, title=LATTE["title"], text=LATTE["text"], until=until)
    assert same == made
    assert change(made) == made
    assert (versions(house), count(house, Wave)) == (before, waves)
    # A change in one language is a new version for all: a phone may speak it, whoever the member.
    change(made, until=None)
    assert count(house, Wave) == waves + 1
    assert all(number == before[id_] + 1 for id_, number in versions(house).items())


def test_a_coupon_and_its_class_follow(client, house, google, anna, publish, change) -> None:
    made = publish()
    coupon = save(client, offer_pages.taken(client, anna, made) + "/google")
    change(made, title={"ru": "Латте −30 %"}, text={"ru": "Навынос"})
    written = google.stand_in.resources.get(OFFER, coupon)
    class_ = google.stand_in.resources.get(OFFER_CLASS, written["classId"])
    assert (class_["title"], class_["details"]) == ("Латте −30 %", "Навынос")
    assert "localizedTitle" not in class_


def test_what_is_past_stays(api, house, publish) -> None:
    clock = house.clock
    now, later = clock(), (clock() + timedelta(days=1)).isoformat()
    made = publish(until=(clock() + timedelta(days=2)).isoformat())

    def refused(body: dict) -> tuple[int, str]:
        answer = api.call("PATCH", f"offers/{made['id']}", body)
        return answer.status_code, answer.get_json()["code"]

    assert refused({"from": later}) == (409, "offer_begun")
    assert refused({"until": now.isoformat()}) == (422, "dates_out_of_order")
    assert refused({"title": {"de": "Kaffee"}}) == (422, "language_not_spoken")
    assert refused({"text": {"en": "x"}, "title": "Кофе"}) == (422, "title_missing")
    clock.advance(days=2)
    house.run(*PUMPS)
    assert refused({"title": "Кекс"}) == (409, "offer_over")
    assert api.call("PATCH", f"offers/{made['id']}", {"title": LATTE["title"]}).status_code == 200
    withdrawn = publish()
    api.call("POST", f"offers/{withdrawn['id']}/withdraw")
    answer = api.call("PATCH", f"offers/{withdrawn['id']}", {"title": "Кекс"}).get_json()
    assert (answer["code"], answer["state"]) == ("offer_over", "withdrawn")


def test_one_that_has_not_begun_can_begin_sooner(api, client, house, anna, publish, change) -> None:
    made = publish(**{"from": (house.clock() + timedelta(days=5)).isoformat()})
    assert card(client, anna)["offer"] == "—"
    moved = change(made, **{"from": (house.clock() + timedelta(days=1)).isoformat()})
    assert moved["from"] != made["from"]
    assert card(client, anna)["offer"] == "—"
    change(made, **{"from": house.clock().isoformat()})
    assert card(client, anna)["offer"] == "Латте −20 %"


def test_a_change_while_its_wave_is_under_way_is_on_the_card(
    api, client, house, anna, request
) -> None:
    """The wave reads the offer, and it is changed before the wave has stored what it read: the wave
    of the change comes after it, from every place at which they can meet."""
    if request.node.callspec.params["database_url"] != "postgresql":
        pytest.skip("SQLite has one writer: there is no at once")
    database, make_due = house.installation.database, house.installation.make_due
    pace = house.installation.pace

    def step() -> bool:
        return database.run(lambda session: waves.advance(session, make_due, pace, house.clock()))

    def publish(number: int) -> str:
        title = {"ru": f"Латте {number}"}
        made = api.post("offers", {**LATTE, "title": title, "text": {}}).get_json()
        house.run("relay")
        return str(made["id"])

    def change(offer_id: str, number: int) -> None:
        database.run(
            lambda session: (
                offers.change(session, offer_id, {"titles": {"ru": f"Чай {number}"}}, house.clock())
                and None
            )
        )

    publish(0)
    with stage(database) as scene:
        number = scene.statements_of(step)
        house.run(*PUMPS)
        for at in range(1, number + 1):
            offer_id = publish(at)
            house.clock.advance(seconds=10)
            met = scene.meet(step, lambda: change(offer_id, at), at)  # noqa: B023
            assert not isinstance(met.first, Exception), met.first
            assert not isinstance(met.second, Exception), met.second
            house.run(*PUMPS)
            house.clock.advance(seconds=10)
            house.run(*PUMPS)
            assert card(client, anna)["offer"] == f"Чай {at}"
            assert seen_at_till(api, anna)[0] == f"Чай {at}"


# --- Audiences ---------------------------------------------------------------------------------


@pytest.fixture
def buyer(api, anna) -> dict:
    assert api.post("accruals", {"member": anna["id"], "points": 5}).status_code == 201
    return anna


def test_nobody_outside_of_the_audience_sees_anything(
    api, client, house, google, buyer, john, publish
) -> None:
    objects = {one["id"]: save(client, one["links"]["google"]) for one in (buyer, john)}
    made = publish(audience=BOUGHT)
    assert made["audience"] == BOUGHT
    assert card(client, buyer)["offer"] == "Латте −20 %"
    assert seen_at_till(api, buyer) == ["Латте −20 %"]
    assert "Латте −20 %" in page(client, buyer)
    assert card(client, john)["offer"] == "—"
    assert seen_at_till(api, john) == []
    assert "−20 %" not in page(client, john)
    assert "−20 %" in str(google.stand_in.resources.get(OBJECT, objects[buyer["id"]]))
    assert "−20 %" not in str(google.stand_in.resources.get(OBJECT, objects[john["id"]]))
    answer = api.post(f"offers/{made['id']}/passes", {"member": john["id"]})
    assert answer.get_json()["code"] == "offer_not_shown"
    link = f"{john['links']['card']}/offers/{made['id']}/apple.pkpass".removeprefix(LOCAL)
    assert client.get(link).location.endswith(john["links"]["card"].removeprefix(LOCAL))

    def listed(member: dict) -> list[str]:
        found = api.get(f"offers?programme=demo&member={member['id']}").get_json()["items"]
        return [one["id"] for one in found]

    assert (listed(buyer), listed(john)) == ([made["id"]], [])


def test_it_is_written_down_once_when_the_offer_begins(
    api, client, house, join, buyer, publish
) -> None:
    begins = house.clock() + timedelta(days=1)
    publish(audience=BOUGHT, **{"from": begins.isoformat()})
    later = join(name="Ева")
    house.clock.advance(hours=12)
    api.post("accruals", {"member": later["id"], "points": 5})
    house.run(*PUMPS)
    assert card(client, later)["offer"] == "—"
    house.clock.advance(hours=13)
    house.run(*PUMPS)
    assert card(client, later)["offer"] == "Латте −20 %"
    newest = join(name="Ян")
    api.post("accruals", {"member": newest["id"], "points": 5})
    house.clock.advance(days=60)
    house.run(*PUMPS)
    assert card(client, newest)["offer"] == "—"  # joined after the begin
    assert card(client, buyer)["offer"] == "Латте −20 %"  # bought then, if not now


def test_a_wave_goes_to_the_audience_alone(api, house, join, publish, change) -> None:
    crowd = [join(name=f"Гость {number}") for number in range(12)]
    buyers = crowd[::4]
    for one in buyers:
        api.post("accruals", {"member": one["id"], "points": 5})
    house.run(*PUMPS)
    before = versions(house)
    made = publish(audience=BOUGHT)
    assert sum(number - before[id_] for id_, number in versions(house).items()) == len(buyers)
    with house.installation.database.reading() as session:
        waves = session.scalars(select(Wave)).all()
    assert [(one.total, one.seen, one.changed) for one in waves] == [(3, 3, 3)]
    change(made, title={"ru": "Латте −30 %", "en": "Latte −30 %"})
    api.call("POST", f"offers/{made['id']}/withdraw")
    house.run(*PUMPS)
    assert sum(number - before[id_] for id_, number in versions(house).items()) == 3 * len(buyers)


def test_a_list_that_is_not_complete_shows_nothing_and_is_not_made_twice(
    api, client, house, join
) -> None:
    crowd = [join(name=f"Гость {number}") for number in range(5)]
    api.post("offers", {**LATTE, "audience": {"kind": "everyone"}})
    database = house.installation.database
    for written in (2, 4):
        assert database.run(lambda session: audiences.write_down(session, house.clock(), 2))
        assert count(house, OfferMember) == written
        assert seen_at_till(api, crowd[0]) == []
    assert database.run(lambda session: audiences.write_down(session, house.clock(), 2))
    assert not database.run(lambda session: audiences.write_down(session, house.clock(), 2))
    assert count(house, OfferMember) == len(crowd) + 0
    house.run(*PUMPS)
    assert all(seen_at_till(api, one) == ["Латте −20 %"] for one in crowd)


def test_withdrawn_before_the_list_is_complete_it_is_never_shown(api, house, join) -> None:
    crowd = [join(name=f"Гость {number}") for number in range(3)]
    made = api.post("offers", {**LATTE, "audience": {"kind": "everyone"}}).get_json()
    database = house.installation.database
    assert database.run(lambda session: audiences.write_down(session, house.clock(), 2))
    api.call("POST", f"offers/{made['id']}/withdraw")
    assert not database.run(lambda session: audiences.write_down(session, house.clock(), 2))
    house.run(*PUMPS)
    assert [seen_at_till(api, one) for one in crowd] == [[], [], []]
    assert count(house, Wave) == 0


def test_an_erased_member_is_in_no_list(api, house, buyer, publish) -> None:
    publish(audience=BOUGHT)
    assert count(house, OfferMember) == 1
    assert api.delete(f"members/{buyer['id']}").status_code == 200
    assert count(house, OfferMember) == 0
    publish(audience={"kind": "everyone"}, title="Кекс", text="")
    with house.installation.database.reading() as session:
        listed = session.scalars(select(Member.erased_at).join(OfferMember)).all()
    assert [moment for moment in listed if moment is not None] == []


def test_a_coupon_of_an_offer_for_one_does_not_keep_its_member(
    api, client, house, google, anna, publish
) -> None:
    """The coupon refers to the offer, so the offer stays; its words go, at Google too."""
    made = publish(member=anna["id"], title="Анна, вам", text="Только вам, Анна")
    coupon = save(client, offer_pages.taken(client, anna, made) + "/google")
    assert api.delete(f"members/{anna['id']}").status_code == 200
    house.run(*PUMPS)
    assert traces.in_tables(house.installation.database, ["Анна, вам", "Только вам"]) == []
    written = google.stand_in.resources.get(OFFER, coupon)
    class_ = google.stand_in.resources.get(OFFER_CLASS, written["classId"])
    assert "Анна" not in str({**written, "classReference": class_})
    assert written["state"] == "INACTIVE"
    answer = api.call("PATCH", f"offers/{made['id']}", {"title": "Анна, снова вам"}).get_json()
    assert (answer["code"], answer["state"]) == ("offer_over", "withdrawn")


def test_who_is_merged_keeps_what_was_offered_to_either(
    api, client, house, buyer, john, publish
) -> None:
    publish(audience=BOUGHT)
    publish(member=buyer["id"], title="Вам", text="")
    assert api.post(f"members/{buyer['id']}/merge", {"into": john["id"]}).status_code in (200, 201)
    house.run(*PUMPS)
    assert card(client, john)["offers"] == "Вам\n\nLatte −20 %\nTo go"
    own = publish(member=buyer["id"], title="И вам", text="")
    assert card(client, john)["offer"] == "И вам"
    api.call("POST", f"offers/{own['id']}/withdraw")
    house.run(*PUMPS)
    assert card(client, john)["offer"] == "Вам"


@pytest.mark.parametrize(
    ("audience", "code"),
    [
        ({"kind": "nobody"}, "unknown_kind"),
        ({"kind": "purchase", "days": 0}, "too_small"),
        ("everyone", "not_an_object"),
    ],
)
def test_an_audience_that_means_nothing_is_refused(api, audience, code) -> None:
    answer = api.post("offers", {**LATTE, "audience": audience})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == code


def test_a_member_and_an_audience_exclude_each_other(api, anna) -> None:
    answer = api.post("offers", {**LATTE, "member": anna["id"], "audience": BOUGHT}).get_json()
    assert [one["code"] for one in answer["errors"]] == ["member_or_audience"]


def test_an_offer_that_ended_before_its_list_was_made_is_shown_to_nobody(api, house, anna) -> None:
    until = (house.clock() + timedelta(hours=1)).isoformat()
    api.post("offers", {**LATTE, "audience": {"kind": "everyone"}, "until": until})
    house.clock.advance(hours=2)
    house.run(*PUMPS)
    assert count(house, OfferMember) == 0
    with house.installation.database.reading() as session:
        (offer,) = offers.listed(session, 1, None, None, 10)
        assert offer.frozen_at is None
