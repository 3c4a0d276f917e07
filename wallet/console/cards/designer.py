"""The designer: which designs there are, the form of one, its preview while somebody types, and its
pictures. All of it is a draft: cards change when it is published (`revisions`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from flask import Blueprint, abort, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import languages
from wallet.access import changes
from wallet.console import choices, doing, pages
from wallet.console.cards import entries as form
from wallet.console.cards import faces, worked_on
from wallet.console.cards.entries import DesignEntries, FieldEntry, LinkEntry, PlaceEntry
from wallet.console.cards.worked_on import HERE, DesignPreview, WorkedDesign
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.delivery import programme_changes, publishing
from wallet.errors import ImageRefused
from wallet.google import pictures as google_pictures
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import (
    artwork,
    barcode_settings,
    designs,
    drafts,
    fitting,
    issued,
    rules,
    starters,
    templates,
)
from wallet.passes.content import Design, Fact, PassKind
from wallet.passes.fitting import PictureKind
from wallet.passes.templates import DesignPurpose, Template

LIST, EDITOR = "console/cards/cards.html", "console/cards/editor.html"
FIELDS, PREVIEW = "console/cards/fields.html", "console/cards/preview.html"
PICTURE = "console/cards/picture.html"
OF_DESIGN = f"{IN_PROGRAMME}/cards/<any(card,offer):purpose>"
UPLOAD = "console.designer.put_picture"
# A larger file is refused before it is read; a smaller one in the words of the form.
MOST_SENT_BYTES = 64 * 1024 * 1024
FOR_GOOD = "private, max-age=31536000, immutable"  # the address changes with the picture
CHANGED = "design-changed"  # what the page does when a picture is there: it asks for a new preview

# Which pictures a card of this kind has a place for.
PICTURES: Mapping[PassKind, tuple[PictureKind, ...]] = {
    "loyalty": ("logo", "strip", "icon", "poster"),
    "gift_card": ("logo", "strip", "icon", "poster"),
    "offer": ("logo", "strip", "icon", "poster"),
    "generic": ("logo", "thumbnail", "strip", "icon", "poster"),
}

routes = Blueprint("designer", __name__)


@dataclass(frozen=True, slots=True)
class DesignTile:
    """A design in the list: its faces, the number of its revision, how many cards it has."""

    purpose: DesignPurpose
    title: str
    kind: str
    preview: DesignPreview
    number: int
    published: Template | None
    cards: int
    worked: WorkedDesign


@routes.get(f"{IN_PROGRAMME}/cards")
@needs("passes:read")
def listed() -> str:
    """The designs of the programme: what cards and coupons look like now, and what is worked on."""
    with current_installation().database.reading() as session:
        tiles = [_tile(session, purpose) for purpose in get_args(DesignPurpose)]
    return pages.show(LIST, HERE, tiles=tiles)


def _tile(session: Session, purpose: DesignPurpose) -> DesignTile:
    worked, programme_id = worked_on.found(session, purpose), pages.programme().id
    published = worked.current
    shown = (
        worked_on.of_template(session, published, language.current())
        if published is not None
        else worked_on.preview(session, worked, worked.design, language.current())
    )
    kind = templates.design(published).kind if published is not None else worked.design.kind
    return DesignTile(
        purpose,
        _(worked_on.TITLES[purpose]),
        _(worked_on.KINDS[kind]),
        shown,
        templates.number_of_revisions(session, programme_id, purpose),
        published,
        issued.number_of_kind(session, programme_id, coupons=purpose == "offer"),
        worked,
    )


# --- The form ----------------------------------------------------------------------------------


@routes.get(OF_DESIGN)
@needs("passes:read")
def edit(purpose: DesignPurpose) -> str:
    """The form of a design, with what it looks like beside it."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        wanted = request.args.get(worked_on.SHOWN_LANGUAGE, language.current())
        preview = worked_on.preview(session, worked, worked.design, wanted)
        around = _around(session, worked, form.told(worked.design), preview)
    return pages.show(EDITOR, HERE, problems={}, opened=worked.mark, **around)


@routes.post(OF_DESIGN)
@needs("designs:write")
def save(purpose: DesignPurpose) -> Response:
    """Save the draft, and go where one wants to with it."""
    entries, house = FormEntries(), current_installation()
    if entries["do"]:
        return _shaped(purpose, entries)

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        worked = worked_on.found(session, purpose)
        if said := worked_on.require_fresh(session, worked, entries["opened"]):
            entries.refuse(FORM, said)
            raise FormRefused
        wanted = form.typed(entries, form.known_languages(worked.design, programme.languages))
        design = form.design_of(wanted, worked.design, entries)
        if not entries.fit:
            raise FormRefused
        by, now = pages.author().name, house.clock()
        draft = drafts.begin(session, programme, purpose, by, now)
        drafts.save(session, draft, design, by, now)

    if not doing.done(entries, work):
        return _again(purpose, entries)
    match entries["then"]:
        case "publish":
            return pages.go("console.revisions.ask", purpose=purpose)
        case "try":
            return pages.go("console.revisions.trial", purpose=purpose)
    pages.say(_("The draft is saved. Cards stay as they are until you publish it."))
    return pages.go("console.designer.edit", purpose=purpose)


@routes.post(f"{OF_DESIGN}/preview")
@needs("designs:write")
def preview(purpose: DesignPurpose) -> str:
    """What is typed so far, as phones would show it; nothing is saved."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        typed = _typed(session, worked, entries)
        shown = _preview_of(session, worked, typed, entries)
        hints = worked_on.hints(session, worked, _as_typed(worked, typed))
    return render_template(
        PREVIEW, preview=shown, purpose=purpose, typed=typed, hints=hints, is_part=True
    )


def _typed(session: Session, worked: WorkedDesign, entries: FormEntries) -> DesignEntries:
    spoken = pages.programme_row(session).languages
    return form.typed(entries, form.known_languages(worked.design, spoken))


def _preview_of(
    session: Session, worked: WorkedDesign, typed: DesignEntries, entries: FormEntries
) -> DesignPreview:
    wanted = entries[worked_on.SHOWN_LANGUAGE] or language.current()
    return worked_on.preview(session, worked, _as_typed(worked, typed), wanted)


def _as_typed(worked: WorkedDesign, typed: DesignEntries) -> Design:
    """The design of what was typed. What can be no design yet stands as it was."""
    checked = FormEntries()
    design = form.design_of(typed, worked.design, checked)
    return form.with_colours(design, worked.design, checked.problems.keys())


def _shaped(purpose: DesignPurpose, entries: FormEntries) -> Response:
    """The form with one field, link or place more or less, or in another order. Nothing is saved.
    A browser with our script gets that part of the page alone."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        typed = _typed(session, worked, entries)
        if entries["do"].startswith("say-"):
            new = _take_over(session, worked, typed, entries["do"].removeprefix("say-"))
        else:
            new = _reshape(typed, entries["do"], entries["add_field"])
        is_part = request.headers.get("HX-Request") == "true"
        shown = None if is_part else _preview_of(session, worked, typed, entries)
        around = _around(session, worked, typed, shown)
    given = {**around, "problems": {}, "opened": entries["opened"], "new": new}
    given["open_fields"] = [one.key for one in typed.fields if new.startswith(f"f-{one.key}-")]
    if is_part:
        page = make_response(render_template(FIELDS, may=pages.may, **given))
        page.headers["HX-Trigger-After-Settle"] = CHANGED
        return page
    return make_response(pages.show(EDITOR, HERE, **given))


def _take_over(session: Session, worked: WorkedDesign, typed: DesignEntries, key: str) -> str:
    """Let the lock screen say the label of this field, where it says another word."""
    field = next((one for one in typed.fields if one.key == key), None)
    for hint in worked_on.hints(session, worked, _as_typed(worked, typed)).get(key, ()):
        if field is not None and hint.better:
            field.change[hint.tag] = hint.better
    return f"f-{key}-change-{typed.languages[0]}"


def _reshape(typed: DesignEntries, deed: str, fact: str) -> str:
    """Carry out what a button of the form asks for; returns the entry to go on with."""
    what, _dash, key = deed.partition("-")
    match what:
        case "add" if fact in form.FACTS and len(typed.fields) < form.MOST_FIELDS:
            one = _new_field(cast(Fact, fact), typed)
            typed.fields.append(one)
            return f"f-{one.key}-label-{typed.languages[0]}"
        case "link" if len(typed.links) < rules.LINKS_IN_ALL:
            new = LinkEntry(_free("link", _keys(typed)))
            typed.links.append(new)
            return f"l-{new.key}-url"
        case "place" if len(typed.places) < rules.MOST["locations"]:
            typed.places.append(PlaceEntry())
            return f"p-{len(typed.places) - 1}-latitude"
        case "up" | "down":
            _move(typed.fields, key, -1 if what == "up" else 1)
            return f"{what}-{key}"
        case "drop":
            typed.fields[:] = [one for one in typed.fields if one.key != key]
        case "unlink":
            typed.links[:] = [one for one in typed.links if one.key != key]
        case "leave":
            typed.places[:] = [one for at, one in enumerate(typed.places) if str(at) != key]
    return ""


def _new_field(fact: Fact, typed: DesignEntries) -> FieldEntry:
    """A field as most cards have it, with words of ours."""
    slots = [one.slot for one in typed.fields]
    slot = "back" if fact in ("offers", "message", "card", "text") else "auxiliary"
    if slot != "back" and slots.count("secondary") + slots.count("auxiliary") >= 4:
        slot = "back"
    label, change = starters.words_of(fact, typed.languages)
    told = form.change_told(change)
    return FieldEntry(_free(fact, _keys(typed)), fact, slot, dict(label), told)


def _keys(typed: DesignEntries) -> set[str]:
    return {one.key for one in typed.fields} | {one.key for one in typed.links}


def _free(name: str, taken: set[str]) -> str:
    """A key that no other part of the card has."""
    tries = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in tries if one not in taken)


def _move(fields: list[FieldEntry], key: str, by: int) -> None:
    at = next((at for at, one in enumerate(fields) if one.key == key), None)
    if at is not None and 0 <= at + by < len(fields):
        fields[at], fields[at + by] = fields[at + by], fields[at]


def _again(purpose: DesignPurpose, entries: FormEntries) -> Response:
    """The form with all that was typed, and what is wrong with it."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        typed = _typed(session, worked, entries)
        shown = _preview_of(session, worked, typed, entries)
        around = _around(session, worked, typed, shown)
    around["open_fields"] = [
        one.key
        for one in typed.fields
        if any(name.startswith(f"f-{one.key}-") for name in entries.problems)
    ]
    return pages.show_again(EDITOR, HERE, entries, opened=worked.mark, **around)


def _around(
    session: Session, worked: WorkedDesign, typed: DesignEntries, preview: DesignPreview | None
) -> dict[str, Any]:
    spoken = form.known_languages(worked.design, pages.programme_row(session).languages)
    facts = [one for one in form.FACTS if worked.design.kind != "generic" or one != "programme"]
    return {
        "purpose": worked.purpose,
        "title_words": _(worked_on.TITLES[worked.purpose]),
        "worked": worked,
        "typed": typed,
        "preview": preview,
        "spoken": [(one, choices.language_name(one)) for one in spoken],
        "chosen": [(one, choices.language_name(one)) for one in typed.languages],
        "facts": [(one, _(form.FACTS[one])) for one in facts],
        "fact_words": {one: _(words) for one, words in form.FACTS.items()},
        "slots": [(slot, _(words)) for slot, words in form.SLOTS.items()],
        "slot_words": {slot: _(words) for slot, words in form.SLOTS.items()},
        "symbologies": [(one, _(words)) for one, words in form.SYMBOLOGIES.items()],
        "code_holds": _(
            worked_on.CODE_KINDS[barcode_settings.of(session, pages.programme().id).kind]
        ),
        "pictures": [_shown_picture(worked, kind) for kind in PICTURES[worked.design.kind]],
        "number": templates.number_of_revisions(session, pages.programme().id, worked.purpose),
        "hints": worked_on.hints(session, worked, _as_typed(worked, typed)),
        "reader": languages.best(typed.languages, language.current()) or "",
        "place_of_value": form.place_of_value(),
        "new": "",
        "open_fields": [],
    }


# --- Pictures ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture in the form: given, or drawn in its place; `url` is empty where there is none."""

    kind: PictureKind
    words: str
    help: str
    url: str
    is_given: bool
    problem: str = ""
    frame: str = ""  # width to height of the part that one chooses; empty: as one likes


def _shown_picture(worked: WorkedDesign, kind: PictureKind, problem: str = "") -> ShownPicture:
    is_given = any(artwork.kind(name) == kind for name in worked.image_names)
    of = {"purpose": worked.purpose, "of": "draft", "v": worked.mark}
    is_there = is_given or artwork.is_drawn(kind)
    url = pages.url("console.designer.picture", file=kind, **of) if is_there else ""
    words = worked_on.picture_words(kind)
    place = fitting.PLACES[kind]
    frame = "" if place.whole else f"{place.size[0] / place.size[1]:.4f}"
    return ShownPicture(kind, words, _picture_help(kind), url, is_given, problem, frame)


def _picture_help(kind: PictureKind) -> str:
    helps = {
        "logo": _("Top left on an iPhone; best 480 × 150 pixels, on a transparent ground"),
        "strip": _("Behind the large value, and as a banner at Google; 1125 × 432 pixels or more"),
        "icon": _("In notifications, and as the logo at Google; a square, 114 pixels or more"),
        "thumbnail": _("Beside the title; a square, 270 pixels or more"),
        "poster": _("Among the details at Google alone; at least 200 × 100 pixels"),
    }
    return helps[kind]


@routes.get(f"{OF_DESIGN}/pictures/<of>/<file>")
@needs("passes:read")
def picture(purpose: DesignPurpose, of: str, file: str) -> Response:
    """A picture of the draft, or of the revision whose id `of` is, in its finest size: what was
    given, or what is drawn for these colours."""
    with current_installation().database.reading() as session:
        if of == "draft":
            worked = worked_on.found(session, purpose)
            design, given = worked.design, _given(session, worked)
        else:
            template = session.get(Template, int(of)) if of.isdecimal() and len(of) < 19 else None
            if template is None or template.programme_id != pages.programme().id:
                abort(404)
            design, given = templates.design(template), templates.images(session, template.id)
    data = _picture(_as_asked(design), given, file)
    if data is None:
        abort(404)
    answer = Response(data, mimetype="image/png")
    answer.headers["Cache-Control"] = FOR_GOOD
    return answer


def _as_asked(design: Design) -> Design:
    """The design with the name and the colours of the address: what is drawn follows them."""
    asked = request.args
    if "background" not in asked:
        return design
    colours = (asked["background"], asked.get("foreground", ""))
    if not all(map(designs.COLOUR.fullmatch, colours)):
        abort(404)
    return form.drawn_from(design, asked.get("organization", ""), *colours)


def _picture(design: Design, given: Mapping[str, bytes], name: str) -> bytes | None:
    """The picture of this name; None if the design has none, given or drawn."""
    kind = {"google-logo": "icon", "google-hero": "strip"}.get(name, name)
    images = given
    if not any(artwork.kind(one) == kind for one in given):
        if not artwork.is_drawn(kind):
            return None
        if name == "google-logo":
            return google_pictures.drawn_logo(design)
        drawn_from = (design.organization_name, design.background, design.foreground)
        images = {f"{kind}@2x.png": artwork.one_drawn(kind, *drawn_from)}
    match name:
        case "google-logo":
            return google_pictures.logo(design, images)
        case "google-hero":
            return google_pictures.hero(design, images)
    return faces.finest(images, kind, request.args.get("tag", ""))


def _given(session: Session, worked: WorkedDesign) -> dict[str, bytes]:
    if worked.draft is not None:
        return drafts.images(session, worked.draft)
    return drafts.current(session, pages.programme_row(session), worked.purpose)[1]


@routes.post(f"{OF_DESIGN}/pictures/<any(logo,strip,icon,thumbnail,poster):picture>")
@needs("designs:write")
def put_picture(purpose: DesignPurpose, picture: PictureKind) -> Response:
    """Take a picture into the draft, made to fit its place."""
    sent = request.files.get("picture")
    fitted: Mapping[str, bytes] = {}
    problem = ""
    chosen = request.form.get("crop", "")
    part = fitting.crop_box(chosen)
    if sent is None or not sent.filename:
        problem = _("Choose a file: PNG, JPEG or WebP.")
    elif chosen and part is None:
        problem = _("Choose the part of the picture once more.")
    else:
        try:
            data = sent.stream.read(fitting.MOST_BYTES + 1)
            fitted = fitting.fit(picture, sent.filename[-100:], data, part).images
        except ImageRefused as refusal:
            reason = refusal.reason(language.current())
            problem = f"{reason[:1].upper()}{reason[1:]}"
    return _pictured(purpose, picture, fitted, problem)


@routes.post(f"{OF_DESIGN}/pictures/<any(logo,strip,icon,thumbnail,poster):picture>/remove")
@needs("designs:write")
def remove_picture(purpose: DesignPurpose, picture: PictureKind) -> Response:
    """Take a picture out of the draft; one is drawn in its place."""
    return _pictured(purpose, picture, {}, "")


def _pictured(
    purpose: DesignPurpose, kind: PictureKind, fitted: Mapping[str, bytes], problem: str
) -> Response:
    """Change the pictures of the draft unless there is a problem, and show what came of it. The
    mark of the form goes on with it, if nobody else has changed the draft since."""
    house, known = current_installation(), request.form.get("opened", "")

    def work(session: Session) -> tuple[WorkedDesign, bool]:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        before = worked_on.found(session, purpose)
        is_fresh = before.mark == known
        if kind not in PICTURES[before.design.kind]:
            abort(404)
        if problem:
            return before, is_fresh
        by, now = pages.author().name, house.clock()
        draft = drafts.begin(session, programme, purpose, by, now)
        if fitted:
            drafts.put_images(session, draft, fitted)
        else:
            drafts.remove_images(session, draft, kind)
        drafts.touch(draft, by, now)
        session.flush()
        return worked_on.found(session, purpose), is_fresh

    worked, is_fresh = house.database.run(work)
    if request.headers.get("HX-Request") != "true":
        if problem:
            pages.say(problem, "bad")
        return pages.go("console.designer.edit", purpose=purpose)
    shown = _shown_picture(worked, kind, problem)
    part = render_template(
        PICTURE,
        picture=shown,
        purpose=purpose,
        opened=worked.mark if is_fresh else None,
        may=pages.may,
    )
    page = make_response(part, 422 if problem else 200)
    if not problem:
        page.headers["HX-Trigger-After-Settle"] = CHANGED
    return page


# --- Beginning anew ----------------------------------------------------------------------------


@routes.get(f"{OF_DESIGN}/starters")
@needs("designs:write")
def begin(purpose: DesignPurpose) -> str:
    """Designs to begin with, by trade, as they look for this shop."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        shown = [
            (one, _(one.words), worked_on.of_starter(session, worked, one))
            for one in starters.of_kind(worked.design.kind)
        ]
    return pages.show(
        "console/cards/starters.html",
        HERE,
        purpose=purpose,
        starters=shown,
        worked=worked,
        opened=worked.mark,
    )


@routes.post(f"{OF_DESIGN}/starters")
@needs("designs:write")
def begin_with(purpose: DesignPurpose) -> Response:
    """Put a design to begin with into the draft; pictures that were given stay."""
    entries, house = FormEntries(), current_installation()
    chosen = starters.named(entries["starter"])

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        worked = worked_on.found(session, purpose)
        if said := worked_on.require_fresh(session, worked, entries["opened"]):
            entries.refuse(FORM, said)
            raise FormRefused
        if chosen is None or chosen.purpose != purpose:
            entries.refuse(FORM, _("Please choose one of them."))
            raise FormRefused
        design = starters.made(chosen, worked.design, programme.languages)
        publishing.require_kind(session, programme.id, design)
        by, now = pages.author().name, house.clock()
        draft = drafts.begin(session, programme, purpose, by, now)
        drafts.save(session, draft, design, by, now)

    if not doing.done(entries, work):
        pages.say(entries.problems[FORM], "bad")
        return pages.go("console.designer.begin", purpose=purpose)
    pages.say(_("The draft begins with this design. Change whatever you like."))
    return pages.go("console.designer.edit", purpose=purpose)


@routes.get(f"{OF_DESIGN}/discard")
@needs("designs:write")
def ask_discard(purpose: DesignPurpose) -> str:
    """What is lost with a draft, before it is."""
    with current_installation().database.reading() as session:
        worked = worked_on.found(session, purpose)
        if worked.draft is None:
            pages.not_there(HERE)
    return pages.show(
        "console/cards/discard.html", HERE, purpose=purpose, draft=worked.draft, opened=worked.mark
    )


@routes.post(f"{OF_DESIGN}/discard")
@needs("designs:write")
def discard(purpose: DesignPurpose) -> Response:
    """Give the draft up: the next one begins as cards look then."""
    entries, house = FormEntries(), current_installation()

    def work(session: Session) -> None:
        programme = pages.programme_row(session)
        programme_changes.hold(session, programme)
        worked = worked_on.found(session, purpose)
        if said := worked_on.require_fresh(session, worked, entries["opened"]):
            entries.refuse(FORM, said)
            raise FormRefused
        if worked.draft is None:
            return
        drafts.drop(session, worked.draft)
        of = publishing.thing(programme, purpose)
        changes.note(session, pages.author(), "design.draft_dropped", of, house.clock())

    if doing.done(entries, work):
        pages.say(_("The draft is gone. Cards look as they did."))
    else:
        pages.say(entries.problems[FORM], "bad")
    return pages.go("console.designer.edit", purpose=purpose)
