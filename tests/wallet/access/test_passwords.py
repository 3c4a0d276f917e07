"""How dear a guess is. Other tests hash with less work, see `product_hashing` in the conftest."""

from argon2 import Type, extract_parameters

from wallet.access import passwords

GUESS = "correct horse battery staple"


def test_a_guess_costs_what_owasp_advises(product_hashing) -> None:
    used = extract_parameters(product_hashing.hasher.hash(GUESS))
    assert used.type == Type.ID
    assert used.memory_cost >= 46 * 1024
    assert used.time_cost >= 1


def test_it_costs_as_much_where_there_is_no_password(product_hashing) -> None:
    hasher, of_nobody = product_hashing.hasher, product_hashing.of_nobody
    assert extract_parameters(of_nobody) == extract_parameters(hasher.hash(GUESS))


def test_a_password_fits_as_the_product_hashes_it(product_hashing, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", product_hashing.hasher)
    monkeypatch.setattr(passwords, "_NOBODYS", product_hashing.of_nobody)
    digest = passwords.hashed(GUESS)
    assert passwords.fits(GUESS, digest)
    assert not passwords.fits(GUESS.upper(), digest)
    assert not passwords.fits(GUESS, None)
