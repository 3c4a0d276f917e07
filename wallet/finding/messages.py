"""What messages with codes and links say, each as a text and as a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ledger import words
from ledger.languages import Language
from ledger.programmes.units import Unit
from ledger.words import N_
from wallet import sentences
from wallet.channels import letter_page
from wallet.channels.channel import AddressKind, Outgoing
from wallet.finding.codes import LIVES, SPEND_LIVES, CodePurpose


@dataclass(frozen=True, slots=True)
class CodeTexts:
    """What a message with a code says, in English, and for how long the code works. Mail servers
    keep subjects in their logs: they do not name the code."""

    subject: str
    for_a_phone: str
    lead: str
    foot: str
    lives: timedelta


TEXTS: Mapping[CodePurpose, CodeTexts] = {
    "card": CodeTexts(
        N_("The code for your card: {programme}"),
        N_("{code} is the code for your card, {programme}. Tell it to nobody."),
        N_("Type this code on the page where you are looking for your card:"),
        N_(
            "It works once, for {minutes} minutes. Tell it to nobody: we never ask for it. If you"
            " are not looking for your card, you need not do anything."
        ),
        LIVES,
    ),
    "spend": CodeTexts(
        N_("The code to spend from your card: {programme}"),
        N_(
            "{code} is the code to spend {amount}, {programme}. Tell it to the cashier, and to"
            " nobody else."
        ),
        N_("Tell this code to the cashier to spend {amount}:"),
        N_(
            "It works once, for {minutes} minutes. If you are not buying anything, tell it to"
            " nobody: nothing is spent without it."
        ),
        SPEND_LIVES,
    ),
}

# Of a second card. Nothing of what is on the first: whoever has the phone in their hand may be a
# stranger. The text for a phone ends with the link, so that no sign clings to it.
LINK_SUBJECT = N_("A new card with your e-mail: {programme}")
LINK_FOR_A_PHONE = N_(
    "{programme}: somebody has just joined with this number. If it was you, open your first card"
    " here and make both one: {link}"
)
LINK_LEAD = N_(
    "Somebody has just got a new card with this e-mail, and you have a card with it already. If it"
    " was you, open this link: it leads to your card, and there you can make both cards one."
)
LINK_BUTTON = N_("To my card")
LINK_FOOT = N_(
    "The link works for one hour. If it was not you, you need not do anything: who joined does not"
    " see your card."
)


def amount(unit: Unit, points: int, language: Language) -> str:
    """So many of a unit, with its word; money names itself."""
    number = words.value_in(language, unit.amount(points))
    if unit.kind == "money":
        return number
    one, many = (N_("stamp"), "stamps") if unit.kind == "stamps" else (N_("point"), "points")
    return f"{number} {sentences.CATALOGUE.text(language, one, number=points, plural=many)}"


def with_code(
    purpose: CodePurpose,
    kind: AddressKind,
    id_: str,
    address: str,
    code: str,
    language: Language,
    facts: Mapping[str, str],
) -> Outgoing:
    """The message with this code. `facts`: what its texts name besides."""
    texts = TEXTS[purpose]
    minutes = str(texts.lives // timedelta(minutes=1))

    def say(text: str) -> str:
        return sentences.of_text(text, language, code=code, minutes=minutes, **facts)

    subject, lead, foot = say(texts.subject), say(texts.lead), say(texts.foot)
    page = letter_page.drawn(language, subject, lead, foot, code=code)
    text = say(texts.for_a_phone) if kind == "phone" else f"{lead}\n\n{code}\n\n{foot}\n"
    return Outgoing(id_, address, language, subject, text, page)


def with_link(
    kind: AddressKind, id_: str, address: str, link: str, language: Language, programme: str
) -> Outgoing:
    """The message with this link to a second card."""

    def say(text: str) -> str:
        return sentences.of_text(text, language, programme=programme, link=link)

    subject, lead, foot = say(LINK_SUBJECT), say(LINK_LEAD), say(LINK_FOOT)
    page = letter_page.drawn(language, subject, lead, foot, link=link, button=say(LINK_BUTTON))
    text = say(LINK_FOR_A_PHONE) if kind == "phone" else f"{lead}\n\n{link}\n\n{foot}\n"
    return Outgoing(id_, address, language, subject, text, page)
