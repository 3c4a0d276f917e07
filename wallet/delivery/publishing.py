"""A design becomes that of all cards: published, or brought back, by whatever door, with all that
follows. Cards follow in a wave; a design that is the current one already changes nothing and wakes
no phone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from sqlalchemy.orm import Session

from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.delivery import programme_changes, waves
from wallet.delivery.refresh import MakeDue, refresh
from wallet.delivery.waves import Wave
from wallet.errors import DesignRefused, UnknownRevision, WaveRuns
from wallet.passes import drafts, issued, templates
from wallet.passes.content import Design
from wallet.passes.issued import Pass
from wallet.passes.parts import Translations
from wallet.passes.templates import DesignPurpose, Template

# Whether cards of a design can be made here; raises `DesignRefused`. What it takes is known to the
# wallets, see `Installation.require_signable`.
DesignCheck = Callable[[Design], None]


@dataclass(frozen=True, slots=True)
class PublishedDesign:
    """What came of it: the design that cards have now, its number, whether it is another one than
    before, and the wave that brings it to the cards, if it is."""

    template: Template
    number: int
    is_new: bool
    wave: Wave | None


def publish(
    session: Session,
    programme: Programme,
    wanted: Design,
    images: Mapping[str, bytes],
    require: DesignCheck,
    by: Author,
    now: datetime,
) -> PublishedDesign:
    """Make this the design of the programme's cards, or of its coupons. A draft of it is done with.
    Raises `DesignRefused`, `ImageRefused`, `CodeNotCarried`; `WaveRuns` while cards follow another
    design."""
    programme_changes.hold(session, programme)  # of two people one is the later
    require(wanted)
    require_kind(session, programme.id, wanted)
    purpose = templates.purpose_of(wanted)
    before = templates.find(session, programme.id, purpose)
    stored = templates.store(session, programme.id, wanted, images, now)
    running = waves.of_designs(session, programme.id)
    if running is not None and (before is None or stored.id != before.id):
        raise WaveRuns(running.seen, running.total)
    draft = drafts.find(session, programme.id, purpose)
    if draft is not None:
        drafts.drop(session, draft)
    return _carry_out(session, programme, before, stored, "design.published", by, now)


def roll_back(
    session: Session,
    programme: Programme,
    purpose: DesignPurpose,
    number: int,
    require: DesignCheck,
    by: Author,
    now: datetime,
) -> PublishedDesign:
    """Make an earlier revision the current design again, as a new one. It is the remedy for one
    that went wrong, so it waits for nobody: a wave that still brings another design to cards is
    ended. Raises `UnknownRevision`, and what `publish` raises but for `WaveRuns`."""
    programme_changes.hold(session, programme)
    earlier = revision(session, programme.id, purpose, number)
    before = templates.find(session, programme.id, purpose)
    wanted = as_brought_back(session, programme, earlier)
    require(wanted)
    require_kind(session, programme.id, wanted)
    if wanted == templates.design(earlier):
        stored = templates.bring_back(session, earlier, now)
    else:
        stored = templates.change(session, earlier, wanted, now)
    running = waves.of_designs(session, programme.id)
    if running is not None and before is not None and stored.id != before.id:
        waves.cancel(session, running.public_id, now)
    code = "design.rolled_back"
    return _carry_out(session, programme, before, stored, code, by, now, that_of=number)


def as_brought_back(session: Session, programme: Programme, earlier: Template) -> Design:
    """An earlier design as it would be today: the programme has kept the name that it has now."""
    names = programmes.names(session, programme)
    return templates.design(earlier).renamed(programmes.former_names(session, programme), names)


def rename(
    session: Session, programme: Programme, names: Translations, by: Author, now: datetime
) -> None:
    """Call the programme so from now on, by language. Its cards and coupons follow where they call
    it as it was called, and so do drafts; a wave that is under way begins anew, since it has to
    bring the name as well. Raises `TermsRefused`, `PlaceholderNotFilled`."""
    programme_changes.hold(session, programme)
    was = programmes.names(session, programme)
    fit = {language: programmes.fit_text("name", name) for language, name in names.items()}
    wanted = {language: name for language, name in fit.items() if was.get(language) != name}
    for language, name in wanted.items():
        programme_changes.say(session, programme, "name", language, name, by, now)
    for purpose in get_args(DesignPurpose):
        _rename_cards(session, programme, purpose, was.values(), wanted, by, now)
        draft = drafts.find(session, programme.id, purpose)
        if draft is not None:
            renamed = drafts.design(draft).renamed(was.values(), wanted)
            if renamed != drafts.design(draft):
                drafts.save(session, draft, renamed, by.name, now)


def _rename_cards(
    session: Session,
    programme: Programme,
    purpose: DesignPurpose,
    was: Collection[str],
    names: Translations,
    by: Author,
    now: datetime,
) -> None:
    before = templates.find(session, programme.id, purpose)
    if before is None:
        return
    renamed = templates.design(before).renamed(was, names)
    if renamed == templates.design(before):
        return
    stored = templates.change(session, before, renamed, now)
    running = waves.of_designs(session, programme.id)
    if running is not None:
        waves.cancel(session, running.public_id, now)
    _carry_out(session, programme, before, stored, "design.published", by, now)


def try_on(
    session: Session,
    pass_: Pass,
    wanted: Design,
    images: Mapping[str, bytes],
    require: DesignCheck,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
) -> Template:
    """Show a design on this one pass, to see it in a phone, until one is published for all. Raises
    what `publish` raises but for `WaveRuns`, and `PassErased`, `PassLost`."""
    require(wanted)
    require_kind(session, pass_.programme_id, wanted)
    if templates.purpose_of(wanted) != ("card" if pass_.offer_id is None else "offer"):
        raise DesignRefused("kind", "this design is for other passes than this one.")
    stored = templates.store_trial(session, pass_.programme_id, wanted, images, now)
    issued.try_on(session, pass_, stored.id)
    refresh(session, [pass_.id], make_due, now)
    changes.note(session, by, "design.tried", of_pass(pass_), now)
    return stored


def take_off(
    session: Session, pass_: Pass, make_due: Sequence[MakeDue], by: Author, now: datetime
) -> None:
    """Show on this pass the design of all others again. Raises `PassErased`, `PassLost`."""
    issued.try_on(session, pass_, None)
    refresh(session, [pass_.id], make_due, now)
    changes.note(session, by, "design.taken_off", of_pass(pass_), now)


def revision(session: Session, programme_id: int, purpose: DesignPurpose, number: int) -> Template:
    """The revision of this number. Raises `UnknownRevision`."""
    found = templates.revisions(session, programme_id, purpose)
    if not 1 <= number <= len(found):
        raise UnknownRevision
    return found[number - 1]


def require_kind(session: Session, programme_id: int, design: Design) -> None:
    """Raises `DesignRefused` if a gift card is wanted and the main unit is not money, or if cards
    of another kind were issued: Google cannot change the kind of a card."""
    unit = units.named(session, programme_id, None)
    if design.kind == "gift_card" and unit.currency is None:
        raise DesignRefused(
            "kind",
            "gift cards hold money, and this programme's main unit is none: create one with"
            " `wallet programmes add CODE NAME --gift-cards RUB`.",
        )
    found = templates.find(session, programme_id, templates.purpose_of(design))
    kind = templates.design(found).kind if found is not None else design.kind
    if kind != design.kind and issued.in_programme(session, programme_id, 0, 1):
        raise DesignRefused(
            "kind", "this programme has issued cards of the kind {kind}.", kind=kind
        )


def thing(programme: Programme, purpose: DesignPurpose) -> ChangedThing:
    """The design as the record of changes names it."""
    return ChangedThing("design", f"{programme.code} {purpose}", programme.id)


def of_pass(pass_: Pass) -> ChangedThing:
    """A pass as the record of changes names it."""
    return ChangedThing("pass", pass_.serial, pass_.programme_id, pass_.member_id)


def _carry_out(
    session: Session,
    programme: Programme,
    before: Template | None,
    stored: Template,
    code: str,
    by: Author,
    now: datetime,
    that_of: int | None = None,
) -> PublishedDesign:
    """Let the cards follow, if the design is another than before, and note it."""
    number = templates.number_of_revisions(session, programme.id, stored.purpose)
    if before is not None and before.id == stored.id:
        return PublishedDesign(stored, number, is_new=False, wave=None)
    wave = waves.start(session, programme.id, now)
    after = {"version": number, "that_of": that_of}
    of = thing(programme, stored.purpose)
    changes.note(session, by, code, of, now, {"version": number - 1}, after)
    return PublishedDesign(stored, number, is_new=True, wave=wave)
