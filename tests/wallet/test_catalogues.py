"""Every message in every language: there, with the same places, in its own letters, in the right
form for each number. The catalogues are held to the code by tests/kit/catalogues.py."""

import functools
import inspect
import re
import string
from collections.abc import Iterator

import catalogues
import pytest
from catalogues import PACKAGES, VOCABULARY, Message, read, refusals

from ledger.contacts import Unfit
from ledger.errors import Refusal, WithReason
from ledger.imports import wording
from ledger.languages import LANGUAGES, Language
from ledger.money import Money
from ledger.words import REFUSAL, REFUSAL_OF_MONEY, catalogue
from wallet.outreach import effect, results, terms
from wallet.outreach.wording import PLACE

RUSSIAN, ENGLISH = Language("ru"), Language("en")
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
LATIN = re.compile("[a-z]+", re.IGNORECASE)
NUMBERS = (0, 1, 2, 5, 11, 21, 100, 101, 111, 1_000_002)

# What is called the same in every language: products and formats, fields and words of the API.
NAMES = """
    API App Apple Authenticator Aztec Bearer CRM CSV DELETE DOS Google HTTP ISO ITF JPEG JSON NDJSON
    NFC OpenAPI PDF WebP
    PATCH PNG POST PUT Python RFC RUB SVG Standard Store TypeScript Wallet Webhooks XLSX auxiliary
    card days debt email false from iPhone id kind kk languages loyalty major member message name
    null phone plain points primary ru secondary since stamps true until uuid viewBox
    Android Console ID Pass Pay SKU Team Type en https
"""
# Texts that are the same in every language.
ALIKE = {
    "API",
    "«{name}»",
    "{reason}",
    "{field}: {reason}",
    "{field}: {reason}.",
    "{name}: {reason}",
}
# Codes, addresses, commands: what has signs or digits in the middle.
EXAMPLE = re.compile(
    r"""`[^`]+`|"[^"]*"|<[^>]*>|openssl[ ].*|[^\s«»(]*[A-Za-z0-9][-./_#:=@+&][^\s»)]*|\S*\d\S*
    |(?<!\w)[-.#]+[a-z]+""",
    re.VERBOSE,
)

# Contexts whose messages are whole sentences.
OF_MESSAGES = {terms.CONTEXT, terms.CONTEXT_OF_MONEY}
SENTENCES = {
    REFUSAL,
    REFUSAL_OF_MONEY,
    wording.CONTEXT,
    results.CONTEXT,
    effect.CONTEXT,
    *OF_MESSAGES,
}


@functools.cache
def every() -> list[tuple[str, Message]]:
    """All that is said, with the package that says it. To find it takes a second, which only who
    runs these tests should wait for."""
    return [(package, one) for package in PACKAGES for one in sorted(catalogues.said(package))]


def forms(package: str, message: Message, language: Language) -> list[str]:
    """The text, or the texts for all numbers."""
    texts = catalogue(package)
    if not message.plural:
        return [texts.text(language, message.id, message.context)]
    if not message.context and language == ENGLISH:
        return [message.id, message.plural]
    return [texts.text(language, message.id, message.context, number) for number in NUMBERS]


def places(message: Message, text: str) -> set[str]:
    """What the text has to be filled with: in braces, in two of them, as pages or phones do it."""
    if message.context in OF_MESSAGES:
        return {match[1] for match in PLACE.finditer(text)}
    on_pages = re.findall(r"%\((\w+)\)s|(%@)", text)
    if on_pages:
        return {"".join(one) for one in on_pages}
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def english_in(text: str) -> set[str]:
    """Words that have no business in a Russian text."""
    plain = EXAMPLE.sub("", re.sub(r"\{+\w+[|}]|%\(\w+\)s|&amp;", "", text))
    return set(LATIN.findall(plain)) - set(NAMES.split())


class TestFiles:
    def test_each_package_speaks_the_same_languages(self) -> None:
        assert LANGUAGES == (ENGLISH, RUSSIAN)
        for package in PACKAGES:
            assert tuple(catalogues.languages(package)) == LANGUAGES

    @pytest.mark.parametrize("package", PACKAGES)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_catalogue_has_what_the_code_says_and_nothing_else(self, package, language) -> None:
        known = {
            (message.context or "", message.id if isinstance(message.id, str) else message.id[0])
            for message in read(package, language)
            if message.id
        }
        wanted = {(one.context, one.id) for one in catalogues.wanted(package, language)}
        assert len(wanted) > 70
        assert wanted - known == set(), "make words, and write what is missing"
        assert known - wanted == set(), "make words: nothing says this any more"
        assert list(catalogues.untranslated(read(package, language))) == []

    @pytest.mark.parametrize("package", PACKAGES)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_files_are_as_they_are_written(self, package, language) -> None:
        catalogue = catalogues.brought_up_to_date(package, language)
        for kind, data in catalogues.contents(catalogue).items():
            file = catalogues.file_of(package, language, kind)
            assert file.read_bytes() == data, f"{file}: make words"


def texts(language: Language) -> Iterator[tuple[Message, str]]:
    for package, message in every():
        for text in forms(package, message, language):
            yield message, text


class TestWords:
    def test_russian_is_russian(self) -> None:
        for _, text in texts(RUSSIAN):
            assert english_in(text) == set(), text
            assert CYRILLIC.search(text) or text in ALIKE
            assert "  " not in text

    def test_english_is_english(self) -> None:
        for message, text in texts(ENGLISH):
            assert text, message
            assert not CYRILLIC.search(text)

    def test_places_are_the_same_in_every_language_and_form(self) -> None:
        for package, message in every():
            wanted = {
                frozenset(places(message, text))
                for language in LANGUAGES
                for text in forms(package, message, language)
            }
            assert len(wanted) == 1, message

    def test_a_sentence_ends_like_one(self) -> None:
        for language in LANGUAGES:
            for message, text in texts(language):
                if message.context in SENTENCES:
                    assert text.endswith((".", "{reason}")), text
                elif not message.context:
                    assert (text[-1] in ".?!") == (message.id[-1] in ".?!"), text
                else:
                    assert not text.endswith("."), text


class TestNumbers:
    def test_russian_has_three_forms_and_english_two(self) -> None:
        counted = [one for one in every() if one[1].plural and one[1].context]
        assert len(counted) > 10
        for package, message in counted:

            def form(
                language: Language, number: int, package: str = package, message: Message = message
            ) -> str:
                return catalogue(package).text(language, message.id, message.context, number)

            one, few, many = (form(RUSSIAN, number) for number in (1, 2, 5))
            assert {form(RUSSIAN, number) for number in (21, 101)} == {one}, message
            assert {form(RUSSIAN, number) for number in (22, 1_000_002)} == {few}, message
            assert {form(RUSSIAN, number) for number in (0, 11, 12, 100, 111)} == {many}, message
            assert one != many, message
            plurals = {form(ENGLISH, number) for number in (0, 2, 5, 11, 21, 100)}
            assert plurals == {form(ENGLISH, 2)}, message

    @pytest.mark.parametrize(
        ("number", "russian", "english"),
        [
            (1, "Запрошен 1 балл, доступно 0.", "1 point was asked for"),
            (2, "Запрошено 2 балла, доступно 0.", "2 points were asked for"),
            (5, "Запрошено 5 баллов, доступно 0.", "5 points were asked for"),
            (11, "Запрошено 11 баллов, доступно 0.", "11 points were asked for"),
            (21, "Запрошен 21 балл, доступно 0.", "21 points were asked for"),
            (100, "Запрошено 100 баллов, доступно 0.", "100 points were asked for"),
            (1250, "Запрошено 1\u00a0250 баллов, доступно 0.", "1,250 points were asked for"),
        ],
    )
    def test_points_are_counted(self, number: int, russian: str, english: str) -> None:
        (kind,) = [one for one in refusals("ledger") if one.code == "insufficient_points"]
        refusal = kind(number, 0)
        assert refusal.sentence(RUSSIAN) == russian
        assert str(refusal) == f"{english} and 0 can be spent."
        refusal.add_money(lambda points: Money.of(points, 2, "RUB"))
        assert "балл" not in refusal.sentence(RUSSIAN)
        assert "₽" in refusal.sentence(RUSSIAN)
        assert str(refusal).count("RUB") == 2

    @pytest.mark.parametrize(
        ("number", "word"),
        [(1, "балл"), (2, "балла"), (5, "баллов"), (11, "баллов"), (21, "балл"), (100, "баллов")],
    )
    def test_pages_count_too(self, number: int, word: str) -> None:
        assert catalogue("wallet").text(RUSSIAN, "point", number=number) == word


def refused(kind: type[Refusal]) -> Iterator[Refusal]:
    """A refusal of this kind with some facts; of each state, where it speaks of one."""
    words = next(iter(kind.vocabulary.values()), None)
    package = kind.__module__.split(".")[0]
    for state in VOCABULARY[package][words] if words else [""]:
        yield kind(*_arguments(kind, state))


def _arguments(kind: type[Refusal], state: str) -> Iterator[object]:
    if kind.__init__ is Exception.__init__:
        return
    for one in list(inspect.signature(kind).parameters.values()):
        if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) or one.default is not one.empty:
            continue
        if one.annotation is int:
            yield 7
        elif one.annotation is Unfit:
            yield Unfit("phone")
        elif one.name == "reason":
            yield REASONS[kind.__name__]
        elif one.name in kind.vocabulary:
            yield state
        elif one.name == "carriers":
            yield ["7"]
        elif one.name == "scope":
            yield "points:write"
        else:
            yield "7"


REASONS = {
    "StoreRefused": "more than 0.",
    "ProductRefused": "each has a name.",
    "PromotionRefused": "a promotion cannot exclude itself.",
    "ReceiptRefused": "more was taken off than it costs.",
    "CategoryRefused": "one line, without control characters.",
    "TermsRefused": "debt or refuse.",
    "FileRefused": "The file is empty.",
    "ImageRefused": "a pass needs an icon.",
    "DesignRefused": "must not be empty.",
    "ApiKeyRefused": "a name has small Latin letters, digits and dashes, up to 40.",
    "EmployeeRefused": "there must be an administrator: make another one first.",
    "SourceRefused": "a name has small Latin letters, digits and dashes, up to 40.",
    "SegmentRefused": "a name is one line of up to 60 characters, without slashes.",
    "ListRefused": "a name is one line of up to 60 characters, without slashes.",
    "ReceiverRefused": "name at least one type, or leave types out for all.",
}
KINDS = [kind for package in PACKAGES for kind in refusals(package)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_refusal_says_what_it_is_in_both_languages(kind: type[Refusal]) -> None:
    for refusal in refused(kind):
        for language in LANGUAGES:
            text = refusal.sentence(language)
            assert bool(CYRILLIC.search(text)) == (language == RUSSIAN)
            assert text.endswith(".")
            if language == RUSSIAN:
                assert english_in(text) == set()
        if not issubclass(kind, WithReason):
            assert refusal.code not in str(refusal)
        assert str(refusal)


def test_every_vocabulary_is_in_our_own_words() -> None:
    for package, contexts in VOCABULARY.items():
        for context, words in contexts.items():
            for word in words:
                russian = catalogue(package).text(RUSSIAN, word, context)
                assert CYRILLIC.search(russian), (context, word)


def test_each_way_to_say_something_is_one_that_the_code_takes() -> None:
    """A maker of messages that was renamed would be looked for in vain, and its messages dropped
    from the catalogues."""
    assert {name for name in catalogues.CALLS if not catalogues.calls_of(name)} == set()
