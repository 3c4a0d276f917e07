"""What is refused, as a cashier reads it with a guest waiting: five words at most, and the whole
sentence below them for whoever asks."""

from collections.abc import Mapping

from ledger.errors import Refusal
from ledger.words import N_
from wallet.pages import language
from wallet.pages.language import gettext as _

SHORT: Mapping[str, str] = {
    "balance_too_large": N_("Too many points."),
    "card_blocked": N_("The card is blocked."),
    "card_expired": N_("The card has expired."),
    "card_void": N_("The card is void."),
    "code_forged": N_("The code is a forgery."),
    "code_outdated": N_("Old code: open the card."),
    "code_used": N_("Scanned already: wait half a minute."),
    "codes_told_too_many": N_("Too many codes: wait."),
    "coupon_over": N_("The coupon has ended."),
    "coupon_used": N_("The coupon was used."),
    "idempotency_conflict": N_("Scan the card again."),
    "insufficient_points": N_("Not enough points."),
    "member_erased": N_("There is no such card."),
    "member_unconfirmed": N_("Not confirmed: cannot spend yet."),
    "no_percent_back": N_("No percent back is set."),
    "no_own_address": N_("No phone and no e-mail."),
    "nothing_earned": N_("The amount is too small."),
    "number_not_accepted": N_("Scan the code instead."),
    "pass_lost": N_("The card was lost."),
    "payable_exceeded": N_("Too many points."),
    "phone_taken": N_("Somebody has this phone number."),
    "email_taken": N_("Somebody has this e-mail."),
    "points_spent": N_("The points are spent already."),
    "already_reversed": N_("Undone already."),
    "spend_code_over": N_("Ask for a new code."),
    "spend_code_wrong": N_("Wrong code."),
    "spend_codes_too_many": N_("Too many codes: wait."),
    "unknown_card": N_("There is no such card."),
}


def in_short(refusal: Refusal) -> tuple[str, str]:
    """The refusal in a few words, and its whole sentence; without a short form the sentence alone,
    and nothing below it."""
    whole = refusal.sentence(language.current())
    short = SHORT.get(refusal.code)
    return (whole, "") if short is None else (_(short), whole)
