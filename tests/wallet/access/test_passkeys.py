"""Passkeys of people of the staff: what a device brings is judged, and counts once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from authenticators import Authenticator

from wallet.access import admission, ceremonies, passkeys
from wallet.access.ceremonies import AskedPasskey
from wallet.access.passkeys import PasskeySite
from wallet.errors import EmployeeRefused

ANNA, BORIS = "anna@example.com", "boris@example.com"
SITE = PasskeySite("cards.example.com", "https://cards.example.com")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


class Desk:
    """What the console asks of the module, step by step."""

    def __init__(self, installation, house) -> None:
        self.database, self.clock = installation.database, house.clock
        self.ids = {}
        with self.database.transaction() as session:
            for email in (ANNA, BORIS):
                link = admission.add(session, email, "administrator", self.clock())
                person = admission.set_password(session, link, "digest", self.clock())
                self.ids[email] = person.id

    def ask_to_add(self, email: str = ANNA) -> AskedPasskey:
        with self.database.transaction() as session:
            return ceremonies.ask_to_add(session, SITE, self.ids[email], email, self.clock())

    def add(self, asked: AskedPasskey, answer: str, email: str = ANNA, name: str = "Laptop") -> int:
        with self.database.transaction() as session:
            taken = ceremonies.take(session, asked.challenge, self.ids[email], self.clock())
        with self.database.transaction() as session:
            return ceremonies.add(session, SITE, taken, name, answer, self.clock()).id

    def added(self, device: Authenticator, email: str = ANNA) -> int:
        asked = self.ask_to_add(email)
        return self.add(asked, device.make(asked.options), email)

    def ask(self) -> AskedPasskey:
        with self.database.transaction() as session:
            return ceremonies.ask_to_sign_in(session, SITE, self.clock())

    def sign_in(self, asked: AskedPasskey, answer: str) -> str:
        with self.database.transaction() as session:
            taken = ceremonies.take(session, asked.challenge, None, self.clock())
        with self.database.transaction() as session:
            return ceremonies.who_signed(session, SITE, taken, answer, self.clock()).email


@pytest.fixture
def desk(installation, house) -> Desk:
    return Desk(installation, house)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(SITE.origin)


def test_a_passkey_says_who_signs_in(desk, device) -> None:
    desk.added(device)
    desk.added(Authenticator(SITE.origin), BORIS)
    asked = desk.ask()
    assert desk.sign_in(asked, device.sign(asked.options)) == ANNA


def test_it_asks_for_a_key_on_the_device_and_for_its_owner(desk, device) -> None:
    desk.added(device)
    options = desk.ask_to_add().options
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert len(options["excludeCredentials"]) == 1
    assert ANNA not in str(options["user"]["id"])
    assert desk.ask().options["userVerification"] == "required"
    assert desk.ask().options["allowCredentials"] == []


def refused(desk: Desk, asked: AskedPasskey, answer: str) -> bool:
    try:
        desk.sign_in(asked, answer)
    except EmployeeRefused:
        return True
    return False


class TestRefused:
    def test_an_answer_that_was_sent_before(self, desk, device) -> None:
        desk.added(device)
        asked = desk.ask()
        answer = device.sign(asked.options)
        assert desk.sign_in(asked, answer) == ANNA
        assert refused(desk, asked, answer)

    def test_one_answer_at_once(self, desk, device) -> None:
        desk.added(device)
        asked = desk.ask()
        answer = device.sign(asked.options)
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda _: refused(desk, asked, answer), range(4)))
        assert sorted(outcomes) == [False, True, True, True]

    def test_the_answer_to_another_challenge(self, desk, device) -> None:
        desk.added(device)
        asked, other = desk.ask(), desk.ask()
        assert refused(desk, asked, device.sign(other.options))
        assert refused(desk, asked, device.sign(asked.options))  # nothing is left to try again

    def test_a_challenge_that_nobody_gave(self, desk, device) -> None:
        desk.added(device)
        made_up = replace(desk.ask(), challenge="bm9ib2R5")
        assert refused(desk, made_up, device.sign({"challenge": made_up.challenge}))

    def test_a_challenge_for_adding(self, desk, device) -> None:
        desk.added(device)
        asked = desk.ask_to_add()
        assert refused(desk, asked, device.sign(asked.options))

    def test_a_challenge_that_is_too_old(self, desk, device, house) -> None:
        desk.added(device)
        asked = desk.ask()
        house.clock.advance(seconds=ceremonies.CHALLENGE_LIVES.total_seconds())
        assert refused(desk, asked, device.sign(asked.options))

    def test_what_was_signed_on_another_site(self, desk, device) -> None:
        desk.added(device)
        device.origin = "https://cards.example.com.evil.example"
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    def test_a_passkey_of_another_site(self, desk, device) -> None:
        desk.added(device)
        ((id_, (key, _, user)),) = device.keys.items()
        device.keys[id_] = (key, "evil.example", user)
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    def test_a_device_that_did_not_look_who_holds_it(self, desk, device) -> None:
        desk.added(device)
        device.verifies = False
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    def test_a_copy_that_has_signed_less_often(self, desk, device) -> None:
        desk.added(device)
        asked = desk.ask()
        desk.sign_in(asked, device.sign(asked.options))
        device.signed = 0
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    def test_one_that_was_removed(self, desk, device) -> None:
        passkey_id = desk.added(device)
        with desk.database.transaction() as session:
            assert passkeys.remove(session, desk.ids[BORIS], passkey_id) is None
            assert passkeys.remove(session, desk.ids[ANNA], passkey_id) == "Laptop"
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    def test_one_of_somebody_who_is_gone(self, desk, device) -> None:
        desk.added(device)
        with desk.database.transaction() as session:
            admission.remove(session, ANNA, desk.clock())
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))

    @pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "\0", '{"id": 1}', "x" * 9000])
    def test_what_is_no_answer(self, desk, answer: str) -> None:
        assert refused(desk, desk.ask(), answer)
        asked = desk.ask_to_add()
        with pytest.raises(EmployeeRefused):
            desk.add(asked, answer)

    def test_the_signature_of_another_key(self, desk, device) -> None:
        desk.added(device)
        ((id_, (_, rp_id, user)),) = device.keys.items()
        other = Authenticator(SITE.origin)
        other.make(desk.ask_to_add().options)
        ((_, (key, *_rest)),) = other.keys.items()
        device.keys[id_] = (key, rp_id, user)
        asked = desk.ask()
        assert refused(desk, asked, device.sign(asked.options))


class TestAdding:
    def test_for_somebody_else_is_refused(self, desk, device) -> None:
        asked = desk.ask_to_add(ANNA)
        with pytest.raises(EmployeeRefused):
            desk.add(asked, device.make(asked.options), BORIS)

    @pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb"])
    def test_a_name_that_does_not_fit_is_refused(self, desk, device, name: str) -> None:
        asked = desk.ask_to_add()
        with pytest.raises(EmployeeRefused):
            desk.add(asked, device.make(asked.options), name=name)

    def test_the_same_twice_is_refused(self, desk, device) -> None:
        asked = desk.ask_to_add()
        answer = device.make(asked.options)
        desk.add(asked, answer)
        with pytest.raises(EmployeeRefused):
            desk.add(asked, answer)


def test_a_device_that_shares_its_key_counts_nothing(desk, device) -> None:
    device.counts = False
    desk.added(device)
    for _ in range(2):
        asked = desk.ask()
        assert desk.sign_in(asked, device.sign(asked.options)) == ANNA


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://cards.example.com", SITE),
        (
            "https://Cards.Example.com:8443",
            PasskeySite("cards.example.com", "https://cards.example.com:8443"),
        ),
        ("http://127.0.0.1:8080", PasskeySite("localhost", "http://localhost:8080")),
        ("http://localhost:9000", PasskeySite("localhost", "http://localhost:9000")),
        ("http://cards.example.com", None),
        ("https://192.0.2.1", None),
    ],
)
def test_which_site_they_are_for(url: str, site: PasskeySite | None) -> None:
    assert passkeys.site_of(url) == site
