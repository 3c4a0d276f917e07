"""What needs a hand, in the reader's words, each with the way to where it is done."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from ledger.programmes.programmes import Programme
from wallet.console import moments, pages
from wallet.console.home.overview import number
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext
from wallet.running import attention
from wallet.running.attention import Concern

Pressing = Literal["bad", "wait", "info"]
SOON_DAYS = 14  # a certificate that ends sooner is pressing


@dataclass(frozen=True, slots=True)
class ShownConcern:
    """A sentence, how pressing it is, and a link with its words; without a link there is no page
    for it yet."""

    sentence: str
    look: Pressing
    url: str = ""
    link: str = ""


def in_words(session: Session, programme: Programme) -> list[ShownConcern]:
    """What needs a hand in this programme, as far as the reader is told of it."""
    house = current_installation()
    found = attention.concerns(session, house, programme.id, pages.may)
    return [_said(one, programme.timezone) for one in found]


def _said(one: Concern, zone: str) -> ShownConcern:
    now = current_installation().clock()
    since = "" if one.since is None else moments.at(one.since, zone, now)
    if one.kind in ("import_refused", "import_has_bad_rows", "import_waits", "campaign_paused"):
        return _of_jobs(one)
    if one.kind == "odd_at_counter":
        way = _way("console.counter_shift.watch", "changes:read", _("To the cashiers"), only="odd")
        deeds = ngettext("%(num)s thing", "%(num)s things", one.number)
        return ShownConcern(
            _("At the counters %(deeds)s should be looked at.", deeds=deeds), "wait", *way
        )
    if one.kind in ("receiver_off", "receiver_fails", "events_given_up"):
        return _of_receivers(one, since)
    return _of_the_installation(one, since)


def _of_the_installation(one: Concern, since: str) -> ShownConcern:
    certificates = _way("console.certificates.show", "programmes:read", _("To the certificates"))
    match one.kind:
        case "nobody_works" if since:
            return ShownConcern(
                _("Nothing is sent or counted: no worker was seen since %(since)s.", since=since),
                "bad",
            )
        case "nobody_works":
            return ShownConcern(_("Nothing is sent or counted: no worker runs."), "bad")
        case "pushes_refused":
            return ShownConcern(
                _(
                    "Apple turns away all updates of %(name)s. Look at the certificate.",
                    name=one.name,
                ),
                "bad",
                *certificates,
            )
        case "certificate_ends" if one.number < 0:
            sentence = _("The certificate of %(name)s has ended.", name=one.name)
            return ShownConcern(sentence, "bad", *certificates)
        case "certificate_ends":
            left = ngettext("%(num)s day", "%(num)s days", one.number)
            sentence = _("The certificate of %(name)s ends in %(left)s.", name=one.name, left=left)
            look: Pressing = "bad" if one.number < SOON_DAYS else "wait"
            return ShownConcern(sentence, look, *certificates)
    return ShownConcern(
        _("The nightly check of the book found something: see `wallet doctor`."), "bad"
    )


def _of_receivers(one: Concern, since: str) -> ShownConcern:
    way = _way(
        "console.receivers.show_one", "receivers:read", _("To the receiver"), receiver_id=one.id
    )
    match one.kind:
        case "receiver_off":
            sentence = _("The receiver %(name)s is switched off.", name=one.name)
            return ShownConcern(sentence, "wait", *way)
        case "receiver_fails":
            sentence = _("The receiver %(name)s fails since %(since)s.", name=one.name, since=since)
            return ShownConcern(sentence, "bad", *way)
    events = ngettext("%(num)s event", "%(num)s events", one.number)
    sentence = _("The receiver %(name)s did not take %(events)s.", name=one.name, events=events)
    return ShownConcern(sentence, "wait", *way)


def _way(endpoint: str, right: str, words: str, **values: str) -> tuple[str, str]:
    """The address of a page with the words of the link to it."""
    return pages.url_if_there(endpoint, right, **values), words


def _of_jobs(one: Concern) -> ShownConcern:
    way = (pages.url("console.jobs.show"), _("To the jobs"))
    if one.kind != "campaign_paused":
        own = _way("console.imports.show", "imports:write", _("To the import"), import_id=one.id)
        way = own if own[0] else way
    match one.kind:
        case "import_refused":
            return ShownConcern(_("A file that was sent cannot be read."), "bad", *way)
        case "import_has_bad_rows":
            rows = ngettext("%(num)s bad row", "%(num)s bad rows", one.number)
            return ShownConcern(_("An import has %(rows)s.", rows=rows), "wait", *way)
        case "import_waits":
            rows = _("%(count)s rows", count=number(one.number))
            sentence = _("An import of %(rows)s waits to be applied.", rows=rows)
            return ShownConcern(sentence, "info", *way)
    return ShownConcern(_("The campaign “%(name)s” is paused.", name=one.name), "wait", *way)
