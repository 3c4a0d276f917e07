"""Tokens and links that leave the house."""

from wallet.configuration.keyring import CardLink, KeyRing

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
