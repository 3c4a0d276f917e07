"""Tokens and links that leave the house."""

from wallet.keyring import KeyRing

OLD, NEW = "an-old-key-of-many-letters", "a-new-key-of-many-letters"


def test_a_link_made_with_an_old_key_works_as_long_as_the_key_is_kept() -> None:
    link = KeyRing((OLD,)).card_token("a" * 32)
    assert KeyRing((NEW, OLD)).serial_of(link) == "a" * 32
    assert KeyRing((NEW,)).serial_of(link) is None


def test_a_link_cannot_be_guessed_from_another() -> None:
    ring = KeyRing((NEW,))
    proof = ring.card_token("a" * 32).partition(".")[2]
    for forged in (f"{'b' * 32}.{proof}", "a" * 32, f"{'a' * 32}.", "", ".", "a.b.c", "ключ.ж"):
        assert ring.serial_of(forged) is None


def test_what_is_derived_depends_on_every_part() -> None:
    key = KeyRing((NEW,)).first
    derived = {key.derive("a", "b", "c"), key.derive("a", "bc"), key.derive("ab", "c")}
    assert len(derived) == 3
    assert KeyRing((NEW, OLD)).key(key.id).derive("a", "bc") in derived


def test_signatures_are_made_by_one_purpose_of_one_key() -> None:
    old, new = "an-old-secret-of-many-characters", "a-new-secret-of-many-characters"
    signature = KeyRing((old,)).sign("imports", b"statement")
    ring = KeyRing((new, old))
    told = signature.key_id, signature.value
    assert ring.is_signed("imports", b"statement", *told)
    assert ring.public_key("imports", signature.key_id) == signature.public_key
    assert not ring.is_signed("imports", b"another", *told)
    assert not ring.is_signed("roots", b"statement", *told)
    assert not ring.is_signed("imports", b"statement", ring.first.id, signature.value)
    assert not ring.is_signed("imports", b"statement", signature.key_id, "not base64")
    assert not KeyRing((new,)).is_signed("imports", b"statement", *told)
    assert KeyRing((new,)).public_key("imports", signature.key_id) is None
