"""What is worked on: the draft of a programme for its cards or its coupons, or what a draft would
begin with; its previews, with all that there is to say of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.words import N_
from wallet.console import choices, moments, opened, pages
from wallet.console.cards import entries as form
from wallet.console.cards import faces
from wallet.console.cards.faces import AppleFace, GoogleFace, LockScreenNotice
from wallet.delivery import publishing
from wallet.errors import DesignRefused, ImageRefused
from wallet.google import advice as google_advice
from wallet.google.objects import Pictures
from wallet.installation import current_installation
from wallet.pages import designs, language
from wallet.pages.designs import Look, Picture, WebCard
from wallet.pages.language import gettext as _
from wallet.passes import (
    advice,
    artwork,
    barcodes,
    contrast,
    drafts,
    rules,
    starters,
    symbologies,
    templates,
)
from wallet.passes.advice import Advice, AdviceCode
from wallet.passes.codes import CodeKind
from wallet.passes.content import Content, Design, Facts, FieldDesign, Validity, render
from wallet.passes.designs import NEW_VALUE
from wallet.passes.drafts import Draft
from wallet.passes.starters import Starter
from wallet.passes.templates import DesignPurpose, Template

HERE = "cards"
GAP = "…"
SAMPLE_DAYS = 30  # that a card in a preview is still good for
# Where the picture of this name is.
AddressOfPicture = Callable[[str], str]
SHOWN_LANGUAGE = "shown"  # of the preview, in forms and addresses

TITLES: Mapping[DesignPurpose, str] = {"card": N_("Cards"), "offer": N_("Coupons")}
KINDS: Mapping[str, str] = {
    "loyalty": N_("Loyalty card"),
    "gift_card": N_("Gift card"),
    "generic": N_("Membership card"),
    "offer": N_("Coupon"),
}


# What the barcodes of a programme's cards hold.
CODE_KINDS: Mapping[CodeKind, str] = {
    "plain": N_("the card number, always the same"),
    "hmac": N_("a code for one scan; tills check it with a secret"),
    "ed25519": N_("a code for one scan, larger; tills check it with a public key"),
}
ADVICE: Mapping[AdviceCode, str] = {
    "contrast_weak": N_(
        "%(where)s: some people will not be able to read it. The contrast is %(ratio)s to 1, and"
        " 4.5 is good."
    ),
    "label_long": N_(
        "%(where)s: the label is long for its place (%(language)s); phones cut it after about"
        " %(most)s letters."
    ),
    "text_long": N_(
        "%(where)s: the text is long for the face of a card (%(language)s). On the back there is"
        " room."
    ),
    "label_missing": N_("%(where)s: it has no label, so nobody knows what it says."),
    "translation_missing": N_("%(where)s: not translated (%(language)s)."),
    "change_silent": N_("%(where)s: when it changes, an iPhone says nothing."),
    "change_says_other_word": N_(
        "%(where)s: the label has changed, and the lock screen still says “%(word)s”"
        " (%(language)s)."
    ),
    "messages_not_shown": N_(
        "No field shows the last message and tells of it: campaigns cannot reach these cards. Add"
        " the field “Last message”."
    ),
    "strip_covers": N_("The large value lies on the banner: see whether it can be read there."),
    "picture_soft": N_("%(picture)s: too small for sharp screens, it will look soft."),
    "google_not_on_face": N_(
        "%(where)s: the face of the card in Google Wallet has %(most)s rows, and it finds no place"
        " there. It stands among the details."
    ),
    "google_not_shown": N_(
        "%(where)s: Google Wallet shows %(most)s fields besides the balance, the name and the card"
        " number, and this one not."
    ),
    "google_long": N_(
        "%(where)s: Google Wallet shows about %(most)s letters of it (%(language)s)."
    ),
    "many_places": N_("More than %(most)s places: the card will come up wherever people go."),
}


@dataclass(frozen=True, slots=True)
class WorkedDesign:
    """The draft, or what one would begin with. `mark` is another once somebody has changed it, or
    published a design: forms carry it."""

    purpose: DesignPurpose
    design: Design
    image_names: Sequence[str]
    draft: Draft | None
    current: Template | None

    @property
    def mark(self) -> str:
        """What a form remembers of the moment when it was opened."""
        saved = "0" if self.draft is None else f"{self.draft.id}-{self.draft.revision}"
        return f"{saved}.{0 if self.current is None else self.current.id}"


@dataclass(frozen=True, slots=True)
class DesignProblem:
    """Something to be put right before the design can be published, or to be looked at. `anchor` is
    the entry of the form, empty for none."""

    sentence: str
    anchor: str
    stops: bool


@dataclass(frozen=True, slots=True)
class ChangeHint:
    """What the lock screen says when a field changes, in one language. `other_word`: one in it that
    is not that of the label any more; then `better` is the sentence that would have it."""

    tag: str
    language: str
    sentence: str
    other_word: str = ""
    better: str = ""


@dataclass(frozen=True, slots=True)
class DesignPreview:
    """Faces in one language; None for what cannot be made, and then a problem says why. `web`: the
    card on its own page, drawn; empty for a coupon, which has none. `pictures`: where those of the
    pass are, by name."""

    tag: str
    tags: Sequence[tuple[str, str]]
    apple: AppleFace | None
    google: GoogleFace | None
    notices: Sequence[LockScreenNotice]
    web: Markup
    pictures: Mapping[str, str]
    hero: str
    logo: str
    problems: Sequence[DesignProblem]

    @property
    def can_be_published(self) -> bool:
        """Whether nothing is left to be put right."""
        return not any(one.stops for one in self.problems)


def found(session: Session, purpose: DesignPurpose) -> WorkedDesign:
    """What is worked on in the page's programme."""
    programme = pages.programme_row(session)
    draft = drafts.find(session, programme.id, purpose)
    current = templates.find(session, programme.id, purpose)
    if draft is not None:
        names = drafts.image_names(session, draft)
        return WorkedDesign(purpose, drafts.design(draft), names, draft, current)
    design, images = drafts.current(session, programme, purpose)
    return WorkedDesign(purpose, design, sorted(images), None, current)


def preview(session: Session, worked: WorkedDesign, design: Design, wanted: str) -> DesignPreview:
    """How the design would look with the pictures of what is worked on, in the wanted language."""
    drawn_from = {
        "v": worked.mark,
        "organization": design.organization_name,
        "background": design.background,
        "foreground": design.foreground,
    }
    of = {"purpose": worked.purpose, "of": "draft", "tag": wanted, **drawn_from}

    def at(name: str) -> str:
        return pages.url("console.designer.picture", file=name, **of)

    problems = _problems(session, design)
    heeded = [*problems, *_in_words(_advice(session, worked, design), design)]
    return shown(session, design, worked.image_names, wanted, at, heeded)


def _advice(session: Session, worked: WorkedDesign, design: Design) -> list[Advice]:
    before = () if worked.current is None else templates.design(worked.current).fields
    earlier = {one.key: one.label for one in before}
    usual: dict[str, dict[str, list[str]]] = {}
    for one in design.fields:
        on_most = starters.words_of(one.shows, design.languages)[0]
        here = earlier.get(one.key, {})
        usual[one.key] = {
            tag: [label, here[tag]] if tag in here else [label] for tag, label in on_most.items()
        }
    return [*advice.of(design, worked.image_names, usual), *google_advice.of(design)]


def hints(
    session: Session, worked: WorkedDesign, design: Design
) -> Mapping[str, Sequence[ChangeHint]]:
    """What the lock screen says when fields of the design change: by the key of the field."""
    others = {
        (
            one.place.removeprefix("fields.").removesuffix(".change_message"),
            one.facts["language"],
        ): one.facts
        for one in _advice(session, worked, design)
        if one.code == "change_says_other_word"
    }
    found: dict[str, list[ChangeHint]] = {}
    design = _with_gaps_filled(design)
    for tag in design.languages:
        try:
            content = _content(session, design, _sample(session, design, tag))
            sentences = faces.changes_said(design, content, tag)
        except DesignRefused:
            return {}
        for key, sentence in sentences.items():
            facts = others.get((key, tag), {})
            word, label = facts.get("word", ""), facts.get("label", "")
            better = form.change_to(label) if word else ""
            hint = ChangeHint(tag, choices.language_name(tag), sentence, word, better)
            found.setdefault(key, []).append(hint)
    return found


def _sample(session: Session, design: Design, tag: str) -> Facts:
    """What a card of the page's programme might show, in the language of this tag."""
    programme = pages.programme_row(session)
    unit = units.find(session, programme.id, None)
    called = programmes.name_in(session, programme, language.current())
    return faces.sample(design, unit, called, tag)


def _content(session: Session, design: Design, facts: Facts) -> Content:
    """What the card shows of these facts. One with a place for its last day has such a day, as
    those in phones will."""
    if design.expires or all(one.shows != "expires" for one in design.fields):
        return render(design, facts)
    zone, now = pages.programme_row(session).timezone, current_installation().clock()
    end = units.end_of_days(now, SAMPLE_DAYS, zone).astimezone(ZoneInfo(zone))
    return render(design, facts, Validity(expires=end.isoformat(timespec="seconds")))


def of_template(session: Session, template: Template, wanted: str) -> DesignPreview:
    """How a stored revision looks."""
    names = templates.image_names(session, template.id)
    of = {"purpose": template.purpose, "of": str(template.id), "tag": wanted}

    def at(name: str) -> str:
        return pages.url("console.designer.picture", file=name, **of)

    return shown(session, templates.design(template), names, wanted, at, [])


def of_starter(session: Session, worked: WorkedDesign, starter: Starter) -> DesignPreview:
    """How a design to begin with looks for this shop, with its pictures."""
    spoken = pages.programme_row(session).languages
    design = starters.made(starter, worked.design, spoken)
    return preview(session, worked, design, language.current())


def shown(
    session: Session,
    design: Design,
    names: Sequence[str],
    wanted: str,
    at: AddressOfPicture,
    problems: Sequence[DesignProblem],
) -> DesignPreview:
    """Both faces of a design, made of the pass and of Google's card."""
    tag = wanted if wanted in design.languages else design.languages[0]
    whole, design = design, _with_gaps_filled(design)
    facts = _sample(session, design, tag)
    apple = google = None
    notices: Sequence[LockScreenNotice] = ()
    web = Markup()
    try:
        content = _content(session, design, facts)
        # Which pictures there are decides what is drawn; their bytes are fetched by the browser.
        drawn = {"icon", "logo", "strip"} - {artwork.kind(name) for name in names}
        files = dict.fromkeys(names, b"given") | {f"{kind}.png": b"drawn" for kind in drawn}
        google = faces.google(
            faces.handed_over(design, content, Pictures(at("google-logo"), at("google-hero"))), tag
        )
        apple = faces.apple(faces.opened(design, files, content), tag)
        notices = faces.notices(design, facts, tag)
        web = _web(session, design, facts, tag, at)
    except DesignRefused as refusal:
        if not any(one.stops for one in problems):
            problems = [_stop(refusal, refusal.field, whole), *problems]
    return DesignPreview(
        tag=tag,
        tags=[(one, choices.language_name(one)) for one in design.languages],
        apple=apple,
        google=google,
        notices=notices,
        web=web,
        pictures={} if apple is None else {name: at(name) for name in apple.pictures},
        hero=at("google-hero"),
        logo=at("google-logo"),
        problems=problems,
    )


def _web(session: Session, design: Design, facts: Facts, tag: str, at: AddressOfPicture) -> Markup:
    if design.kind == "offer":
        return Markup()
    programme = pages.programme_row(session)
    unit = units.find(session, programme.id, None)
    symbology = symbologies.drawn(design, facts.barcode)
    with language.speaking(tag):
        words = designs.balance_words(design, unit, facts.points)
        card = WebCard(
            programme=programmes.name_in(session, programme, language.current()),
            look=Look("", {name: Picture(at(name), "", "") for name in ("logo", "strip")}),
            shows_points=designs.counts(design),
            label=words.label,
            points=language.amount(unit, facts.points),
            unit=words.unit,
            debt="",
            name=facts.name,
            number=designs.in_fours(facts.card_number),
            code=Markup(barcodes.svg(symbology, facts.barcode)),  # noqa: S704 - our own drawing
        )
        colours = (design.background, design.foreground, design.label_colour)
        drawn = render_template("console/cards/web.html", card=card, tag=tag, colours=colours)
    return Markup(drawn)  # noqa: S704 - of our own template


def _with_gaps_filled(design: Design) -> Design:
    """The design as it can be shown while somebody still works on it: words that every card has,
    and are missing yet, are dots. What is missing is among the problems."""
    first = design.languages[0]

    def filled(texts: Mapping[str, str]) -> Mapping[str, str]:
        return texts if texts.get(first) else {first: GAP}

    def shown(one: FieldDesign) -> FieldDesign:
        label = filled(one.label) if one.label else one.label
        change = one.change_message
        if change is not None and any(text.count(NEW_VALUE) != 1 for text in change.values()):
            change = None
        text = filled(one.text or {}) if one.shows == "text" else one.text
        return replace(
            one, label=label, change_message=filled(change) if change else None, text=text
        )

    return replace(
        design,
        organization=filled(design.names) if not design.organization_name else design.organization,
        description=filled(design.description),
        fields=tuple(map(shown, design.fields)),
        links=tuple(
            replace(one, label=filled(one.label))
            for one in design.links
            if rules.ADDRESS.fullmatch(one.url)
        ),
        locations=(),
    )


def _problems(session: Session, design: Design) -> list[DesignProblem]:
    """What keeps a design from being published, as far as it can be said: the first of it."""
    try:
        current_installation().require_signable(design)
        contrast.require(design)
        publishing.require_kind(session, pages.programme().id, design)
    except (DesignRefused, ImageRefused) as refusal:
        field = refusal.field if isinstance(refusal, DesignRefused) else refusal.name
        return [_stop(refusal, field, design)]
    return []


def _stop(refusal: DesignRefused | ImageRefused, field: str, design: Design) -> DesignProblem:
    reason = refusal.reason(language.current(), **_facts_in_words(refusal))
    where = place_in_words(field, design)
    sentence = f"{where}: {reason}" if where else f"{reason[:1].upper()}{reason[1:]}"
    return DesignProblem(sentence, form.anchor(field, design), stops=True)


def _facts_in_words(refusal: DesignRefused | ImageRefused) -> dict[str, str]:
    """The facts of a refusal that are words of the code, in those of the form."""
    facts = {name: str(fact) for name, fact in refusal.in_reason.items()}
    found: dict[str, str] = {
        name: choices.language_name(facts[name])
        for name in ("language", "default")
        if name in facts
    }
    if isinstance(refusal, DesignRefused):
        slot = facts.get("slot")
        if refusal.field == "languages" and "known" in facts:
            found["known"] = ", ".join(map(choices.language_name, facts["known"].split(", ")))
        if facts.get("place") == NEW_VALUE:
            found["place"] = form.place_of_value()
        for one, words in form.SLOTS.items():
            if one == slot:
                found["slot"] = f"“{_(words)}”"
    return found


def sentence_of(refusal: Refusal, design: Design) -> str:
    """Why a design is refused, with the words of the form for its parts."""
    if isinstance(refusal, DesignRefused):
        return _stop(refusal, refusal.field, design).sentence
    said = refusal.sentence(language.current())
    return f"{said[:1].upper()}{said[1:]}"


def place_in_words(place: str, design: Design) -> str:
    """What the form calls a part of the design; empty for what it has no name for."""
    head, _dot, rest = place.partition(".")
    if head == "fields" and rest:
        key = rest.rpartition(".")[0] if rest.rpartition(".")[2] in form.NAMES else rest
        one = next((one for one in design.fields if one.key == key), None)
        return "" if one is None else field_in_words(one.label, _(form.FACTS[one.shows]), design)
    words = {
        "background": _("Background"),
        "foreground": _("Text"),
        "label_colour": _("Labels"),
        "organization": _("Name of the shop"),
        "logo_text": _("Words beside the logo"),
        "description": _("What the card is"),
        "fields": _("Fields"),
        "links": _("Links"),
        "locations": _("Places"),
        "languages": _("Languages"),
        "symbology": _("Barcode"),
    }
    return words.get(head, "")


def field_in_words(label: Mapping[str, str], shows: str, design: Design) -> str:
    """What a field is called: by its label, else by what it shows."""
    said = label.get(language.current()) or label.get(design.languages[0])
    return f"«{said}»" if said and language.current() == "ru" else f"“{said}”" if said else shows


def _in_words(found: Sequence[Advice], design: Design) -> list[DesignProblem]:
    return [
        DesignProblem(_advised(one, design), form.anchor(one.place, design), stops=False)
        for one in found
    ]


def _advised(one: Advice, design: Design) -> str:
    facts = {
        "where": place_in_words(one.place, design),
        "language": choices.language_name(one.facts["language"]) if "language" in one.facts else "",
        "ratio": one.facts.get("ratio", ""),
        "most": one.facts.get("most", ""),
        "picture": picture_words(one.place),
        "word": one.facts.get("word", ""),
    }
    return _(ADVICE[one.code]) % facts


def picture_words(kind: str) -> str:
    """What the form calls a picture."""
    words = {
        "icon": _("Icon"),
        "logo": _("Logo"),
        "strip": _("Banner"),
        "thumbnail": _("Picture"),
        "poster": _("Poster"),
    }
    return words.get(kind, kind)


def require_fresh(session: Session, worked: WorkedDesign, known: str) -> str:
    """Who changed what is worked on since a form was opened with the mark `known`, in words; empty
    if nobody did. The caller has locked the programme."""
    if worked.mark == known:
        return ""
    if worked.draft is not None:
        return _(
            "%(author)s saved this draft meanwhile (%(when)s). Open it in another window and look;"
            " if you save once more, yours takes its place.",
            author=worked.draft.changed_by,
            when=moments.at(worked.draft.changed_at, pages.zone(), current_installation().clock()),
        )
    programme: Programme = pages.programme_row(session)
    return opened.meanwhile(session, "design", publishing.thing(programme, worked.purpose).id)
