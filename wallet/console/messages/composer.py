"""A campaign is written: its form, with what members will see beside it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import (
    Refusal,
)
from ledger.segments import documents, named
from wallet.access import changes
from wallet.console import doing, opened, pages
from wallet.console.choices import language_name
from wallet.console.forms import FormEntries, FormRefused
from wallet.console.members import conditions, conditions_form
from wallet.console.members.conditions import ConditionKind
from wallet.console.messages import draft_form, seen, told
from wallet.console.messages.draft_form import TypedDraft, WrittenDraft
from wallet.console.messages.told import HERE, READ, WRITE, CampaignReading, here
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import campaign_deeds, campaigns, hours
from wallet.outreach.campaigns import Campaign, CampaignDraft
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import templates
from wallet.passes.content import LONGEST_MESSAGE, announces_messages

COMPOSER, PREVIEW = "console/messages/composer.html", "console/messages/preview.html"

routes = Blueprint("composer", __name__)


@dataclass(frozen=True, slots=True)
class ComposerLook:
    """What the form shows besides what was typed: the tree that is chosen so far, the condition
    that is being added to it, and the announcement whose coupon is chosen."""

    tree: str
    adding: ConditionKind | None
    coupon: str = ""


# --- The form -----------------------------------------------------------------------------------


@routes.get(f"{IN_PROGRAMME}/messages/new")
@needs(WRITE)
def new() -> str:
    """The form of a new campaign; with `segment` or `tree` in the address for these members, as the
    list of members leads here, with `at` for this moment, as the calendar does, and with `copy` as
    another campaign has it."""
    typed = draft_form.fresh()
    if copied := request.args.get("copy"):
        typed = _copied(copied)
    if name := request.args.get("segment"):
        typed |= {"whom": "segment", "segment": name}
    elif (tree := conditions.read(request.args.get("tree", ""))) is not None:
        typed |= {"whom": "conditions", "tree": conditions.written(tree)}
    if (at := draft_form.moment_of(request.args.get("at", ""))) is not None:
        typed |= {"when": "at", "at": at.isoformat()[:16]}
    if coupon := request.args.get("coupon"):
        typed |= {"gift": draft_form.COUPON, "coupon": coupon}
    with current_installation().database.reading() as session:
        look = ComposerLook(typed["tree"], None, typed.get("coupon", ""))
        around = _around(session, look, None)
    return pages.show(COMPOSER, HERE, typed=typed, problems={}, once=str(uuid4()), **around)


def _copied(campaign_id: str) -> TypedDraft:
    """The form of a new campaign with all that another one has, but for its moment."""
    house = current_installation()
    with house.database.reading() as session:
        draft = campaigns.drafted(here(session, campaign_id))
        reading = CampaignReading.begin(session, house.clock())
        typed = draft_form.typed(replace(draft, at=None), reading, "")
    name = _("%(name)s (copy)", name=draft.name)
    return {**typed, "name": name if len(name) <= campaigns.LONGEST_NAME else draft.name}


@routes.post(f"{IN_PROGRAMME}/messages/new")
@needs(WRITE)
def make() -> Response:
    """Keep a new campaign as a draft; or show the form again with another condition."""
    entries, house, by = FormEntries(), current_installation(), pages.author()
    if (look := _chosen(entries)) is not None:
        return _with(entries, look, None)
    written: list[WrittenDraft] = []

    def effect(session: Session, now: datetime) -> StoredAnswer:
        reading = CampaignReading.begin(session, now)
        draft = _whole(entries, session, reading)
        written.append(draft)
        made = campaign_deeds.make(session, reading.programme, draft.draft, by, now)
        return StoredAnswer(201, orjson.dumps(made.public_id))

    # A form that was sent twice makes one campaign; what it says may have been corrected since.
    once = entries["once"][:64] or str(uuid4())
    request_ = Repeatable(f"{by.name}:new campaign"[:100], once, idempotency.digest(once))

    def work(session: Session) -> str:
        answer = idempotency.key_first(session, request_, effect, house.clock())
        return str(orjson.loads(answer.body))

    made = doing.made(entries, work, draft_form.field_of)
    if made is None:
        return _with(entries, ComposerLook(entries["tree"], None), None)
    return _onwards(entries, made, written[-1] if written else None)


@routes.get(f"{IN_PROGRAMME}/messages/<campaign_id>/edit")
@needs(WRITE)
def edit(campaign_id: str) -> Response | str:
    """The form of a campaign that tells nobody at present."""
    house = current_installation()
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        if campaign.state not in campaigns.CHANGEABLE:
            return pages.go("console.campaign.show", campaign_id=campaign_id)
        reading = CampaignReading.begin(session, house.clock())
        draft = campaigns.drafted(campaign)
        typed = draft_form.typed(draft, reading, request.args.get("at", ""))
        look = ComposerLook(typed["tree"], None, typed.get("coupon", ""))
        around = _around(session, look, campaign)
    return pages.show(COMPOSER, HERE, typed=typed, problems={}, once="", **around)


@routes.post(f"{IN_PROGRAMME}/messages/<campaign_id>/edit")
@needs(WRITE)
def save(campaign_id: str) -> Response:
    """Change a draft, or a campaign that is planned or paused."""
    entries, house = FormEntries(), current_installation()
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
    if (look := _chosen(entries)) is not None:
        return _with(entries, look, campaign)

    def work(session: Session) -> WrittenDraft:
        now = house.clock()
        found = here(session, campaign_id)
        changes.held(session, found)
        opened.require_fresh(session, entries, [campaign_deeds.of(found)])
        reading = CampaignReading.begin(session, now)
        if found.started_at is None:
            written = _whole(entries, session, reading)
        else:
            written = _on_the_way(entries, campaigns.drafted(found), reading)
        wanted = {name: getattr(written.draft, name) for name in CampaignDraft.__dataclass_fields__}
        campaign_deeds.change(session, found, wanted, pages.author(), now)
        return written

    written = doing.made(entries, work, draft_form.field_of)
    if written is None:
        return _with(entries, ComposerLook(entries["tree"], None), campaign)
    if campaign.state == "draft":
        return _onwards(entries, campaign_id, written)
    pages.say(_("Saved."))
    return pages.go("console.campaign.show", campaign_id=campaign_id)


def _whole(entries: FormEntries, session: Session, reading: CampaignReading) -> WrittenDraft:
    """The draft that was typed. Raises `FormRefused`."""
    entries.problems.clear()  # the work may be repeated
    written = draft_form.read(entries, session, reading)
    if written is not None and written.at is not None:
        moment = hours.off_wall(written.at, reading.programme.timezone)
        if moment < reading.now:
            entries.refuse("at", _("This moment is over."))
    if written is None or not entries.fit:
        raise FormRefused
    return written


def _on_the_way(
    entries: FormEntries, draft: CampaignDraft, reading: CampaignReading
) -> WrittenDraft:
    """What was typed for a campaign that has begun. Raises `FormRefused`."""
    entries.problems.clear()  # the work may be repeated
    written = draft_form.read_on_the_way(entries, draft, reading)
    if written is None:
        raise FormRefused
    return WrittenDraft(written, None)


def _onwards(entries: FormEntries, campaign_id: str, written: WrittenDraft | None) -> Response:
    if entries["do"] == "save":
        pages.say(_("The draft is saved. Nobody was told."))
        return pages.go("console.campaign.show", campaign_id=campaign_id)
    at = None if written is None or written.at is None else written.at.isoformat()[:16]
    return pages.go("console.sending.confirm", campaign_id=campaign_id, at=at)


def _chosen(entries: FormEntries) -> ComposerLook | None:
    """The form with another condition, if one of the buttons for them was pressed."""
    do, _colon, what = entries["do"].partition(":")
    if do not in ("choose", "add", "drop"):
        return None
    with current_installation().database.reading() as session:
        unit = CampaignReading.begin(session, current_installation().clock()).unit
    tree = conditions.read(entries["tree"]) or documents.EVERYONE
    kind = next((one for one in conditions.kinds(unit) if one.name == entries["condition"]), None)
    if do == "drop" and what.isascii() and what.isdigit() and len(what) < 4:
        kept = [one for at, one in enumerate(conditions.parts(tree)) if at != int(what)]
        return ComposerLook(_written(conditions.of_parts(kept)), None)
    if kind is None:
        return ComposerLook(_written(tree), None)
    if do == "choose" and kind.fields:
        return ComposerLook(_written(tree), kind)
    added = conditions_form.added(entries, kind, unit, tree)
    if added is None:
        return ComposerLook(_written(tree), kind)
    return ComposerLook(_written(added), None)


def _written(tree: Any) -> str:
    return conditions.written(tree) if conditions.parts(tree) else ""


def _with(entries: FormEntries, look: ComposerLook, campaign: Campaign | None) -> Response:
    """The form with all that was typed. It was refused if anything is wrong with it."""
    with current_installation().database.reading() as session:
        around = _around(session, replace(look, coupon=entries["coupon"]), campaign)
    page = pages.show(
        COMPOSER,
        HERE,
        typed=entries,
        entries=entries,
        problems=entries.problems,
        once=entries["once"],
        **around,
    )
    return make_response(page, 200 if entries.fit else 422)


def _around(session: Session, look: ComposerLook, campaign: Campaign | None) -> dict[str, Any]:
    house = current_installation()
    reading = CampaignReading.begin(session, house.clock())
    programme = reading.programme
    tree = conditions.read(look.tree) or documents.EVERYONE
    design = templates.design(templates.current(session, programme.id))
    (segments,) = house.database.answers(named.names(programme.id))
    return {
        "campaign": campaign,
        "opened": None
        if campaign is None
        else opened.last_change(session, [campaign_deeds.of(campaign)]),
        "spoken": [(tag, language_name(tag)) for tag in programme.languages],
        "segments": [(name, name) for name in segments],
        "unit": reading.unit,
        "coupons": told.coupons(session, reading, look.coupon) if pages.may("offers:read") else [],
        "tree": look.tree,
        "adding": look.adding,
        "chips": [chip.words for chip in conditions.chips(tree, reading.of_conditions)],
        "condition_options": [(one.name, one.words) for one in conditions.kinds(reading.unit)],
        "longest": LONGEST_MESSAGE,
        "announces": announces_messages(design),
        "zone": programme.timezone,
        "today": hours.on_wall(reading.now, programme.timezone).isoformat()[:16],
    }


# --- What members will see ----------------------------------------------------------------------


@routes.post(f"{IN_PROGRAMME}/messages/preview")
@needs(READ)
def preview() -> str:
    """The message as members will see it, and how far it would come; nothing is saved."""
    entries, house = FormEntries(), current_installation()
    given: dict[str, Any] = {"cards": [], "found": None, "found_number": language.number}
    with house.database.reading() as session:
        reading = CampaignReading.begin(session, house.clock())
        written = draft_form.read(entries, session, reading, is_whole=False)
        if written is not None:
            try:
                given |= seen.shown(session, written.draft, reading)
            except Refusal as refusal:
                entries.refused(refusal, draft_form.field_of(refusal))
    return render_template(PREVIEW, **{**given, "problems": entries.problems})
