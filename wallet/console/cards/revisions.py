"""A draft becomes the design of all cards, or is tried on one; what was published before, and how
it comes back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.errors import CardBlocked, CardExpired, CardVoid, Refusal, UnknownCard
from ledger.people import cards
from wallet.access.changes import ChangeFilter
from wallet.console import change_lines, choices, doing, listing, pages
from wallet.console.cards import entries as form
from wallet.console.cards import worked_on
from wallet.console.cards.worked_on import HERE, WorkedDesign
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes, publishing, waves
from wallet.errors import DesignRefused, ImageRefused, PassErased, PassLost, UnknownRevision
from wallet.installation import current_installation
from wallet.outreach import in_phone
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import artwork, drafts, issued, templates
from wallet.passes.content import Design, FieldDesign
from wallet.passes.issued import Pass
from wallet.passes.templates import DesignPurpose, Template

PUBLISH, TRIAL = "console/cards/publish.html", "console/cards/trial.html"
OF_DESIGN = f"{IN_PROGRAMME}/cards/<any(card,offer):purpose>"
MOST_TRIALS = 20  # shown

routes = Blueprint("revisions", __name__)

MOST_NAMED = 3  # parts of a design that a line of the list names


@dataclass(frozen=True, slots=True)
class PartChange:
    """What of a design is another than before. Empty: it was not there, or is no more."""

    what: str
    before: str
    after: str
    is_colour: bool = False


@dataclass(frozen=True, slots=True)
class HowMany:
    """How many cards a change concerns, and how many of them are in which wallet."""

    cards: int
    apple: int
    google: int


# --- Publishing --------------------------------------------------------------------------------


@routes.get(f"{OF_DESIGN}/publish")
@needs("designs:write")
def ask(purpose: DesignPurpose) -> Response | str:
    """What publishing the draft changes, for how many, before it does."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        around = _around_publishing(session, worked)
    return pages.show(PUBLISH, HERE, problems={}, **around)


@routes.post(f"{OF_DESIGN}/publish")
@needs("designs:write")
def publish(purpose: DesignPurpose) -> Response:
    """Make the draft the design of all cards."""
    entries, house = FormEntries(), current_installation()

    def work(session: Session) -> tuple[bool, bool]:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        worked = worked_on.found(session, purpose)
        has_cards = _how_many(session, purpose).cards > 0
        if said := worked_on.require_fresh(session, worked, entries["opened"]):
            entries.refuse(FORM, said)
            raise FormRefused
        if worked.draft is None:
            return False, has_cards
        images = drafts.images(session, worked.draft)
        with _in_words(entries, worked.design):
            published = publishing.publish(
                session,
                programme,
                worked.design,
                images,
                house.require_signable,
                pages.author(),
                house.clock(),
            )
        return published.is_new, has_cards

    published = doing.made(entries, work)
    if published is None:
        with house.database.reading() as session:
            around = _around_publishing(session, worked_on.found(session, purpose))
        return pages.show_again(PUBLISH, HERE, entries, **around)
    is_new, has_cards = published
    if is_new and has_cards:
        pages.say(_("Published. The cards in phones follow within moments."))
    elif is_new:
        pages.say(_("Published. Nobody has one yet: the first will look like this."))
    else:
        pages.say(_("Nothing has changed: cards look like this already, and no phone was woken."))
    return pages.go("console.revisions.listed", purpose=purpose)


@contextmanager
def _in_words(entries: FormEntries, design: Design) -> Iterator[None]:
    """Say why a design is refused with the words that the form has for its parts."""
    try:
        yield
    except (DesignRefused, ImageRefused) as refusal:
        entries.refuse(FORM, worked_on.sentence_of(refusal, design))
        raise FormRefused from None


def _around_publishing(session: Session, worked: WorkedDesign) -> dict[str, object]:
    wanted = request.args.get(worked_on.SHOWN_LANGUAGE, language.current())
    preview = worked_on.preview(session, worked, worked.design, wanted)
    return {
        "purpose": worked.purpose,
        "worked": worked,
        "preview": preview,
        "opened": worked.mark,
        "changes": _differences(session, worked),
        "many": _how_many(session, worked.purpose),
        "wave": waves.of_designs(session, pages.programme().id),
    }


def _how_many(session: Session, purpose: DesignPurpose) -> HowMany:
    programme_id, coupons = pages.programme().id, purpose == "offer"
    total = issued.number_of_kind(session, programme_id, coupons=coupons)
    return HowMany(total, *in_phone.numbers(session, programme_id, coupons=coupons))


def _differences(session: Session, worked: WorkedDesign) -> list[PartChange]:
    """What differs between the draft and what is published."""
    if worked.current is None:
        return []
    before = templates.design(worked.current)
    changed = differences(before, worked.design)
    if worked.draft is None:
        return changed
    old = templates.given_images(session, worked.current)
    return changed + _picture_differences(old, drafts.images(session, worked.draft))


def _picture_differences(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[PartChange]:
    """Which kinds of pictures are others, of those that somebody gave."""
    changed = []
    for kind in sorted({artwork.kind(name) for name in (*old, *new)}):
        was = {name: data for name, data in old.items() if artwork.kind(name) == kind}
        is_ = {name: data for name, data in new.items() if artwork.kind(name) == kind}
        if was != is_:
            drawn = _("drawn in the colours of the card")
            changed.append(
                PartChange(
                    worked_on.picture_words(kind),
                    _("a picture") if was else drawn,
                    _("another picture") if was and is_ else _("a picture") if is_ else drawn,
                )
            )
    return changed


def differences(before: Design, after: Design) -> list[PartChange]:
    """What differs between two designs, in the words of the form."""
    found: list[PartChange] = []
    for name in ("background", "foreground", "label_colour"):
        was, is_ = getattr(before, name), getattr(after, name)
        if was != is_:
            what = worked_on.place_in_words(name, after)
            found.append(PartChange(what, was, is_, is_colour=True))
    for name, words in (("organization", "names"), ("logo_text", "logo_texts")):
        what = worked_on.place_in_words(name, after)
        _add(found, what, _said(getattr(before, words)), _said(getattr(after, words)))
    what = worked_on.place_in_words("description", after)
    _add(found, what, _said(before.description), _said(after.description))
    _add(
        found,
        _("Languages"),
        ", ".join(map(choices.language_name, before.languages)),
        ", ".join(map(choices.language_name, after.languages)),
    )
    _add(
        found,
        _("Barcode"),
        _(form.SYMBOLOGIES[before.symbology]),
        _(form.SYMBOLOGIES[after.symbology]),
    )
    old, new = _fields(before), _fields(_with_keys_of(before, after))
    for key in dict.fromkeys((*new, *old)):
        what, was = old.get(key, ("", ""))
        named, is_ = new.get(key, ("", ""))
        _add(found, _("Field %(name)s", name=named or what), was, is_)
    if not found and [*old] != [*new]:
        _add(found, _("Order of the fields"), "", _("changed"))
    for name, words_ in (("links", _("Links")), ("locations", _("Places"))):
        if getattr(before, name) != getattr(after, name):
            numbers = [str(len(getattr(one, name))) for one in (before, after)]
            _add(found, words_, numbers[0], _("%(count)s, changed", count=numbers[1]))
    if not found and before != after:
        _add(found, _("What the form does not show"), "", _("changed"))
    return found


def _with_keys_of(before: Design, after: Design) -> Design:
    """The design with the keys that its fields had before: a design that is taken over calls the
    balance by another key, and it is the balance all the same."""
    known = {one.key for one in after.fields}
    left = [one for one in before.fields if one.key not in known]
    here = {one.key for one in before.fields}
    fields = []
    for one in after.fields:
        twin = None
        if one.key not in here:
            twin = next((old for old in left if _is_one(old, one)), None)
        if twin is not None:
            left.remove(twin)
        fields.append(one if twin is None else replace(one, key=twin.key))
    return replace(after, fields=tuple(fields))


def _is_one(old: FieldDesign, new: FieldDesign) -> bool:
    """Whether people would say that it is one field: it shows the same, a text of its own under the
    same label."""
    return old.shows == new.shows and (old.shows != "text" or old.label == new.label)


def _add(found: list[PartChange], what: str, before: str, after: str) -> None:
    if before != after:
        found.append(PartChange(what, before, after))


def _said(texts: Mapping[str, str]) -> str:
    return " / ".join(texts.values())


def _fields(design: Design) -> dict[str, tuple[str, str]]:
    """By key, what a field is called and all that the form says of it."""
    found = {}
    for one in design.fields:
        shows = _(form.FACTS[one.shows])
        parts = [
            _(form.SLOTS[one.slot]),
            _said(one.label),
            _said(form.change_told(one.change_message or {})),
        ]
        text = _said(one.text or {})
        told = " · ".join(part for part in (*parts, text[:80]) if part)
        found[one.key] = (worked_on.field_in_words(one.label, shows, design), told)
    return found


# --- What was published ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """A published design in the list. `changed`: what was another than in the one before."""

    number: int
    template: Template
    is_current: bool
    changed: str


@routes.get(f"{OF_DESIGN}/revisions")
@needs("passes:read")
def listed(purpose: DesignPurpose) -> str:
    """All designs that were published, the newest first, with the update of cards that runs."""
    with current_installation().database.reading() as session:
        found = templates.revisions(session, pages.programme().id, purpose)
        lines = [
            RevisionLine(number, one, number == len(found), _changed(before, one))
            for number, (before, one) in enumerate(pairwise([None, *found]), 1)
            if one is not None
        ][::-1]
        wave = waves.of_designs(session, pages.programme().id)
        programme = pages.programme_row(session)
        of_id = publishing.thing(programme, purpose).id
        history = change_lines.lines(
            session, ChangeFilter(kind="design", of=of_id), None, listing.ROWS
        )
    return pages.show(
        "console/cards/revisions.html",
        HERE,
        purpose=purpose,
        title_words=_(worked_on.TITLES[purpose]),
        lines=lines,
        wave=wave,
        history=history,
    )


def _changed(before: Template | None, after: Template) -> str:
    """What a revision changed, in the words of the form."""
    if before is None:
        return _("the first one")
    parts = [one.what for one in differences(templates.design(before), templates.design(after))]
    if not parts:
        return _("Pictures")
    named = ", ".join(parts[:MOST_NAMED])
    more = len(parts) - MOST_NAMED
    return named if more < 1 else _("%(parts)s and %(count)s more", parts=named, count=str(more))


@routes.get(f"{OF_DESIGN}/revisions/<int(max=999999):number>")
@needs("passes:read")
def show(purpose: DesignPurpose, number: int) -> Response | str:
    """One design that was published: how it looked, and what would be another again."""
    with current_installation().database.reading() as session:
        template, current = _revision(session, purpose, number)
        wanted = request.args.get(worked_on.SHOWN_LANGUAGE, language.current())
        back = publishing.as_brought_back(session, pages.programme_row(session), template)
        changes = differences(templates.design(current), back)
        old, new = (templates.given_images(session, one) for one in (current, template))
        changes += _picture_differences(old, new)
        preview = worked_on.of_template(session, template, wanted)
        many = _how_many(session, purpose)
        wave = waves.of_designs(session, pages.programme().id)
    return pages.show(
        "console/cards/revision.html",
        HERE,
        purpose=purpose,
        number=number,
        stored=template,
        is_current=template.id == current.id,
        changes=changes,
        preview=preview,
        many=many,
        wave=wave,
        seen=current.id,
    )


@routes.post(f"{OF_DESIGN}/revisions/<int(max=999999):number>")
@needs("designs:write")
def bring_back(purpose: DesignPurpose, number: int) -> Response:
    """Make an earlier design that of all cards again."""
    house, seen = current_installation(), request.form.get("seen", "")
    late = False

    def work(session: Session) -> bool:
        nonlocal late
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        publishing.revision(session, programme.id, purpose, number)
        current = templates.find(session, programme.id, purpose)
        late = current is None or str(current.id) != seen
        if late:
            return False
        return publishing.roll_back(
            session,
            programme,
            purpose,
            number,
            house.require_signable,
            pages.author(),
            house.clock(),
        ).is_new

    try:
        is_new = house.database.run(work)
    except UnknownRevision:
        pages.not_there(HERE)
    except Refusal as refusal:
        with house.database.reading() as session:
            template, _current = _revision(session, purpose, number)
        pages.say(worked_on.sentence_of(refusal, templates.design(template)), "bad")
        return pages.go("console.revisions.show", purpose=purpose, number=number)
    if late:
        pages.say(_("Somebody published another design meanwhile. Look at it first."), "bad")
        return pages.go("console.revisions.show", purpose=purpose, number=number)
    if is_new:
        pages.say(_("Revision %(number)s is back. Cards in phones follow now.", number=str(number)))
    else:
        pages.say(_("Nothing has changed: cards look like this already, and no phone was woken."))
    return pages.go("console.revisions.listed", purpose=purpose)


def _revision(session: Session, purpose: DesignPurpose, number: int) -> tuple[Template, Template]:
    """The revision of this number and the current one; 404 if there is none."""
    programme_id = pages.programme().id
    try:
        found = publishing.revision(session, programme_id, purpose, number)
    except UnknownRevision:
        pages.not_there(HERE)
    return found, templates.find(session, programme_id, purpose) or found


# --- On one phone first ------------------------------------------------------------------------


@routes.get(f"{OF_DESIGN}/trial")
@needs("designs:write")
def trial(purpose: DesignPurpose) -> str:
    """The form that puts the draft on one card, and the cards that have one."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        around = _around_trial(session, worked)
    return pages.show(TRIAL, HERE, problems={}, typed={}, **around)


@routes.post(f"{OF_DESIGN}/trial")
@needs("designs:write")
def put_on(purpose: DesignPurpose) -> Response:
    """Put the draft on the card of this number, and on no other."""
    entries, house = FormEntries(), current_installation()
    number = entries.text("card", most=64)

    def work(session: Session) -> None:
        programme, now = pages.programme_row(session), house.clock()
        programme_changes.hold(session, programme)
        worked = worked_on.found(session, purpose)
        pass_ = _pass_of(session, purpose, number)
        if pass_ is None:
            entries.refuse("card", _("This member has no coupon to try it on."))
            raise FormRefused
        images = (
            drafts.images(session, worked.draft)
            if worked.draft is not None
            else drafts.current(session, programme, purpose)[1]
        )
        with _in_words(entries, worked.design):
            publishing.try_on(
                session,
                pass_,
                worked.design,
                images,
                house.require_signable,
                house.make_due,
                pages.author(),
                now,
            )

    if not entries.fit or not doing.done(entries, work, _field_of_trial):
        with house.database.reading() as session:
            around = _around_trial(session, worked_on.found(session, purpose))
        return pages.show_again(TRIAL, HERE, entries, typed=entries, **around)
    pages.say(
        _("This card shows the draft now, and the phone in a few seconds. No other card does.")
    )
    return pages.go("console.revisions.trial", purpose=purpose)


@routes.post(f"{OF_DESIGN}/trial/<serial>/take-off")
@needs("designs:write")
def take_off(purpose: DesignPurpose, serial: str) -> Response:
    """Show on a card what all others show again."""
    house = current_installation()

    def work(session: Session) -> None:
        pass_ = issued.by_serial(session, serial)
        if pass_ is None or pass_.programme_id != pages.programme().id:
            pages.not_there(HERE)
        publishing.take_off(session, pass_, house.make_due, pages.author(), house.clock())

    doing.told(work, _("The card shows what all others show again."))
    return pages.go("console.revisions.trial", purpose=purpose)


def _field_of_trial(refusal: Refusal) -> str:
    of_card = UnknownCard | CardBlocked | CardVoid | CardExpired | PassErased | PassLost
    return "card" if isinstance(refusal, of_card) else FORM


def _pass_of(session: Session, purpose: DesignPurpose, number: str) -> Pass | None:
    """The card of this number, or the newest coupon of its owner."""
    now = current_installation().clock()
    member = cards.owner(session, number, now, pages.programme().id).member
    if purpose == "card":
        return issued.card_of(session, member.id)
    coupons = [one for one in issued.counting(session, member.id, now) if one.offer_id is not None]
    return coupons[0] if coupons else None


def _around_trial(session: Session, worked: WorkedDesign) -> dict[str, object]:
    newest = 0 if worked.current is None else worked.current.id
    found = issued.trying(session, pages.programme().id, newest, MOST_TRIALS)
    ours: Sequence[Pass] = [
        one for one in found if (one.offer_id is not None) == (worked.purpose == "offer")
    ]
    wanted = language.current()
    return {
        "purpose": worked.purpose,
        "worked": worked,
        "kind": worked.design.kind,
        "trials": [(one.serial, issued.content(one).card_number) for one in ours],
        "preview": worked_on.preview(session, worked, worked.design, wanted),
    }
