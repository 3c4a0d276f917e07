"""The first hour: four questions, a sentence and a card, and steps read from what is there."""

import re
from html import unescape

import pytest
from visitors import HOME, Visitor, signed_in

from ledger.people import consents, members
from ledger.people.consents import Decision
from ledger.programmes import programmes
from wallet.access import admission
from wallet.console.home.readiness import STEPS
from wallet.delivery import waves
from wallet.passes import templates

PLACE = f"{HOME}first-hour"
ANSWERS = {"trade": "coffee", "back": "5", "payable": "100", "live_days": "180"}


@pytest.fixture
def manager(client, installation) -> Visitor:
    return signed_in(client, installation, "manager")


def done(visitor: Visitor) -> set[str]:
    """The steps that are ticked, in the order of the page."""
    page = visitor.read(PLACE)
    ticked = re.findall(r'<li class="([^"]*)">\s*<svg', page)
    assert len(ticked) == len(STEPS)
    return {step for step, look in zip(STEPS, ticked, strict=True) if look == "k-step-done"}


def test_who_sets_a_programme_up_begins_with_it_and_others_do_not(
    manager, client, installation
) -> None:
    assert manager.get("/console/").location == PLACE
    manager.send(PLACE, **ANSWERS)
    assert manager.get("/console/").location == HOME
    assert "Ready to start: 0 of 9" in manager.read(HOME)


def test_a_trade_brings_what_is_usual_for_it(manager) -> None:
    page = manager.read(PLACE)
    assert "What do you sell?" in page
    page = manager.read(f"{PLACE}?trade=fuel")
    assert 'value="1.5"' in page
    assert "Members get 1.5% back" in page
    russian = Visitor(manager.client, "ru").read(f"{PLACE}?trade=coffee")
    assert "Гость получает" in russian


def test_four_answers_make_a_programme_a_sentence_and_a_card(manager, api) -> None:
    answer = manager.send(PLACE, **ANSWERS)
    assert (answer.status_code, answer.location) == (303, PLACE)
    base = api.get("programmes/demo/base").get_json()
    assert (base["percent_back"], base["percent_payable"], base["live_days"]) == ("5", "100", 180)
    assert base["point_worth"] == {"amount": "1.00", "currency": "RUB"}
    assert api.get("programmes/demo").get_json()["terms"]["called"] == "guest"
    page = manager.read(PLACE)
    assert "Members get 5% back in points" in page
    assert "earns 50 points" in page
    assert "web-card" in page and "<svg" in page
    assert "0 of 9" in page


def test_the_shop_gives_its_name_to_cards_and_pages(manager, api, installation) -> None:
    anna = api.post("members", {"programme": "demo"}).get_json()
    assert 'value="Café Lilac"' in manager.read(f"{PLACE}?trade=fuel&shop=Café+Lilac")
    seen = manager.send(PLACE, f"{PLACE}/sentence", **ANSWERS, shop="Café Lilas").text
    assert 'hx-swap-oob="true"' in seen and '<p class="card-title">Café Lilas</p>' in seen
    manager.send(PLACE, **ANSWERS, shop="Café Lilac")
    with installation.database.reading() as session:
        demo = programmes.by_code(session, "demo")
        assert programmes.names(session, demo) == dict.fromkeys(demo.languages, "Café Lilac")
        design = templates.design(templates.current(session, demo.id))
        assert set(design.names.values()) == set(design.logo_texts.values()) == {"Café Lilac"}
        assert templates.number_of_revisions(session, demo.id, "card") == 2
        wave = waves.of_designs(session, demo.id)
        assert wave is not None and wave.total == 1
    assert "Café Lilac" in manager.client.get(f"/join/{anna['programme']}").text
    assert 'name="shop"' not in manager.read(f"{PLACE}?again=1")
    assert "design" not in done(manager)


def test_a_refused_answer_keeps_the_others(manager) -> None:
    refused = manager.send(PLACE, **{**ANSWERS, "trade": "", "back": "many"})
    assert refused.status_code == 422
    assert 'href="#trade"' in refused.text and 'href="#back"' in refused.text
    assert 'value="many"' in refused.text and 'value="180"' in refused.text


def test_gifts_that_there_are_stay_when_the_answers_change(manager, api) -> None:
    body = {
        "percent_back": "1",
        "percent_payable": "10",
        "point_worth": {"amount": "10", "currency": "RUB"},
        "live_days": None,
        "welcome": {"points": 70},
        "birthday": {"points": 5, "days_before": 2},
    }
    assert api.call("PUT", "programmes/demo/base", body).status_code == 200
    page = manager.read(f"{PLACE}?again=1")
    opened = re.search(r'name="opened" value="(\d+)"', page)[1]
    assert manager.send(PLACE, **ANSWERS, opened=opened).status_code == 303
    base = api.get("programmes/demo/base").get_json()
    assert (base["percent_back"], base["point_worth"]["amount"]) == ("5", "10.00")
    assert (base["welcome"]["points"], base["birthday"]["days_before"]) == (70, 2)


def test_steps_are_ticked_by_what_is_there(manager, api, installation, house, client) -> None:
    manager.send(PLACE, **ANSWERS)
    assert done(manager) == set()
    anna = api.post("members", {"programme": "demo", "name": "Anna"}).get_json()
    assert done(manager) == set()  # she has no card in her hands yet
    with installation.database.transaction() as session:
        joined = members.by_public_id(session, anna["id"])
        agreed = [Decision("personal", given=True)]
        consents.record(session, joined, agreed, "page", house.clock())
    assert done(manager) == {"card"}
    posting = api.post("accruals", {"member": anna["id"], "points": 5}).get_json()["id"]
    assert done(manager) == {"card"}
    api.post(f"postings/{posting}/reverse", {})
    assert done(manager) == {"card", "accrual"}
    sent = manager.send(f"{PLACE}/message", card=anna["card"]["number"], text="Hello")
    assert sent.status_code == 303, sent.text
    messages = api.get(f"members/{anna['id']}/messages").get_json()["items"]
    assert [(one["kind"], one["state"], one["text"]) for one in messages] == [
        ("trial", "told", "Hello")
    ]
    manager.send(f"{HOME}poster", poster_ru="Карта за секунду", poster_en="A card in a second")
    assert "A card in a second" in manager.read(f"{HOME}poster")
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        programmes.say(session, demo.id, "operator", "ru", "ООО «Утро»", house.clock())
        admission.add(session, "till@example.com", "cashier", house.clock(), demo.id)
    assert done(manager) == {"card", "accrual", "message", "poster", "legal", "cashier"}


def test_a_step_may_be_not_needed_and_needed_again(manager) -> None:
    manager.send(PLACE, **ANSWERS)
    answer = manager.send(PLACE, f"{PLACE}/steps", step="certificates")
    assert answer.status_code == 303
    page = manager.read(PLACE)
    assert "0 of 8" in page and "not needed" in page
    manager.send(PLACE, f"{PLACE}/steps", step="certificates", needed="yes")
    assert "0 of 9" in manager.read(PLACE)
    assert manager.send(PLACE, f"{PLACE}/steps", step="nothing").status_code == 404


def test_a_message_to_a_card_that_is_none_says_so(manager, api) -> None:
    for card in ("", "12345"):
        refused = manager.send(f"{PLACE}/message", card=card, text="Hello")
        assert refused.status_code == 422 and 'id="card-problem"' in refused.text
    anna = api.post("members", {"programme": "demo"}).get_json()
    refused = manager.send(f"{PLACE}/message", card=anna["card"]["number"], text="{{nothing}}")
    assert refused.status_code == 422 and 'id="text-problem"' in refused.text
    api.post(f"members/{anna['id']}/block", None)
    refused = manager.send(f"{PLACE}/message", card=anna["card"]["number"], text="Hello")
    assert refused.status_code == 422 and 'id="card-problem"' in refused.text


def test_a_viewer_sees_how_far_it_is_and_changes_nothing(client, installation) -> None:
    viewer = signed_in(client, installation, "viewer")
    page = viewer.read(PLACE)
    assert "0 of 9" in page and "Skip it" not in page and "<form" not in page.split("<main")[1]
    assert viewer.get(f"{PLACE}/message").status_code == 403
    assert "Download PDF" in viewer.read(f"{HOME}poster")


def test_who_came_from_the_list_of_steps_goes_back_to_it(client, installation) -> None:
    administrator = signed_in(client, installation, "administrator")
    administrator.send(f"{HOME}first-hour", trade="coffee", back="5", payable="50", live_days="9")
    page = unescape(administrator.read(f"{HOME}first-hour"))
    steps = re.findall(r'<p><a href="([^"]+)">', page)
    assert len(steps) == 9
    back = f'<a class="k-back" href="{HOME}first-hour">'
    for url in steps:
        assert back in administrator.read(url), url
    texts = f"{HOME}settings/programme/texts"
    assert back not in administrator.read(texts)
    assert back not in administrator.read(f"{texts}?ready=nowhere")
    opened = re.search(r'name="opened" value="(\d+)"', administrator.read(texts))[1]
    typed = {"name_ru": "Утро", "name_en": "Morning", "opened": opened}
    saved = administrator.send(f"{texts}?ready=demo", **typed)
    assert saved.location == f"{texts}?ready=demo"
