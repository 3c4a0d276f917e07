"""Refusals of the wallet: members of the families in `ledger.errors`."""

from collections.abc import Sequence

from ledger.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal


class SettingsError(Invalid):
    """A setting is missing or does not fit; said at start, by the setting's name, and with all
    others that are wrong too: one line each."""

    code = "settings"

    def __init__(self, name: str, sentence: str, others: Sequence["SettingsError"] = ()) -> None:
        super().__init__("\n".join([f"{name}: {sentence}", *map(str, others)]))
        self.name = name
        self.sentence = sentence
        self.others = tuple(others)

    @classmethod
    def together(cls, problems: Sequence["SettingsError"]) -> "SettingsError":
        first, *others = problems
        return cls(first.name, first.sentence, others)


class CertificateProblem(Refusal):
    """A certificate folder cannot be used. `problem` is the stable word for what is wrong."""

    code = "certificate_problem"

    def __init__(self, problem: str, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem

    def named(self) -> str:
        """The sentence behind its word, for those who search by it."""
        return f"{self.problem}: {self}"


class ImageRefused(Invalid):
    """A picture cannot go into a pass. `problem` is the stable word for what is wrong."""

    code = "image_refused"

    def __init__(self, name: str, problem: str, sentence: str) -> None:
        super().__init__(f"{name}: {sentence}")
        self.name = name
        self.problem = problem


class DesignRefused(Invalid):
    """A card design cannot be used; `field` names the part that must change."""

    code = "design_refused"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field


class NfcRefused(DesignRefused):
    """A design with NFC, and no certificate for it: phones would not take such a pass."""

    code = "nfc_certificate_missing"

    def __init__(self, pass_type: str) -> None:
        super().__init__(
            "nfc",
            f"the certificate of {pass_type} was not issued for NFC, and phones refuse such a pass."
            " Ask Apple for an NFC certificate (developer.apple.com/contact/passkit), or leave nfc"
            " out.",
        )
        self.pass_type = pass_type


class AnswerUnfit(Invalid):
    """What a person wrote on the phone is not what was asked for."""

    code = "personalization_invalid"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}.")
        self.field = field


class UnknownPass(NotFound):
    code = "unknown_pass"

    def __init__(self) -> None:
        super().__init__("There is no such pass.")


class OfferNotShown(Conflict):
    code = "offer_not_shown"

    def __init__(self) -> None:
        super().__init__("This member is not shown this offer now.")


class NotACoupon(Conflict):
    code = "not_a_coupon"

    def __init__(self) -> None:
        super().__init__("This pass is a member's card: only coupons are used up.")


class CouponUsed(Conflict):
    code = "coupon_used"

    def __init__(self) -> None:
        super().__init__("This coupon has been used already.")


class CouponOver(Conflict):
    """`state`: `void`, or `expired`."""

    code = "coupon_over"

    def __init__(self, state: str) -> None:
        super().__init__(f"This coupon no longer counts: it is {state}.")
        self.state = state


class PassErased(Conflict):
    """Its member was erased: it is void for good."""

    code = "pass_erased"

    def __init__(self) -> None:
        super().__init__("The member of this pass was erased; it is void for good.")


class ScopeMissing(NotAllowed):
    """The API key lacks a right; `right` says in words what it may not do."""

    code = "scope_missing"

    def __init__(self, scope: str, right: str) -> None:
        super().__init__(f"This API key may not {right}.")
        self.scope = scope


class UnknownMessage(NotFound):
    code = "unknown_message"

    def __init__(self) -> None:
        super().__init__("There is no built-in message of this kind.")


class UnknownSource(NotFound):
    code = "unknown_source"

    def __init__(self) -> None:
        super().__init__("There is no webhook source of this name.")


class ApiKeyRefused(Invalid):
    code = "api_key_refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(f"API key: {sentence}")


class SourceRefused(Invalid):
    code = "source_refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Webhook source: {sentence}")


class UnknownWave(NotFound):
    code = "unknown_wave"

    def __init__(self) -> None:
        super().__init__("There is no such wave.")


class WaveOver(Conflict):
    """`state`: how it ended."""

    code = "wave_over"

    def __init__(self, state: str) -> None:
        super().__init__(f"This wave is over: {state}.")
        self.state = state


class TextMissing(Invalid):
    """A message needs words, in a language that we speak and not too many of them."""

    code = "text_missing"

    def __init__(self, languages: str, longest: int) -> None:
        super().__init__(
            f"Give at least one text in {languages}, from 1 to {longest} characters long."
        )
        self.languages = languages
        self.longest = longest


class UnknownPlaceholder(Invalid):
    """Nothing is known that could be put in this place of a text."""

    code = "unknown_placeholder"

    def __init__(self, language: str, placeholder: str, known: str) -> None:
        super().__init__(
            f"The text in {language}: nothing is known to put in place of {placeholder!r}; what can"
            f" be named here is {known}."
        )
        self.language = language
        self.placeholder = placeholder
        self.known = known


class PlaceholderMalformed(Invalid):
    """Braces that are none of ours: people would read them."""

    code = "placeholder_malformed"

    def __init__(self, language: str) -> None:
        super().__init__(
            f"The text in {language}: a placeholder is written {{{{points}}}}, or with what to say"
            " instead {{name|friend}}."
        )
        self.language = language


class UnknownCampaign(NotFound):
    code = "unknown_campaign"

    def __init__(self) -> None:
        super().__init__("There is no such campaign.")


class CampaignNotReady(Conflict):
    """What was asked is not possible in this state."""

    code = "campaign_not_ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"That is not possible now: the campaign is {state}.")
        self.state = state


class NoMessageField(Conflict):
    """The card's design has no field in which a message would be seen."""

    code = "no_message_field"

    def __init__(self, programme: str) -> None:
        super().__init__(
            f"The cards of {programme} have no field for messages: add one to the design that"
            ' shows "message" and has a change message.'
        )
        self.programme = programme


class MessageRefused(Invalid):
    """A built-in message cannot be set up like this; `field` names what must change."""

    code = "message_refused"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: this kind of message has no such setting, or needs it.")
        self.field = field


class CodeNotCarried(Conflict):
    """The barcode of a programme's cards cannot hold such a code."""

    code = "code_not_carried"

    def __init__(self, kind: str, symbology: str, carriers: Sequence[str]) -> None:
        super().__init__(
            f"A barcode of the kind {symbology} cannot carry a code of the kind {kind}; these can:"
            f" {', '.join(carriers)}."
        )
        self.kind = kind
        self.symbology = symbology
        self.carriers = ", ".join(carriers)


class CodeForged(Conflict):
    code = "code_forged"

    def __init__(self) -> None:
        super().__init__("This barcode is forged: it was not made by us.")


class CodeOutdated(Conflict):
    code = "code_outdated"

    def __init__(self) -> None:
        super().__init__(
            "This barcode has been replaced by a newer one. It may be a picture of the card; the"
            " card itself shows the new one once the phone is online."
        )


class CodeUsed(Conflict):
    code = "code_used"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"This barcode was scanned already. The card shows the next one within {seconds}"
            " seconds."
        )
        self.seconds = seconds


class NumberNotAccepted(Conflict):
    code = "number_not_accepted"

    def __init__(self) -> None:
        super().__init__(
            "This programme takes no numbers typed by hand: scan the barcode on the phone."
        )
