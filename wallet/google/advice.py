"""What of a design Google Wallet would cut or leave out. It refuses none of it
and says nothing: whoever designs the card is told. Lengths: Google Wallet API v1, LoyaltyClass and
LoyaltyObject. Pure."""

from collections.abc import Iterator, Sequence

from wallet.google import layout
from wallet.passes.advice import Advice, letters
from wallet.passes.content import Design, Fact
from wallet.passes.designs import said

# Letters that there is room for. Labels of what is no fact of the member are not limited.
NAME_LETTERS = 20  # of the issuer, and of the programme
LABEL_LETTERS: dict[Fact, int] = {"points": 9, "name": 15, "card": 15}


def of(design: Design) -> Sequence[Advice]:
    """All that there is to say of a design at Google."""
    return [*_of_places(design), *_of_names(design), *_of_labels(design)]


def _of_places(design: Design) -> Iterator[Advice]:
    rows = str(layout.MOST_ROWS)
    for field in layout.beyond_face(design):
        yield Advice("google_not_on_face", f"fields.{field.key}.slot", {"most": rows})
    for field in layout.beyond_card(design):
        most = str(layout.MOST_TEXT_MODULES)
        yield Advice("google_not_shown", f"fields.{field.key}.slot", {"most": most})


def _of_names(design: Design) -> Iterator[Advice]:
    for place, texts in (("organization", design.names), ("description", design.description)):
        for language in design.languages:
            yield from _too_long(
                place, said(texts, language, design.languages[0]), language, NAME_LETTERS
            )


def _of_labels(design: Design) -> Iterator[Advice]:
    """Labels of facts that have a place of their own. Google gives it few letters."""
    if design.kind != "loyalty":
        return
    found = [(layout.first(design, fact), most) for fact, most in LABEL_LETTERS.items()]
    for field, most in found:
        if field is None:
            continue
        for language in design.languages:
            label = said(field.label, language, design.languages[0])
            yield from _too_long(f"fields.{field.key}.label", label, language, most)


def _too_long(place: str, text: str, language: str, most: int) -> Iterator[Advice]:
    if letters(text) > most:
        yield Advice("google_long", place, {"language": language, "most": str(most)})
