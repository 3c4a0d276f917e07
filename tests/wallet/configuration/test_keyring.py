"""Tokens and links that leave the house."""

import pytest

from wallet.configuration.keyring import CardLink, KeyRing, Undecipherable

OLD, NEW = "an-old-key-of-many-letters", "a-new-key-of-many-letters"


def test_a_link_made_with_an_old_key_works_as_long_as_the_key_is_kept() -> None:
    link = CardLink("a" * 32)
    token = KeyRing((OLD,)).link_token(link)
    assert KeyRing((NEW, OLD)).link_of(token) == link
    assert KeyRing((NEW,)).link_of(token) is None


def test_the_first_link_of_a_card_is_what_earlier_releases_made() -> None:
    assert KeyRing((OLD,)).link_token(CardLink("a" * 32)) == f"{'a' * 32}.EBu-Y7-lOdGKtaiN-F6ADV"


def test_each_purpose_and_each_renewal_is_a_link_of_its_own() -> None:
    ring = KeyRing((NEW,))
    links = [CardLink("a" * 32, purpose, n) for purpose in ("card", "coupon") for n in (0, 1, 12)]
    tokens = [ring.link_token(link) for link in links]
    assert [ring.link_of(token) for token in tokens] == links
    proofs = [token.partition(".")[2] for token in tokens]
    assert len(set(proofs)) == len(links)
    saids = [token.partition(".")[0] for token in tokens]
    for said in {*saids, f"{'a' * 32}-01", f"{'a' * 32}-", f"{'a' * 32}--1", f"{'a' * 32}-１"}:
        for proof in proofs:
            if f"{said}.{proof}" not in tokens:
                assert ring.link_of(f"{said}.{proof}") is None


def test_a_link_cannot_be_guessed_from_another() -> None:
    ring = KeyRing((NEW,))
    proof = ring.link_token(CardLink("a" * 32)).partition(".")[2]
    for forged in (f"{'b' * 32}.{proof}", "a" * 32, f"{'a' * 32}.", "", ".", "a.b.c", "ключ.ж"):
        assert ring.link_of(forged) is None


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


class TestColumns:
    """Values of the database, encrypted."""

    def test_a_value_has_one_form_under_a_key_and_is_read_with_any_key_of_the_ring(self) -> None:
        old = KeyRing((OLD,)).cipher("table.column")
        ring = KeyRing((NEW, OLD)).cipher("table.column")
        lies = old.encrypt("a value", b"row 1")
        assert old.encrypt("a value", b"row 1") == lies
        assert ring.forms("a value", b"row 1") == [ring.encrypt("a value", b"row 1"), lies]
        assert ring.decrypt(lies, b"row 1") == "a value"

    def test_the_form_stays_the_same_from_release_to_release(self) -> None:
        form = KeyRing((OLD,)).cipher("table.column").encrypt("a value", b"row 1")
        assert form.hex() == "2ae35b6249f7f17bfe12d658ad05713e4069c710a176f65fc7de7a"

    def test_another_row_another_column_and_another_key_cannot_read_it(self) -> None:
        cipher = KeyRing((OLD,)).cipher("table.column")
        lies = cipher.encrypt("a value", b"row 1")
        changed = lies[:-1] + bytes([lies[-1] ^ 1])
        for other, value, row in (
            (cipher, lies, b"row 2"),
            (cipher, changed, b"row 1"),
            (cipher, b"", b"row 1"),
            (cipher, lies[:9], b"row 1"),
            (KeyRing((OLD,)).cipher("table.other"), lies, b"row 1"),
            (KeyRing((NEW,)).cipher("table.column"), lies, b"row 1"),
        ):
            with pytest.raises(Undecipherable):
                other.decrypt(value, row)

    def test_what_older_keys_encrypted_lies_between_their_bounds(self) -> None:
        ring = KeyRing((NEW, OLD)).cipher("table.column")
        ((first, last),) = ring.older()
        new, old = ring.forms("a value")
        assert first < old < last
        assert not first < new < last
        assert KeyRing((NEW,)).cipher("table.column").older() == []
