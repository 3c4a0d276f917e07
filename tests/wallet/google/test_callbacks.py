"""What Google tells us, and what others would like us to believe."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from requests import ConnectionError

from wallet.google import callbacks
from wallet.google.callbacks import CallbackRefused, RootKeys
from wallet.sandbox.google.callbacks import FOREIGN_ISSUER, CallbackSigner, CardEvent

ISSUER = "3388000000000000001"
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
SAVE = CardEvent("save", f"{ISSUER}.demo", f"{ISSUER}.abc")
SEAL = CallbackSigner(ISSUER)


def roots(seal: CallbackSigner = SEAL) -> RootKeys:
    return RootKeys(lambda: json.dumps(seal.root_keys(NOW)).encode())


def refusal(envelope: bytes, *, issuer: str = ISSUER, now: datetime = NOW) -> str:
    with pytest.raises(CallbackRefused) as caught:
        callbacks.read(envelope, issuer, roots(), now)
    return caught.value.problem


def changed(**changes: object) -> bytes:
    return json.dumps({**json.loads(SEAL.envelope(SAVE, NOW)), **changes}).encode()


def test_googles_own_message_is_read() -> None:
    event = callbacks.read(SEAL.envelope(SAVE, NOW), ISSUER, roots(), NOW)
    assert (event.kind, event.object_id) == ("save", f"{ISSUER}.abc")


def test_lengths_are_counted_in_bytes() -> None:
    happening = CardEvent("save", f"{ISSUER}.кофе", f"{ISSUER}.латте")
    envelope = SEAL.envelope(happening, NOW).decode()
    text = json.loads(json.loads(envelope)["signedMessage"])
    raw = json.dumps(text, ensure_ascii=False)
    signature = SEAL._intermediate.sign(
        b"".join(
            len(part.encode()).to_bytes(4, "little") + part.encode()
            for part in ("GooglePayPasses", ISSUER, "ECv2SigningOnly", raw)
        ),
        ec.ECDSA(hashes.SHA256()),
    )
    sealed = changed(signedMessage=raw, signature=base64.b64encode(signature).decode())
    assert callbacks.read(sealed, ISSUER, roots(), NOW).object_id == f"{ISSUER}.латте"


def test_a_message_for_another_issuer_is_not_for_us() -> None:
    """Google signed it, for somebody whose class points at our address."""
    sealed = SEAL.envelope(SAVE, NOW, frozenset({"foreign_issuer"}))
    assert refusal(sealed) == "bad_signature"
    assert callbacks.read(sealed, FOREIGN_ISSUER, roots(), NOW).kind == "save"


def test_another_mans_keys_are_not_googles() -> None:
    assert refusal(CallbackSigner(ISSUER).envelope(SAVE, NOW)) == "bad_key_signature"


def test_what_was_changed_on_its_way_is_refused() -> None:
    assert refusal(SEAL.envelope(SAVE, NOW, frozenset({"bad_signature"}))) == "bad_signature"
    message = json.loads(SEAL.envelope(SAVE, NOW))["signedMessage"]
    assert refusal(changed(signedMessage=message.replace("save", "del"))) == "bad_signature"


def test_what_is_over_is_over() -> None:
    assert refusal(SEAL.envelope(SAVE, NOW, frozenset({"expired"}))) == "expired"
    assert refusal(SEAL.envelope(SAVE, NOW), now=NOW + timedelta(hours=7)) == "key_expired"


def test_root_keys_that_expired_are_none() -> None:
    keys = roots()
    assert keys.now(NOW)
    assert not keys.now(NOW + timedelta(days=2))


def test_only_the_scheme_is_taken() -> None:
    assert refusal(changed(protocolVersion="ECv1")) == "unknown_protocol"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"a":' * 10_000,
        changed(signature=1),
        changed(intermediateSigningKey=None),
        changed(intermediateSigningKey={"signedKey": "{}", "signatures": "x"}),
        changed(intermediateSigningKey={"signedKey": "{}", "signatures": ["x"] * 1000}),
        changed(signedMessage={}),
    ],
)
def test_what_is_no_message_is_refused(garbage: bytes) -> None:
    assert refusal(garbage) == "malformed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
PARTS = ("signature", "protocolVersion", "intermediateSigningKey", "signedMessage")


@given(st.dictionaries(st.sampled_from(PARTS), JSON, min_size=1))
def test_whatever_stands_in_it_it_is_refused_and_no_more(changes: dict[str, object]) -> None:
    assert refusal(changed(**changes))


class TestRootKeys:
    def test_they_are_fetched_once(self) -> None:
        asked = []
        keys = RootKeys(lambda: asked.append(1) or json.dumps(SEAL.root_keys(NOW)).encode())
        for minutes in range(10):
            assert keys.now(NOW + timedelta(minutes=minutes))
        assert len(asked) == 1

    def test_bad_messages_do_not_make_us_ask_google_more_than_once_a_minute(self) -> None:
        asked = []
        keys = RootKeys(lambda: asked.append(1) or json.dumps(SEAL.root_keys(NOW)).encode())
        foreign = CallbackSigner(ISSUER).envelope(SAVE, NOW)
        for second in range(120):
            with pytest.raises(CallbackRefused):
                callbacks.read(foreign, ISSUER, keys, NOW + timedelta(seconds=second))
        assert len(asked) == 2

    def test_a_new_key_is_found_when_the_old_ones_do_not_fit(self) -> None:
        seals = [CallbackSigner(ISSUER), SEAL]
        keys = RootKeys(lambda: json.dumps(seals.pop(0).root_keys(NOW)).encode())
        keys.now(NOW)
        later = NOW + timedelta(minutes=2)
        assert callbacks.read(SEAL.envelope(SAVE, later), ISSUER, keys, later).kind == "save"

    @pytest.mark.parametrize("answer", [b"", b"{}", b'{"keys": [1]}', ConnectionError()])
    def test_without_an_answer_there_are_none(self, answer: object) -> None:
        def fetch() -> bytes:
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert RootKeys(fetch).now(NOW) == ()

    def test_keys_of_other_schemes_are_left_out(self) -> None:
        document = SEAL.root_keys(NOW)
        document["keys"] = [{**document["keys"][0], "protocolVersion": "ECv1"}]
        assert list(RootKeys(lambda: json.dumps(document).encode()).now(NOW)) == []
