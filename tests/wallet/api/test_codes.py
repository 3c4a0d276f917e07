"""A programme's choice of what its cards have in their barcodes."""

from dataclasses import replace

import pytest

from ledger.programmes import programmes
from wallet.access import apikeys
from wallet.errors import CodeNotCarried
from wallet.passes import codes, templates

PATH = "programmes/demo/card-code"
PLAIN = {
    "kind": "plain",
    "numbers": "accept",
    "at_google": "same",
    "renew_days": 7,
    "grace_hours": 24,
    "converting": False,
}


def store_design(house, symbology: str) -> None:
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        design = replace(templates.standard("Demo"), symbology=symbology)
        templates.store(session, programme.id, design, {}, house.clock())


def test_a_programme_begins_with_plain_numbers(api) -> None:
    assert api.get(PATH).get_json() == PLAIN
    keys = api.get(f"{PATH}/keys").get_json()
    assert keys == {"programme": "demo", "kind": "plain", "keys": []}


def test_what_is_not_named_stays(api, house) -> None:
    changed = api.call("PATCH", PATH, {"kind": "hmac", "renew_days": 0}).get_json()
    assert changed == {**PLAIN, "kind": "hmac", "renew_days": 0, "converting": True}
    house.run()
    changed = api.call("PATCH", PATH, {"numbers": "refuse"}).get_json()
    assert changed == {**PLAIN, "kind": "hmac", "renew_days": 0, "numbers": "refuse"}
    assert api.get(PATH).get_json() == changed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "rsa"}, "invalid_request"),
        ({"renew_days": 366}, "invalid_request"),
        ({"grace_hours": -1}, "invalid_request"),
        ({"kind": "plain", "numbers": "refuse"}, "terms_refused"),
    ],
)
def test_what_cannot_be_is_refused(api, body, code) -> None:
    answer = api.call("PATCH", PATH, body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert api.get(PATH).get_json() == PLAIN
    assert api.get("programmes/nobody/card-code").status_code == 404


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
def test_a_barcode_that_cannot_carry_it_is_named(api, house, kind) -> None:
    store_design(house, "code128")
    answer = api.call("PATCH", PATH, {"kind": kind}, **{"Accept-Language": "ru"})
    assert answer.status_code == 409
    problem = answer.get_json()
    assert (problem["code"], problem["symbology"]) == ("code_not_carried", "code128")
    assert "не вмещает" in problem["detail"]
    store_design(house, "aztec")
    assert api.call("PATCH", PATH, {"kind": kind}).status_code == 200
    refused = api.call("PATCH", PATH, {"at_google": "rotating"})
    assert refused.get_json()["code"] == "code_not_carried"
    with pytest.raises(CodeNotCarried):
        store_design(house, "code128")


def test_keys_need_a_scope_of_their_own(api, client, house) -> None:
    from_house = house.installation.database
    with from_house.transaction() as session:
        told = apikeys.issue(session, "till", ["scans:write", "programmes:read"], house.clock())
        checker = apikeys.issue(session, "offline till", ["codes:keys"], house.clock())
    api.call("PATCH", PATH, {"kind": "hmac"})

    def asked(key: str, path: str = f"{PATH}/keys"):
        headers = {"Authorization": f"Bearer {key}"}
        return client.get(f"/api/v1/{path}", headers=headers)

    assert asked(told).status_code == 403
    assert asked(told, PATH).status_code == 200
    (key,) = asked(checker).get_json()["keys"]
    assert (len(key["secret"]), key["public_key"]) == (64, None)
    assert asked(checker, PATH).status_code == 403
    # Nothing secret is among what anybody may read, and each programme has keys of its own.
    public = client.get("/codes/demo/keys").get_json()
    assert key["secret"] not in str(public)
    assert len(bytes.fromhex(public["keys"][0]["public_key"])) == 32
    assert client.get("/codes/nobody/keys").status_code == 404


@pytest.mark.parametrize(
    ("language", "words"), [("en", "was not made by us"), ("ru", "сделали не мы")]
)
def test_a_forged_code_is_refused_in_the_tills_language(
    api, member, language: str, words: str
) -> None:
    forged = codes.mint("hmac", "demo", member["card"]["number"], 1, lambda _: bytes(16))
    answer = api.call("POST", "scans", {"barcode": forged}, **{"Accept-Language": language})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "code_forged")
    assert words in answer.get_json()["detail"]
    assert forged not in answer.text
