"""The wallet's own kind of segment, beside those of the ledger."""

from collections.abc import Callable

import pytest
from phones import Phone
from sqlalchemy import select
from statements import recorded

from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.segments import documents, membership, scope
from wallet.google.mirror import GoogleObject
from wallet.outreach import audience
from wallet.passes import issued

CARD, APPLE, GOOGLE = ({"kind": "card", "wallet": wallet} for wallet in ("any", "apple", "google"))
NOWHERE = {"kind": "not", "of": CARD}


@pytest.fixture
def people(join, client, house) -> dict[str, dict]:
    """One member with a card at Apple, at Google, at both, at neither; by the place. At Google the
    card of one more was taken out of the phone."""
    people = {place: join(name=place) for place in ("apple", "google", "both", "nowhere", "gone")}
    for number, place in enumerate(("apple", "both")):
        phone = Phone.with_card(client, people[place], f"{number:032x}")
        assert phone.register(f"{number:064x}").status_code == 201
    for place, saved in (("google", True), ("both", True), ("gone", False)):
        save_at_google(house, people[place], saved=saved)
    return people


def save_at_google(house, person: dict, *, saved: bool) -> None:
    """As if Google had reported it."""
    now = house.clock()
    with house.installation.database.transaction() as session:
        member = members.by_public_id(session, person["id"])
        session.add(
            GoogleObject(
                pass_id=issued.card_of(session, member.id).id,
                object_id=f"issuer.{person['id']}",
                saved=saved,
                heard_at=now,
                check_at=now,
                created_at=now,
            )
        )


@pytest.fixture
def those_in(house, people) -> Callable[[dict], set[str]]:
    """The places of the members who belong to a segment, asked for all at once and one by one."""
    places = {person["id"]: place for place, person in people.items()}

    def those(document: dict) -> set[str]:
        tree = documents.read(document)
        with house.installation.database.reading() as session:
            programme = programmes.by_code(session, "demo")
            in_scope = scope.in_main_unit(session, programme, house.clock())
            wanted = membership.condition(tree, in_scope)
            meant = {one.public_id for one in session.scalars(select(Member).where(wanted))}
            for public_id in places:
                member = members.by_public_id(session, public_id)
                with recorded(house.installation.database) as statements:
                    answers = membership.which(session, in_scope, member, [tree, tree])
                assert answers == (public_id in meant,) * 2
                assert len(statements) == 1
            size = audience.size(session, tree, in_scope)
        assert size == (len(meant), len([one for one in meant if places[one] in IN_A_PHONE]))
        return {places[public_id] for public_id in meant}

    return those


IN_A_PHONE = {"apple", "google", "both"}


@pytest.mark.parametrize(
    ("document", "meant"),
    [
        ({"kind": "card"}, IN_A_PHONE),
        (CARD, IN_A_PHONE),
        (APPLE, {"apple", "both"}),
        (GOOGLE, {"google", "both"}),
        (NOWHERE, {"nowhere", "gone"}),
        ({"kind": "all", "of": [APPLE, GOOGLE]}, {"both"}),
        ({"kind": "any", "of": [NOWHERE, GOOGLE]}, {"nowhere", "gone", "google", "both"}),
        ({"kind": "everyone"}, {"apple", "google", "both", "nowhere", "gone"}),
    ],
)
def test_a_card_is_in_a_phone_as_far_as_the_vendors_say(those_in, document, meant) -> None:
    assert those_in(document) == meant


def test_a_coupon_in_a_phone_is_no_card(house, client, api, those_in, people) -> None:
    offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
    coupon = api.post(f"offers/{offer['id']}/passes", {"member": people["nowhere"]["id"]})
    assert coupon.status_code == 201, coupon.text
    phone = Phone.with_card(client, {"links": coupon.get_json()}, "f" * 32)
    assert phone.register("f" * 64).status_code == 201
    assert those_in(NOWHERE) == {"nowhere", "gone"}
