"""Which status a refusal has: that of its family."""

from catalogues import refusals

from wallet.problems import status_of

NOT_FOUND = """
    member_erased unknown_campaign unknown_card unknown_event unknown_hold unknown_import
    unknown_member unknown_message unknown_offer unknown_pass unknown_posting unknown_programme
    unknown_receiver unknown_source unknown_unit unknown_wave staff_link_closed unknown_employee
    unknown_store unknown_till unknown_api_key unknown_adjustment unknown_segment unknown_list
    unknown_product unknown_category unknown_promotion unknown_receipt
    apple_not_set_up unknown_revision unknown_deed"""
CONFLICT = """
    already_reversed balance_too_large campaign_not_ready capture_too_large card_blocked
    card_expired card_void code_forged
    code_not_carried code_outdated code_used coupon_over coupon_used day_not_closed email_taken
    external_id_taken hold_closed hold_expired holds_open household_not_empty idempotency_conflict
    import_has_bad_rows import_not_ready import_repeated import_replaced insufficient_points
    member_merged no_message_field not_a_coupon not_reversible number_not_accepted offer_begun
    offer_for_one offer_not_shown offer_over other_programme pass_erased pass_lost phone_taken
    points_spent pooled_member programme_exists
    reversal_too_large same_member too_many_devices unit_exists wave_over
    no_percent_back nothing_earned store_not_named roles_changed_meanwhile
    adjustment_decided segment_changed segment_in_use wave_runs
    list_exists list_in_use campaign_begun member_unconfirmed payable_exceeded
    deed_not_reversible spend_needs_card spend_code_wrong spend_code_over spend_code_for_less
    spend_codes_too_many no_own_address codes_told_too_many
    barcode_taken category_cycle price_is_history
    promotion_exists promotion_not_published receipt_differs"""
INVALID = """
    amount_too_large api_key_refused backup_refused callback_refused consent_needed
    date_out_of_range dates_out_of_order design_refused employee_refused file_refused image_refused
    language_not_spoken message_refused nfc_certificate_missing not_money personal_data_not_kept
    personalization_invalid placeholder_malformed placeholder_not_filled plural_forms_wrong
    receiver_refused settings
    source_refused terms_refused text_missing title_missing too_many_decimals
    unknown_placeholder wrong_currency store_refused segment_refused list_refused
    product_refused category_refused promotion_refused price_missing receipt_refused
    too_many_lines"""
STATUSES = {
    **dict.fromkeys(NOT_FOUND.split(), 404),
    **dict.fromkeys(CONFLICT.split(), 409),
    **dict.fromkeys(INVALID.split(), 422),
    "changed_meanwhile": 412,
    "scope_missing": 403,
    "beyond_own_rights": 403,
    "own_adjustment": 403,
    "deed_not_own": 403,
    "seal_broken": 500,
    "certificate_problem": 503,
}


EVERY = [*refusals("ledger"), *refusals("wallet")]


def test_each_refusal_has_the_status_of_its_family() -> None:
    found = {kind.code: status_of(kind.__new__(kind)) for kind in EVERY}
    assert found == STATUSES


def test_a_code_is_one_refusal() -> None:
    assert len({kind.code for kind in EVERY}) == len(EVERY)
