"""A programme's poster: its name, logo and colours, what one gets, and the address of the form."""

import io
from urllib.parse import urlencode

from PIL import Image
from sqlalchemy.orm import Session

from ledger import languages
from ledger.languages import LANGUAGES, Language
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.outreach import base_programme
from wallet.outreach.posters import letters
from wallet.outreach.posters.joined import PosterPlace
from wallet.outreach.posters.layout import PosterText
from wallet.passes import artwork, drawing, templates
from wallet.passes.templates import Template
from wallet.sentences import CATALOGUE

CONTEXT = "poster"
HEADLINE, CALL, TILL = WORDS = ("headline", "call", "till")


def poster(
    session: Session, programme: Programme, language: str, place: PosterPlace, public_url: str
) -> PosterText:
    """The poster in one language of the programme. Where our own words are not in that language,
    it has only those of the operator."""
    template = templates.current(session, programme.id)
    design, own = templates.design(template), _own(language)
    address = f"{public_url}/join/{programme.code}"
    return PosterText(
        name=programmes.name_in(session, programme, language),
        headline=headline(session, programme, language),
        call="" if own is None else CATALOGUE.text(own, CALL, CONTEXT),
        sentence=base_programme.what_one_gets(session, programme, language),
        address=f"{address}?{urlencode(place.asked)}",
        shown_address=address.partition("://")[2],
        place=written(place, own or languages.ours(language)),
        background=_hex(design.background),
        foreground=_hex(design.foreground),
        logo=_logo(session, template, language),
        language=language,
    )


def missing(poster: PosterText) -> str:
    """The letters of a poster that cannot be printed."""
    return letters.missing(f"{poster.name}{poster.headline}{poster.sentence}")


def headline(session: Session, programme: Programme, language: str) -> str:
    """The words above the code: the operator's, or else ours; empty in a language in which there
    are neither."""
    said = programmes.said(session, programme.id, "poster", language)
    if said is not None and said.language == language:
        return said.text
    own = _own(language)
    return "" if own is None else CATALOGUE.text(own, HEADLINE, CONTEXT)


def written(place: PosterPlace, language: Language) -> str:
    """Where it hangs, as people call the place; empty if it may hang anywhere."""
    if place.store is None:
        return ""
    if place.till is None:
        return place.store.name
    till = CATALOGUE.sentence(language, TILL, {"till": place.till.name}, CONTEXT)
    return f"{place.store.name} · {till}"


def _own(language: str) -> Language | None:
    return None if languages.best(LANGUAGES, language) is None else languages.ours(language)


def _logo(session: Session, template: Template, language: str) -> tuple[bytes, int, int] | None:
    """The largest logo of the cards in this language, or for all languages."""
    found = {
        name: data
        for name, data in templates.images(session, template.id).items()
        if artwork.kind(name) == "logo" and artwork.split(name)[0] in (None, language)
    }
    if not found:
        return None
    sized = [(data, *Image.open(io.BytesIO(data)).size) for data in found.values()]
    return max(sized, key=lambda one: one[1])


def _hex(colour: str) -> str:
    return f"#{bytes(drawing.colour(colour)).hex()}"
