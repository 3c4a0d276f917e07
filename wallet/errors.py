"""Refusals of the wallet: members of the families in `ledger.errors`."""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from ledger import words
from ledger.contacts import Unfit
from ledger.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, WithReason
from ledger.languages import Language
from ledger.words import N_

SCOPE = "scope"  # the context in which the catalogue says what a key may do
EVENT = "event"  # and what events are called that receivers are told


class OfInstallation(Refusal):
    """A refusal for the operator of an installation, who reads it in a terminal or in a log:
    `str()` of it is in English, as everything is there. A caller of the API gets its `sentence`,
    which says in general what is wrong."""

    def __init__(self, english: str) -> None:
        super().__init__(english)
        self._english = english

    def __str__(self) -> str:
        return self._english


class SettingsError(OfInstallation, Invalid):
    """Settings are missing or do not fit. Said at start, one line for each, with the setting's
    name."""

    code = "settings"

    def __init__(self, name: str, sentence: str, others: Sequence["SettingsError"] = ()) -> None:
        super().__init__("\n".join([f"{name}: {sentence}", *map(str, others)]))
        self.name = name
        self._reason = sentence
        self.others = tuple(others)

    @classmethod
    def together(cls, problems: Sequence["SettingsError"]) -> "SettingsError":
        """One error that says all of these, at least one."""
        first, *others = problems
        return cls(first.name, first._reason, others)


class CertificateProblem(OfInstallation):
    """A certificate folder cannot be used. `problem` is the stable word for what is wrong."""

    code = "certificate_problem"

    def __init__(self, problem: str, english: str) -> None:
        super().__init__(english)
        self.problem = problem

    def named(self) -> str:
        """The sentence with `problem` in front, for operators who search by that word."""
        return f"{self.problem}: {self}"


class ImageRefused(WithReason, Invalid):
    """A picture cannot go into a pass. `problem` is the stable word for what is wrong."""

    code = "image_refused"

    def __init__(self, name: str, problem: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.name = name
        self.problem = problem


class DesignRefused(WithReason, Invalid):
    """A card design cannot be used; `field` names the part that must change."""

    code = "design_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class NfcRefused(DesignRefused):
    """A design with NFC, but the certificate was not issued for NFC: phones refuse such a pass."""

    code = "nfc_certificate_missing"

    def __init__(self, pass_type: str) -> None:
        super().__init__(
            "nfc",
            N_(
                "the certificate of {pass_type} was not issued for NFC, and phones refuse such a"
                " pass. Ask Apple for an NFC certificate (developer.apple.com/contact/passkit), or"
                " leave nfc out."
            ),
            pass_type=pass_type,
        )
        self.pass_type = pass_type


class AnswerUnfit(Invalid):
    """What a member wrote, when the phone asked whose pass it is, does not fit. `field`: which
    answer."""

    code = "personalization_invalid"

    def __init__(self, field: str, why: Unfit) -> None:
        self.field = field
        self._why = why

    def _places(self, language: Language) -> dict[str, object]:
        return {**super()._places(language), "reason": self._why.sentence(language)}


class UnknownPass(NotFound):
    """There is no pass with this serial number."""

    code = "unknown_pass"


class AppleNotSetUp(NotFound):
    """There are no passes for phones of Apple here: production has begun without its
    certificates."""

    code = "apple_not_set_up"


class OfferNotShown(Conflict):
    """The member is not shown this offer now."""

    code = "offer_not_shown"


class OfferForOne(Conflict):
    """The offer is for one member alone, and a campaign tells many."""

    code = "offer_for_one"


class NotACoupon(Conflict):
    """The pass is a member's card: only coupons are used up."""

    code = "not_a_coupon"


class CouponUsed(Conflict):
    """The coupon was used before; that can be done once."""

    code = "coupon_used"


class CouponOver(Conflict):
    """The coupon is not good any more. `state`: `void`, or `expired`."""

    code = "coupon_over"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a coupon"}

    def __init__(self, state: str) -> None:
        self.state = state


class PassErased(Conflict):
    """The member of this pass was erased: it is void for good."""

    code = "pass_erased"


class PassLost(Conflict):
    """The pass was lost with the phone it was on: it is void for good, and another one took its
    place."""

    code = "pass_lost"


class TooManyDevices(Conflict):
    """The pass is registered on as many devices as may be; Apple accepts pushes for all of them."""

    code = "too_many_devices"

    def __init__(self, most: int) -> None:
        self.most = most


class ScopeMissing(NotAllowed):
    """The API key lacks this right."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def _places(self, language: Language) -> dict[str, object]:
        right = words.catalogue_of(type(self)).text(language, self.scope, SCOPE)
        return {**super()._places(language), "right": right}


class UnknownMessage(NotFound):
    """There is no built-in message of this kind."""

    code = "unknown_message"


class BeyondOwnRights(NotAllowed):
    """What somebody would give to another is more than they may do themselves."""

    code = "beyond_own_rights"


class RolesChangedMeanwhile(Conflict):
    """Somebody else changed the roles of this person after the form was opened."""

    code = "roles_changed_meanwhile"


class UnknownApiKey(NotFound):
    """There is no such API key, or it is none that the asker may see."""

    code = "unknown_api_key"


class UnknownSource(NotFound):
    """There is no webhook source of this name."""

    code = "unknown_source"


class EmployeeRefused(WithReason, Invalid):
    """Somebody of the staff cannot have this password, code or passkey, or cannot go."""

    code = "employee_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class UnknownEmployee(NotFound):
    """Nobody of the staff has this address."""

    code = "unknown_employee"

    def __init__(self, email: str) -> None:
        self.email = email


class UnknownAdjustment(NotFound):
    """There is no such request to give a member points, or to take them away."""

    code = "unknown_adjustment"


class AdjustmentDecided(Conflict):
    """The request was decided before, or nobody decided it in time. `state`: what became of it."""

    code = "adjustment_decided"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of an adjustment"}

    def __init__(self, state: str) -> None:
        self.state = state


class OwnAdjustment(NotAllowed):
    """Nobody approves what they asked for themselves."""

    code = "own_adjustment"


class SpendNeedsCard(Conflict):
    """Here points are spent by who shows the card, and not by who names a phone number."""

    code = "spend_needs_card"


class UnknownDeed(NotFound):
    """No cashier of this programme did this."""

    code = "unknown_deed"


class DeedNotOwn(NotAllowed):
    """A cashier undoes what they did themselves today, and nothing else."""

    code = "deed_not_own"


class DeedNotReversible(Conflict):
    """What a cashier did cannot be undone: it was never carried out, or is no such thing."""

    code = "deed_not_reversible"


class StaffLinkClosed(NotFound):
    """A link of the console was used, is too old, or is none."""

    code = "staff_link_closed"


class ApiKeyRefused(WithReason, Invalid):
    """An API key cannot be made or revoked."""

    code = "api_key_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class SourceRefused(WithReason, Invalid):
    """A webhook source cannot be added or changed."""

    code = "source_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class UnknownReceiver(NotFound):
    """There is no receiver of events with this id or name."""

    code = "unknown_receiver"


class UnknownEvent(NotFound):
    """There is no such event for this receiver, or none any more."""

    code = "unknown_event"


class ReceiverRefused(WithReason, Invalid):
    """A receiver of events cannot be added, changed or tried."""

    code = "receiver_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class UnknownWave(NotFound):
    """There is no wave with this id."""

    code = "unknown_wave"


class WaveRuns(Conflict):
    """Cards are still being brought up to date, `seen` of `total`: what is published now would
    reach most of them twice."""

    code = "wave_runs"

    def __init__(self, seen: int, total: int) -> None:
        self.seen = seen
        self.total = total


class UnknownRevision(NotFound):
    """The design has no revision of this number."""

    code = "unknown_revision"


class WaveOver(Conflict):
    """The wave has ended. `state`: how."""

    code = "wave_over"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a wave"}

    def __init__(self, state: str) -> None:
        self.state = state


class TextMissing(Invalid):
    """A message has no text in one of these `languages`, or one that is empty or has more than
    `longest` characters."""

    code = "text_missing"
    plural = "longest"
    tongues = ("languages",)

    def __init__(self, languages: Collection[str], longest: int) -> None:
        self.languages = list(languages)
        self.longest = longest


class UnknownPlaceholder(Invalid):
    """A text has a placeholder that cannot be filled in this kind of message; those in `known`
    can."""

    code = "unknown_placeholder"
    tongues = ("language",)

    def __init__(
        self, language: str, placeholder: str, known: Collection[str], written: str = ""
    ) -> None:
        self.language = language
        self.placeholder = placeholder
        self.known = list(known)
        self._written = written or _in_braces(placeholder)

    def _places(self, language: Language) -> dict[str, object]:
        known = [_in_braces(one) for one in self.known]
        return {**super()._places(language), "written": self._written, "known": known}


class PluralFormsWrong(Invalid):
    """The word beside a number has another number of forms than its language; that has
    `needed`."""

    code = "plural_forms_wrong"
    plural = "needed"
    tongues = ("language",)

    def __init__(self, language: str, placeholder: str, needed: int, written: str) -> None:
        self.language = language
        self.placeholder = placeholder
        self.needed = needed
        self._written = written

    def _places(self, language: Language) -> dict[str, object]:
        return {**super()._places(language), "written": self._written}


class PlaceholderMalformed(Invalid):
    """A text has double braces that are no placeholder: members would read them."""

    code = "placeholder_malformed"
    tongues = ("language",)

    def __init__(self, language: str, written: str) -> None:
        self.language = language
        self._written = written

    def _places(self, language: Language) -> dict[str, object]:
        return {**super()._places(language), "written": self._written}


class PlaceholderNotFilled(Invalid):
    """A text that is the same for everybody, such as an announcement or the name of a shop, has
    double braces: `written` would be read just so."""

    code = "placeholder_not_filled"
    tongues = ("language",)

    def __init__(self, language: str, written: str) -> None:
        self.language = language
        self.written = written


def _in_braces(name: str) -> str:
    return f"{{{{{name}}}}}"


class UnknownCampaign(NotFound):
    """There is no campaign with this id."""

    code = "unknown_campaign"


class CampaignNotReady(Conflict):
    """What was asked is not possible while the campaign is in this state."""

    code = "campaign_not_ready"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a campaign"}

    def __init__(self, state: str) -> None:
        self.state = state


class CampaignBegun(Conflict):
    """The campaign has begun: for whom it is and what comes with it stays."""

    code = "campaign_begun"


class NoMessageField(Conflict):
    """The card's design has no field that shows a message and that phones announce."""

    code = "no_message_field"

    def __init__(self, programme: str) -> None:
        self.programme = programme


class MessageRefused(Invalid):
    """This kind of built-in message has no setting `field`, or it needs it and got none."""

    code = "message_refused"

    def __init__(self, field: str) -> None:
        self.field = field


class ConsentNeeded(Invalid):
    """Advertising may not go to members who refused it: `any` is for messages of service."""

    code = "consent_needed"


class CodeNotCarried(Conflict):
    """The barcode of a programme's cards cannot hold such a code; `carriers` can."""

    code = "code_not_carried"

    def __init__(self, kind: str, symbology: str, carriers: Sequence[str]) -> None:
        self.kind = kind
        self.symbology = symbology
        self.carriers = list(carriers)


class CodeForged(Conflict):
    """The barcode was not made by us."""

    code = "code_forged"


class CodeOutdated(Conflict):
    """A newer code has taken its place: what was scanned may be a photo of the card."""

    code = "code_outdated"


class CodeUsed(Conflict):
    """The barcode was scanned already; the card shows the next one within so many `seconds`."""

    code = "code_used"
    plural = "seconds"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds


class NumberNotAccepted(Conflict):
    """The programme accepts no card numbers typed by hand."""

    code = "number_not_accepted"
