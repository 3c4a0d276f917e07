"""Jobs: what takes long and is under way, or was over lately; and how it is stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from ledger.errors import NotFound, Refusal, UnknownImport
from ledger.imports import store
from ledger.imports.store import Import
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.console import moments, pages
from wallet.console.errors import error_page
from wallet.console.home.overview import number
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.shell import JOBS
from wallet.delivery import waves
from wallet.delivery.waves import Wave
from wallet.errors import UnknownCampaign, UnknownWave
from wallet.installation import current_installation
from wallet.outreach import campaign_deeds, campaigns
from wallet.outreach.campaigns import Campaign
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.pages.language import ngettext
from wallet.people import importing
from wallet.running import jobs
from wallet.running.jobs import Job, JobKind

routes = Blueprint("jobs", __name__)

# The right to see a job of each kind, and to change its course.
SEES: Mapping[JobKind, str] = {
    "import": "imports:write",
    "campaign": "campaigns:read",
    "wave": "offers:read",
    "export": "exports:read",
}
STEERS: Mapping[str, str] = {
    "import": "imports:write",
    "campaign": "campaigns:write",
    "wave": "offers:write",
}

Turn = Literal["pause", "resume", "cancel", "withdraw"]
StateLook = Literal["good", "wait", "bad", "info", "none"]


@dataclass(frozen=True, slots=True)
class JobTurn:
    """What can be done with a job now: a button. One that is `final` is asked about first."""

    turn: Turn
    words: str
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job in words. `progress` is how far it came, `left` how long it will take, `url` its own
    page, if it has one."""

    job: Job
    title: str
    state: str
    look: StateLook
    progress: str
    left: str
    when: str
    by: str
    turns: Sequence[JobTurn]
    url: str = ""


@routes.get(f"{IN_PROGRAMME}/jobs")
@needs(JOBS)
def show() -> str:
    """What runs, what waits for somebody, what is over."""
    found = _shown()
    return pages.show("console/home/jobs.html", "home", jobs=found, said=_said(found))


@routes.get(f"{IN_PROGRAMME}/jobs/list")
@needs(JOBS)
def part() -> str:
    """The same list alone, for a page that is open. `running` in the address is how many ran when
    it was last shown: what changed is said to those who listen."""
    found = _shown(only_running=request.args.get("of") == "home")
    at_work = _at_work(found)
    return render_template(
        "console/home/jobs_list.html",
        jobs=found,
        said=_said(found) if str(at_work) != request.args.get("running") else None,
        of=request.args.get("of", ""),
        may=pages.may,
    )


@routes.get(f"{IN_PROGRAMME}/jobs/bar")
@needs(JOBS)
def bar() -> str:
    """What stands in the bar of every page, fetched once the page is there."""
    house = current_installation()
    with house.database.reading() as session:
        is_idle = not jobs.running(session, pages.programme().id, house.clock())
    found = [] if is_idle else [job for job in _found()[0] if job.state == "running"]
    known = [job.percent for job in found if job.percent is not None]
    percent = sum(known) // len(known) if known else None
    return render_template("console/home/jobs_bar.html", running=len(found), percent=percent)


@routes.get(f"{IN_PROGRAMME}/jobs/<any(import,campaign,wave):kind>/<id_>/end")
@needs(JOBS)
def ask(kind: JobKind, id_: str) -> AnyResponse:
    """What it means to end a job for good, in numbers, before it is done."""
    shown = next((one for one in _shown() if (one.job.kind, one.job.id) == (kind, id_)), None)
    final = next((one for one in shown.turns if one.is_final), None) if shown else None
    if shown is None or final is None:
        pages.not_there("home")
    page = pages.show(
        "console/home/job_end.html",
        "home",
        job=shown,
        turn=final,
        consequence=_consequence(shown.job),
    )
    return make_response(page)


@routes.post(
    f"{IN_PROGRAMME}/jobs/<any(import,campaign,wave):kind>/<id_>"
    "/<any(pause,resume,cancel,withdraw):turn>"
)
@needs(JOBS)
def steer(kind: JobKind, id_: str, turn: Turn) -> AnyResponse:
    """Pause a job, let it go on, or end it. A job that came to its end meanwhile says so."""
    deed = _DEEDS.get((kind, turn))
    if deed is None:
        pages.not_there("home")
    if not pages.may(STEERS[kind]):
        return error_page(403, pages.frame("home"))
    try:
        deed(id_)
    except NotFound:
        pages.not_there("home")
    except Refusal as refused:
        pages.say(_capital(refused.sentence(language.current())), "bad")
    else:
        pages.say(_done(kind, turn))
    return pages.go("console.jobs.show")


# --- What is done ------------------------------------------------------------------------------


def _withdraw(id_: str) -> None:
    house = current_installation()
    with house.database.reading() as session:
        _require_here(store.find(session, id_), UnknownImport)
    importing.withdraw(house.import_desk, id_, pages.author())


def _campaign(
    deed: Callable[[Session, Campaign, Author, datetime], Campaign],
) -> Callable[[str], None]:
    def done(id_: str) -> None:
        def work(session: Session) -> None:
            row = campaigns.by_public_id(session, id_)
            _require_here(row, UnknownCampaign)
            deed(session, row, pages.author(), current_installation().clock())

        current_installation().database.run(work)

    return done


def _wave(code: str, act: Callable[[Session, str, datetime], Wave]) -> Callable[[str], None]:
    def deed(id_: str) -> None:
        def work(session: Session) -> None:
            now = current_installation().clock()
            row = waves.find(session, id_)
            _require_here(row, UnknownWave)
            before = changes.held(session, row)
            after = changes.facts(act(session, id_, now))
            of = ChangedThing("wave", id_, row.programme_id)
            changes.note(session, pages.author(), code, of, now, before, after)

        current_installation().database.run(work)

    return deed


_DEEDS: Mapping[tuple[str, str], Callable[[str], None]] = {
    ("import", "withdraw"): _withdraw,
    ("campaign", "pause"): _campaign(campaign_deeds.pause),
    ("campaign", "resume"): _campaign(campaign_deeds.resume),
    ("campaign", "cancel"): _campaign(campaign_deeds.cancel),
    ("wave", "pause"): _wave("wave.paused", lambda session, id_, _now: waves.pause(session, id_)),
    ("wave", "resume"): _wave("wave.resumed", waves.resume),
    ("wave", "cancel"): _wave("wave.cancelled", waves.cancel),
}


def _require_here(row: Import | Campaign | Wave, unknown: type[NotFound]) -> None:
    if row.programme_id != pages.programme().id:
        raise unknown


# --- In words ----------------------------------------------------------------------------------


def running_now() -> list[ShownJob]:
    """The jobs that run, as far as the reader may see them."""
    return _shown(only_running=True) if pages.may(JOBS) else []


def _shown(*, only_running: bool = False) -> list[ShownJob]:
    now = current_installation().clock()
    found, zone = _found()
    return [
        _in_words(job, now, zone)
        for job in found
        if not only_running or job.state in ("running", "paused")
    ]


def _found() -> tuple[list[Job], str]:
    """The jobs that the reader may see, and the zone of the programme."""
    house = current_installation()
    with house.database.reading() as session:
        zone = pages.programme_row(session).timezone
        found = jobs.listed(session, pages.programme().id, house.clock())
    return [job for job in found if pages.may(SEES[job.kind])], zone


def _at_work(found: Sequence[ShownJob]) -> int:
    return sum(one.job.state == "running" for one in found)


def _said(found: Sequence[ShownJob]) -> str:
    """One sentence for those who listen."""
    at_work = _at_work(found)
    if not at_work:
        return _("Nothing runs.")
    return ngettext("%(num)s job runs.", "%(num)s jobs run.", at_work)


def _in_words(job: Job, now: datetime, zone: str) -> ShownJob:
    state, look = _state(job)
    return ShownJob(
        job,
        _title(job),
        state,
        look,
        _progress(job),
        _left(job, now),
        moments.at(job.ended_at or job.began_at, zone, now),
        "" if job.by is None else _named(job.by),
        _turns(job) if job.kind in STEERS and pages.may(STEERS[job.kind]) else (),
        _page_of(job),
    )


def _page_of(job: Job) -> str:
    match job.kind:
        case "import":
            return pages.url_if_there("console.imports.show", SEES["import"], import_id=job.id)
        case "campaign":
            right = SEES["campaign"]
            return pages.url_if_there("console.campaign.show", right, campaign_id=job.id)
    return ""


def _title(job: Job) -> str:
    match job.kind, job.step:
        case "campaign", _step:
            return job.name
        case "import", _step:
            return _("Import of a file")
        case "wave", "offer":
            return _("Cards shown an announcement")
        case "wave", _step:
            return _("Update of all cards")
        case "export", "members":
            return _("Export of members")
        case "export", "days":
            return _("Export of figures by day")
        case "export", "changes":
            return _("Export of the record of changes")
        case "export", "results":
            return _("Export of the results of campaigns")
        case "export", "coupons":
            return _("Export of coupons")
    return _("Export of entries")


def _state(job: Job) -> tuple[str, StateLook]:
    match job.kind, job.state, job.step:
        case "import", "running", "reading":
            return _("the file is read"), "info"
        case "import", "waiting", _step:
            return _("waits for a decision"), "wait"
        case "import", "failed", _step:
            return _("the file cannot be read"), "bad"
        case "campaign", "running", "gathering":
            return _("recipients are gathered"), "info"
        case _kind, "running", _step:
            return _("runs"), "info"
        case _kind, "planned", _step:
            return _("planned"), "none"
        case _kind, "paused", _step:
            return _("paused"), "wait"
        case _kind, "cancelled", _step:
            return _("cancelled"), "none"
        case _kind, "failed", _step:
            return _("broken off"), "bad"
    return _("done"), "good"


def _progress(job: Job) -> str:
    if job.kind == "export":
        return ngettext("%(num)s row", "%(num)s rows", job.done) if job.done else ""
    if not job.total:
        return ""
    if job.state == "waiting":
        found = _("%(count)s rows", count=number(job.total))
        bad = job.rows_left_out
        return found if not bad else _("%(rows)s, %(bad)s of them bad", rows=found, bad=number(bad))
    if job.state == "done":
        done = _("%(count)s done", count=number(job.done))
        out = job.rows_left_out
        return done if not out else _("%(done)s, %(out)s left out", done=done, out=number(out))
    return _("%(done)s of %(total)s", done=number(job.done), total=number(job.total))


def _left(job: Job, now: datetime) -> str:
    if job.ends_about is None or job.state != "running":
        return ""
    left = max(job.ends_about - now, timedelta(seconds=1))
    return _("about %(time)s left", time=moments.lasting(left))


def _named(author: Author) -> str:
    match author.kind:
        case "key":
            return _("API key %(name)s", name=author.name)
        case "environment":
            return _("the API key of the settings")
        case "source":
            return _("webhook source %(name)s", name=author.name)
    return author.name


def _turns(job: Job) -> Sequence[JobTurn]:
    if job.kind == "import":
        may_go = job.state in ("waiting", "failed") or job.step == store.READING
        return [JobTurn("withdraw", _("Withdraw the file"), is_final=True)] if may_go else []
    match job.state:
        case "running" | "planned":
            pause = [] if job.kind == "wave" and job.state == "planned" else [_pausing()]
            return [*pause, _ending(job)]
        case "paused":
            return [JobTurn("resume", _("Resume")), _ending(job)]
    return []


def _pausing() -> JobTurn:
    return JobTurn("pause", _("Pause"))


def _ending(job: Job) -> JobTurn:
    named = _("Cancel the campaign") if job.kind == "campaign" else _("Cancel the update")
    return JobTurn("cancel", named, is_final=True)


def _consequence(job: Job) -> str:
    left = None if job.total is None else number(max(0, job.total - job.done))
    match job.kind:
        case "import":
            return _("All that was kept of the file is deleted. Nothing of it was applied.")
        case "wave":
            return _(
                "%(done)s cards show the change and keep it; %(left)s keep what they show until"
                " something else changes them.",
                done=number(job.done),
                left=left or "0",
            )
    if left is None:
        return _("Nobody was told yet, and nobody will be. It cannot be started again.")
    return _(
        "Got it: %(done)s. The message stays on their cards. Will not get it: %(left)s. It cannot"
        " be started again.",
        done=number(job.done),
        left=left,
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _done(kind: JobKind, turn: Turn) -> str:
    match turn:
        case "withdraw":
            return _("The import is withdrawn.")
        case "pause":
            return _("Paused.")
        case "resume":
            return _("It goes on.")
    return _("The campaign is cancelled.") if kind == "campaign" else _("The update is cancelled.")
