"""What people wrote for people, in the language of the caller: as Accept-Language asks, else the
first of the programme's that there is a text in."""

from flask import after_this_request, request
from werkzeug.wrappers import Response

from ledger import languages
from ledger.offers.offers import Offer
from ledger.programmes.programmes import Programme
from wallet.passes import showing


def offer(offer: Offer, programme: Programme) -> tuple[str, str]:
    """Title and text of an offer, for the caller of this request."""
    after_this_request(_varies)
    wanted = languages.accepted(request.accept_languages)
    return showing.wording(offer, programme, *wanted)


def _varies(response: Response) -> Response:
    response.vary.add("Accept-Language")
    return response
