"""What people wrote for people, in the language of the caller: as Accept-Language asks, else the
first of the programme's that there is a text in."""

from flask import after_this_request, request
from werkzeug.wrappers import Response

from ledger import languages
from ledger.languages import Texts
from ledger.offers.offers import Offer
from ledger.programmes.programmes import Programme
from wallet.passes import showing


def offer(offer: Offer, programme: Programme) -> tuple[str, str]:
    """Title and text of an offer, for the caller of this request."""
    after_this_request(_varies)
    wanted = languages.accepted(request.accept_languages)
    return showing.wording(offer, programme, *wanted)


def said(texts: Texts, programme: Programme) -> str:
    """What is said in these texts, for the caller of this request."""
    after_this_request(_varies)
    wanted = languages.accepted(request.accept_languages)
    return languages.said(texts, *wanted, *programme.languages)


def by_language(programme: Programme, said: str | Texts) -> dict[str, str]:
    """A text by language; plain text means the programme's own. Empty ones are left out."""
    texts = {programme.locale: said} if isinstance(said, str) else said
    return {language: text for language, text in texts.items() if text}


def _varies(response: Response) -> Response:
    response.vary.add("Accept-Language")
    return response
