"""A card before any vendor sees it: its design, and what one member's card shows right now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from ledger import languages, words
from ledger.money import Amount, Money
from wallet.passes.parts import (
    Action,
    App,
    BackMessage,
    Beacon,
    Enrolment,
    Link,
    Named,
    NearField,
    Place,
    RelevantTime,
    Translations,
)

Slot = Literal["header", "primary", "secondary", "auxiliary", "back"]
Symbology = Literal["qr", "pdf417", "aztec", "code128", "code39", "codabar", "ean13", "itf"]
Fact = Literal[
    "points", "name", "offer", "offers", "card", "programme", "expires", "text", "message"
]
PassKind = Literal["loyalty", "offer", "gift_card", "generic"]
PassState = Literal["active", "void", "expired", "used"]
NumberFormat = Literal["decimal", "percent", "scientific", "spelled"]
DateFormat = Literal["none", "short", "medium", "long", "full"]
Alignment = Literal["left", "center", "right", "natural"]
Detector = Literal["phone", "link", "address", "calendar"]

LONGEST_MESSAGE = 500  # characters; a lock screen shows only the first of them
# The pass type of a pass that was issued while Apple was not set up: it gets one when it is first
# signed (`issued.give_type`).
NO_PASS_TYPE = ""
# The value of an empty field. It is not left out: a phone may be silent about a field that is new.
NOTHING = "—"


@dataclass(frozen=True, slots=True)
class FieldDesign:
    """One field of the card; `shows` names the fact in it.

    If a field has a `change_message`, the phone says so when the value changes; `%@` in it stands
    for the new value. `text` is what a field shows that shows "text"; `linked` is that text with
    links in it. At most one format is given: `number`, `currency`, or `date` with `time`."""

    key: str
    slot: Slot
    label: Translations
    shows: Fact
    change_message: Translations | None = None
    text: Translations | None = None
    linked: Translations | None = None
    number: NumberFormat | None = None
    currency: str | None = None
    date: DateFormat | None = None
    time: DateFormat | None = None
    relative: bool = False
    ignores_time_zone: bool = False
    alignment: Alignment | None = None
    detectors: tuple[Detector, ...] | None = None
    semantics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Design:
    """How the cards of a programme look and which words they use; colours are `#rrggbb`.
    `organization` and `logo_text` are in the first language, or in several.

    `kind`: a member's card, an offer, a gift card, or a card that only says who its holder is.
    `pass_type` is Apple's pass type, if it is not that of the installation. `fallback` is the
    barcode for phones that cannot draw `symbology`. `max_distance` is in metres. `expires` is in
    ISO 8601. Cards with the same word in `grouping` are stacked. `semantics` and `user_info` are
    for machines and never shown."""

    organization: Named
    description: Translations
    languages: tuple[str, ...]
    fields: tuple[FieldDesign, ...]
    kind: PassKind = "loyalty"
    pass_type: str | None = None
    logo_text: Named = ""
    background: str = "#1f3a5f"
    foreground: str = "#ffffff"
    label_colour: str = "#d7e3f4"
    symbology: Symbology = "qr"
    fallback: Symbology | None = None
    relevant_dates: tuple[RelevantTime, ...] = ()
    locations: tuple[Place, ...] = ()
    beacons: tuple[Beacon, ...] = ()
    max_distance: int | None = None
    nfc: NearField | None = None
    enrolment: Enrolment | None = None
    app: App | None = None
    featured_actions: tuple[Action, ...] = ()
    links: tuple[Link, ...] = ()
    messages: tuple[BackMessage, ...] = ()
    expires: str | None = None
    voided: bool = False
    sharing_prohibited: bool = True
    grouping: str | None = None
    semantics: Mapping[str, Any] = field(default_factory=dict)
    user_info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> Translations:
        """What the organisation is called: in the first language, or in several."""
        return self._in_several(self.organization)

    @property
    def organization_name(self) -> str:
        """The name of the organisation in the first language."""
        return self.names.get(self.languages[0], "")

    @property
    def logo_texts(self) -> Translations:
        """The text beside the logo: in the first language, or in several."""
        return self._in_several(self.logo_text)

    def renamed(self, was: Collection[str], names: Translations) -> "Design":
        """The design of a shop that is called otherwise from now on, in the languages of `names`.
        Only what calls it as it `was` called does so; other words are the design's own."""

        def anew(text: str | Translations) -> str | Translations:
            if isinstance(text, str):
                tag = self.languages[0]
                return names[tag] if tag in names and text in was else text
            called_so = {tag for tag, said in text.items() if said in was}
            return {
                tag: names[tag] if tag in called_so and tag in names else said
                for tag, said in text.items()
            }

        return replace(self, organization=anew(self.organization), logo_text=anew(self.logo_text))

    def _in_several(self, text: str | Translations) -> Translations:
        return {self.languages[0]: text} if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class OfferShown:
    """An offer as a member sees it; `until` is already in words, or empty. `others`: the same in
    each language of the programme, if it was written in several."""

    title: str
    text: str = ""
    until: str = ""
    others: Mapping[str, "OfferShown"] = field(default_factory=dict)

    @property
    def in_full(self) -> str:
        """All that is said of the offer."""
        return "\n".join(part for part in (self.title, self.text, self.until) if part)

    def in_language(self, language: str) -> "OfferShown":
        """The offer as readers of this language see it, of which the member may be none."""
        known = languages.best(self.others, language)
        return self if known is None else self.others[known]


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The message that was last written for a member. `points` is the balance that it speaks of, if
    it speaks of one; `id` distinguishes it from another message with the same words."""

    id: str
    text: str
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a member now, as far as a card may show it. `offers`: newest first.
    `accepted`: whether tills take the number. `voided`: void for good, without a number and a
    barcode. `blocked`: the card may be in wrong hands, and shows nothing of its member until they
    come. `points` and `debt` (what the member owes) are whole pieces; if they are money, they have
    a `currency` and `scale` decimal places. `rotating`: a wallet that can draw a code that changes
    by itself shall do so. `locale` is the language that the member chose, if they did."""

    programme: str
    card_number: str
    barcode: str
    name: str
    points: int
    offers: tuple[OfferShown, ...] = ()
    voided: bool = False
    message: LastMessage | None = None
    scale: int = 0
    currency: str | None = None
    rotating: bool = False
    locale: str | None = None
    blocked: bool = False
    accepted: bool = True
    debt: int = 0

    @property
    def says_nothing(self) -> bool:
        """Whether the card shows nothing of its member, for good or until they come."""
        return self.voided or self.blocked

    @property
    def amount(self) -> Amount:
        """The points as people are told of them: as money if they are money."""
        if self.currency is None:
            return self.points
        return Money.of(self.points, self.scale, self.currency)


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether a pass is valid: what was decided about this one pass, apart from what it shows.
    `expires` is the moment from which it is not valid, in ISO 8601, or empty. `asks`: the phone
    shall ask its owner who they are."""

    state: PassState = "active"
    expires: str = ""
    asks: bool = False


GOOD = Validity()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field with its value. Numbers stay numbers: the phone formats them in its own language.
    `announce` says whether the phone may tell its owner of this value. Money is in whole pieces, of
    which `scale` decimal places make one unit of the `currency`. `said`: a text in other languages
    too, for wallets that choose by the language of the phone."""

    key: str
    value: str | int
    announce: bool = True
    scale: int = 0
    currency: str | None = None
    said: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """All that one member's card shows at a moment, and nothing else: two equal contents are the
    same card. `values` are in the order of the design's fields. `voided`: the member was erased or
    the pass was lost, which is final; what can be taken back is in `state`. `asks`: the phone asks
    its owner who they are. `message` is the id of the message among the values. `rotating`: a
    wallet that can draw a code that changes by itself does so."""

    barcode: str
    card_number: str
    values: tuple[FieldValue, ...]
    voided: bool = False
    state: PassState = "active"
    expires: str = ""
    asks: bool = False
    message: str = ""
    rotating: bool = False


def render(design: Design, facts: Facts, standing: Validity = GOOD) -> Content:
    """Fill the design's fields. A decision about this one pass (`standing`) wins over the
    design."""
    expires = standing.expires or design.expires or ""
    is_void = design.voided or facts.blocked
    shown = any(field.shows == "message" for field in design.fields)
    return Content(
        barcode=facts.barcode,
        card_number=facts.card_number,
        values=tuple(_shown(field, design, facts, expires) for field in design.fields),
        voided=facts.voided,
        state="void" if is_void and standing.state == "active" else standing.state,
        expires=expires,
        asks=standing.asks and not facts.says_nothing,
        message=facts.message.id if facts.message is not None and shown else "",
        rotating=facts.rotating,
    )


def announces_messages(design: Design) -> bool:
    """Whether a phone tells its owner of a message: a field must show it and have a change
    message."""
    return any(
        field.shows == "message" and field.change_message is not None for field in design.fields
    )


def _shown(field: FieldDesign, design: Design, facts: Facts, expires: str) -> FieldValue:
    value: str | int
    said: dict[str, str] | None = None
    match field.shows:
        case "text":
            value = (field.text or {}).get(design.languages[0], "")
        case "expires":
            value = _last_day(expires)
        case "points":
            # A card becomes void in silence. If the message speaks of the balance, the balance is
            # not announced as well: of two announcements a phone makes one empty sentence.
            told = facts.message is not None and facts.message.points == facts.points
            announce = not (facts.says_nothing or told)
            return FieldValue(field.key, facts.points, announce, facts.scale, facts.currency)
        case "name":
            value = facts.name
        case "card":
            value = facts.card_number
        case "programme":
            value = facts.programme
        case "offer":
            value = facts.offers[0].title if facts.offers else ""
            said = {
                language: facts.offers[0].in_language(language).title
                for language in _written_in(facts.offers[:1], design)
            }
        case "offers":
            value = "\n\n".join(offer.in_full for offer in facts.offers)
            said = {
                language: "\n\n".join(one.in_language(language).in_full for one in facts.offers)
                for language in _written_in(facts.offers, design)
            }
        case "message":
            value = facts.message.text if facts.message is not None else ""
    # An empty field is not announced: the notification would only say "—".
    return FieldValue(field.key, value or NOTHING, announce=bool(value), said=said or None)


def _written_in(offers: Sequence[OfferShown], design: Design) -> Sequence[str]:
    """The languages in which these offers are to be had besides the member's; none if all of them
    were written in one."""
    written = dict.fromkeys(language for offer in offers for language in offer.others)
    return list(dict.fromkeys([*design.languages, *written])) if written else []


def _last_day(expires: str) -> str:
    """A moment of the last day on which the pass counts. Wallets show the day of the moment that
    they are given: midnight would be the day after."""
    if not expires:
        return ""
    end = datetime.fromisoformat(expires)
    shown = words.last_moment(end) if words.ends_with_a_day(end) else end
    return shown.isoformat(timespec="seconds")
