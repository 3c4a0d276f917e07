"""Tokens and links that leave the house."""

from wallet.configuration.keyring import KeyRing

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
    old = KeyRing((OLD,)).signing("imports")
    signature = old.sign(b"statement")
    ring = KeyRing((NEW, OLD))
    ours = ring.signing("imports")
    assert ours.is_good(old.key, b"statement", signature)
    assert ours.public_half(old.key) == old.public_half(old.key)
    assert ours.sign(b"statement") != signature
    assert not ours.is_good(old.key, b"another", signature)
    assert not ring.signing("roots").is_good(old.key, b"statement", signature)
    assert not ring.signing("imports", "tea").is_good(old.key, b"statement", signature)
    assert not ours.is_good(ours.key, b"statement", signature)
    assert not ours.is_good(old.key, b"statement", b"no signature")
    assert not KeyRing((NEW,)).signing("imports").is_good(old.key, b"statement", signature)
    assert KeyRing((NEW,)).signing("imports").public_half(old.key) is None


def test_the_keys_of_earlier_releases_are_still_the_same() -> None:
    """What was signed by them must stay provable."""
    ring = KeyRing((OLD,))
    assert ring.roots.key == "66a20f8c85b1bc9f"
    assert (
        ring.signing("imports").sign(b"statement").hex()[:32] == "021ff7a52d5d413e3c57bfe8180e4a4a"
    )
