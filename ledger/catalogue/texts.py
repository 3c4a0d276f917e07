"""What may stand in the texts of the catalogue: checked alike for every door. (pure)"""

from collections.abc import Callable, Collection

from ledger import languages
from ledger.contacts import Unfit, readable
from ledger.errors import CategoryRefused, LanguageNotSpoken, ProductRefused
from ledger.languages import Texts

# Makes the refusal of a field, from its name, the reason, and what stands in the reason.
Refusing = Callable[..., ProductRefused | CategoryRefused]

LONGEST_CODE = 100
LONGEST_NAME = 300


def code(field: str, text: str, refusing: Refusing) -> str:
    """A SKU, or the code of a category, as it is kept: one line of any signs."""
    found = line(field, text, LONGEST_CODE, refusing)
    if not found:
        raise refusing(field, "from 1 to {most} characters in one line.", most=LONGEST_CODE)
    return found


def line(field: str, text: str, most: int, refusing: Refusing) -> str:
    """A text of one line, without what nobody sees; it may be empty."""
    try:
        found = readable(text)
    except Unfit:
        found = "\n"
    if "\n" in found or "\t" in found:
        raise refusing(field, "one line, without control characters.")
    if len(found) > most:
        raise refusing(field, "at most {most} characters.", most=most)
    return found


def names(texts: Texts, spoken: Collection[str], refusing: Refusing) -> dict[str, str]:
    """What something is called, by language; empty ones are left out. Raises `LanguageNotSpoken`
    for a language that the programme does not speak."""
    for tag in texts:
        if languages.best(spoken, tag) is None:
            raise LanguageNotSpoken(tag, spoken)
    checked = {tag: line("name", text, LONGEST_NAME, refusing) for tag, text in texts.items()}
    return {tag: text for tag, text in checked.items() if text}
