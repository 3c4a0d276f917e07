"""What each code of a refusal means, and what to do about it: for the page that `type` of a problem
leads to, for the OpenAPI document, and for docs/api.md."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.words import N_


@dataclass(frozen=True, slots=True)
class Explanation:
    """`status`: of the answer. `means`: what happened. `do`: what the caller can do about it. Both
    are English sentences that the catalogue knows."""

    status: int
    means: str
    do: str


REMEDIES: Mapping[str, Explanation] = {
    "malformed_json": Explanation(
        400,
        N_("The body is not JSON."),
        N_("Send a JSON document in UTF-8, each name in it once."),
    ),
    "bad_request": Explanation(
        400,
        N_("The request cannot be read."),
        N_("Compare it with the description of the call."),
    ),
    "idempotency_key_missing": Explanation(
        400,
        N_("This call needs an `Idempotency-Key`."),
        N_("Send a text that is new for each operation and the same when it is repeated."),
    ),
    "idempotency_key_invalid": Explanation(
        400,
        N_("The `Idempotency-Key` is too long, or has signs that cannot be printed."),
        N_("Use at most 255 printable characters."),
    ),
    "key_missing": Explanation(
        401,
        N_("The request has no API key."),
        N_("Send `Authorization: Bearer` and your key."),
    ),
    "key_unknown": Explanation(
        401,
        N_("No live API key is like this one."),
        N_("Check that the key is whole; the operator may have revoked it and can make another."),
    ),
    "key_expired": Explanation(
        401,
        N_("The time of this API key is over."),
        N_("Ask the operator for a new key."),
    ),
    "signature_invalid": Explanation(
        401,
        N_("The signature of the webhook is missing or wrong."),
        N_("Sign id, timestamp and the exact bytes of the body with the secret of the source."),
    ),
    "timestamp_outside_window": Explanation(
        401,
        N_("The webhook was signed more than five minutes ago, or in the future."),
        N_("Sign each attempt anew, and set your clock."),
    ),
    "scope_missing": Explanation(
        403,
        N_("The API key lacks the right in `scope`."),
        N_("Ask the operator for a key with this scope."),
    ),
    "not_found": Explanation(
        404,
        N_("There is nothing at this address."),
        N_("Check the address against the list of calls."),
    ),
    "method_not_allowed": Explanation(
        405,
        N_("This address does not take this method."),
        N_("The header `Allow` says which it takes."),
    ),
    "body_too_large": Explanation(
        413,
        N_("The body is larger than this call takes."),
        N_("Send it in several parts."),
    ),
    "not_json": Explanation(
        415,
        N_("The body is said to be something other than JSON."),
        N_("Send `Content-Type: application/json`."),
    ),
    "body_compressed": Explanation(
        415,
        N_("The body is compressed."),
        N_("Send it without `Content-Encoding`."),
    ),
    "invalid_request": Explanation(
        422,
        N_("Fields of the request do not fit; `errors` names each of them."),
        N_("Correct the fields in `errors`; the table of field codes says what each code means."),
    ),
    "cursor_invalid": Explanation(
        422,
        N_("The cursor is none of ours."),
        N_("Use `next_cursor` as it is."),
    ),
    "date_invalid": Explanation(
        422,
        N_("The address needs a day."),
        N_("Write it as `2026-12-31`."),
    ),
    "given_twice": Explanation(
        422,
        N_("The field stands in the address and in the form."),
        N_("Send it in one of the two."),
    ),
    "file_missing": Explanation(
        422,
        N_("The form has no file, or more than one."),
        N_("Send exactly one file, as `file`."),
    ),
    "too_many_requests": Explanation(
        429,
        N_("Too many requests came from this key or address."),
        N_("Wait for as many seconds as `Retry-After` says, then go on."),
    ),
    "internal_error": Explanation(
        500,
        N_("Something went wrong here. It has been noted."),
        N_(
            "Repeat the request with the same key; if it stays so, tell the operator the "
            "`X-Request-Id`."
        ),
    ),
    "seal_broken": Explanation(
        500,
        N_("The posting is not as it was sealed."),
        N_("Tell the operator: somebody changed the book."),
    ),
    "storage_full": Explanation(
        503,
        N_("The database has no room."),
        N_("Ask again after `Retry-After` seconds, with the same key."),
    ),
    "database_unavailable": Explanation(
        503,
        N_("The database does not answer."),
        N_("Ask again after `Retry-After` seconds, with the same key."),
    ),
    "certificate_problem": Explanation(
        503,
        N_("The operator's certificate is missing, over, or does not fit."),
        N_("Tell the operator: `wallet certs check` says what is wrong."),
    ),
    "not_http": Explanation(
        400,
        N_("What came is not a request as HTTP writes it."),
        N_("Use a library that speaks HTTP."),
    ),
    "request_too_slow": Explanation(
        408,
        N_("The request did not come to its end in time."),
        N_("Send it again, faster."),
    ),
    "address_too_long": Explanation(
        414,
        N_("The address is too long."),
        N_("Ask for less at once."),
    ),
    "expectation_unknown": Explanation(
        417,
        N_("The header `Expect` asks for something unknown."),
        N_("Leave the header out."),
    ),
    "headers_too_large": Explanation(
        431,
        N_("The headers are too many or too long."),
        N_("Send fewer of them."),
    ),
    "transfer_coding_unknown": Explanation(
        501,
        N_("The body is sent in a coding that is not known here."),
        N_("Send it as it is, or with `Transfer-Encoding: chunked`."),
    ),
    "push_token_missing": Explanation(
        400,
        N_("The phone sent no token for pushes."),
        N_("This is between Apple's phones and the service; nothing to do for integrations."),
    ),
    "device_id_invalid": Explanation(
        400,
        N_("The phone sent no usable id of its own."),
        N_("This is between Apple's phones and the service; nothing to do for integrations."),
    ),
    "personalization_token_missing": Explanation(
        400,
        N_("The phone sent no token with its owner's answers."),
        N_("Fill in the form on the phone once more."),
    ),
    "personalization_info_missing": Explanation(
        400,
        N_("The phone sent none of its owner's answers."),
        N_("Fill in the form on the phone once more."),
    ),
    "personalization_invalid": Explanation(
        422,
        N_("An answer of the phone's owner does not fit; `field` says which."),
        N_("Correct it on the phone and send it again."),
    ),
    "logs_missing": Explanation(
        400,
        N_("The phone's report has no lines."),
        N_("This is between Apple's phones and the service; nothing to do for integrations."),
    ),
    "callback_refused": Explanation(
        422,
        N_("A message about a saved card is not from Google as it should be; `problem` says why."),
        N_("This is between Google and the service; operators look into the log."),
    ),
    "too_many_devices": Explanation(
        409,
        N_("The pass is on as many devices as may be."),
        N_("Remove it from a device that is not used any more."),
    ),
    "unknown_programme": Explanation(
        404,
        N_("There is no programme with this code, or the key does not open it."),
        N_("`GET /programmes` lists those that the key opens."),
    ),
    "unknown_unit": Explanation(
        404,
        N_("The programme counts nothing with this code."),
        N_("The `units` of `GET /programmes` say what it counts."),
    ),
    "unknown_member": Explanation(
        404,
        N_("There is no such member in the programmes that the key opens."),
        N_("Check the id; ids of other installations mean nothing here."),
    ),
    "unknown_card": Explanation(
        404,
        N_("There is no such card number in the programmes that the key opens."),
        N_("Scan again, or find the member by phone."),
    ),
    "unknown_offer": Explanation(
        404,
        N_("There is no offer with this id."),
        N_("`GET /offers` lists those of a programme."),
    ),
    "unknown_posting": Explanation(
        404,
        N_("There is no posting with this id."),
        N_("Take the `id` of the answer that made it, or of the statement."),
    ),
    "unknown_hold": Explanation(
        404,
        N_("There is no hold with this id."),
        N_("Take the `id` of the answer that placed it."),
    ),
    "unknown_pass": Explanation(
        404,
        N_("There is no pass with this id."),
        N_("`GET /members/…/passes` lists those of a member."),
    ),
    "unknown_campaign": Explanation(
        404,
        N_("There is no campaign with this id."),
        N_("`GET /campaigns` lists those of a programme."),
    ),
    "unknown_message": Explanation(
        404,
        N_("There is no built-in message of this kind."),
        N_("`GET /programmes/…/messages` lists them."),
    ),
    "unknown_import": Explanation(
        404,
        N_("There is no import with this id."),
        N_("`GET /imports` lists them."),
    ),
    "unknown_source": Explanation(
        404,
        N_("There is no webhook source of this name."),
        N_(
            "The operator lists them with `wallet sources list`, and adds one with `wallet sources "
            "add`."
        ),
    ),
    "unknown_receiver": Explanation(
        404,
        N_("There is no receiver with this id."),
        N_("`GET /receivers` lists them."),
    ),
    "unknown_event": Explanation(
        404,
        N_("There is no such event for this receiver, or it is not kept any more."),
        N_("Events are kept for thirty days."),
    ),
    "unknown_wave": Explanation(
        404,
        N_("There is no wave with this id."),
        N_("`GET /waves` lists them."),
    ),
    "member_erased": Explanation(
        404,
        N_("The person was erased; the id stands for nobody any more."),
        N_("Forget the id too. Nothing brings the person back."),
    ),
    "member_merged": Explanation(
        409,
        N_("The member was merged into the one in `into`."),
        N_("Use the id in `into`."),
    ),
    "card_blocked": Explanation(
        409,
        N_("Tills refuse this number; `state` says why."),
        N_(
            "`replaced`: the member has another number. `lost`: it is in wrong hands. `blocked`: "
            "ask for `unblock` or a replacement."
        ),
    ),
    "card_void": Explanation(
        409,
        N_("The card was made void."),
        N_("Make it good again with `restore`, or use another number of the member."),
    ),
    "card_expired": Explanation(
        409,
        N_("The card was good until a moment that is over."),
        N_("Make it good again with `restore`, or use another number of the member."),
    ),
    "external_id_taken": Explanation(
        409,
        N_("Another member of the programme has this `external_id`."),
        N_("Find that member by it; they may be the same person."),
    ),
    "phone_taken": Explanation(
        409,
        N_("Another member of the programme has this phone number."),
        N_("Find that member by phone; they may be the same person."),
    ),
    "email_taken": Explanation(
        409,
        N_("Another member of the programme has this mail address."),
        N_("Find that member by e-mail; they may be the same person."),
    ),
    "member_unconfirmed": Explanation(
        409,
        N_(
            "A cashier made the member, and nobody knows yet whether they are who they said: they "
            "earn, and cannot spend."
        ),
        N_(
            "Let them open the page of their card and accept the rules there, or name a code that "
            "was sent to them."
        ),
    ),
    "spend_code_wrong": Explanation(
        409,
        N_("Another code was sent to the member; `tries` of their tries are left."),
        N_("Ask the member for the code once more."),
    ),
    "spend_code_over": Explanation(
        409,
        N_(
            "No code of the member works: it was used or cancelled, its time is over, or it was "
            "wrong too often."
        ),
        N_("Ask for another code."),
    ),
    "spend_code_for_less": Explanation(
        409,
        N_("The code of the member is good for at most `most` points."),
        N_("Spend no more than that, or ask for another code."),
    ),
    "spend_codes_too_many": Explanation(
        409,
        N_("Too many codes were asked for: the next can be asked for in `minutes`."),
        N_("Have the member show their card, or wait."),
    ),
    "no_own_address": Explanation(
        409,
        N_("The member has no phone number and no e-mail of their own: none, or those of others."),
        N_("Put theirs on the card, or have the member show it at the till."),
    ),
    "codes_told_too_many": Explanation(
        409,
        N_("Too many codes were told to the member: the next can be told in `minutes`."),
        N_("Wait, or have one sent to the member."),
    ),
    "insufficient_points": Explanation(
        409,
        N_("The member has `available` points to spend, fewer than the `asked` ones."),
        N_("Take fewer, at most `available`."),
    ),
    "balance_too_large": Explanation(
        409,
        N_("The balance would be larger than a balance can be."),
        N_("Check the amount: this is more than 2^53 - 1."),
    ),
    "points_spent": Explanation(
        409,
        N_(
            "`missing` of the points were spent meanwhile, and the programme does not let members "
            "owe."
        ),
        N_("Undo less, or ask the operator to allow debts."),
    ),
    "not_reversible": Explanation(
        409,
        N_("Postings of this `kind` cannot be reversed."),
        N_("Reverse the posting that caused it."),
    ),
    "reversal_too_large": Explanation(
        409,
        N_("Only `left` points of the posting are left to undo."),
        N_("Ask for at most `left`, or leave the amount out."),
    ),
    "already_reversed": Explanation(
        409,
        N_("All of the posting was undone before."),
        N_("Nothing is left to do; the member's statement shows the reversals."),
    ),
    "hold_closed": Explanation(
        409,
        N_("The hold has ended; `state` says how."),
        N_("If it was captured, the points are spent; else place another."),
    ),
    "hold_expired": Explanation(
        409,
        N_("The time of the hold is over."),
        N_("Place another hold, or redeem at once."),
    ),
    "holds_open": Explanation(
        409,
        N_("Points are held, so this cannot be done now."),
        N_("Capture or release the member's holds first."),
    ),
    "capture_too_large": Explanation(
        409,
        N_("More is to be captured than the hold has."),
        N_("Capture at most `held`."),
    ),
    "idempotency_conflict": Explanation(
        409,
        N_("The key answered another request before."),
        N_("Use a new key for each operation. If this one is the same, send it exactly as it was."),
    ),
    "other_programme": Explanation(
        409,
        N_("The two members belong to different programmes."),
        N_("Name two members of one programme."),
    ),
    "same_member": Explanation(
        409,
        N_("Two different members are needed; these are one, or use one account."),
        N_("Name two members with accounts of their own."),
    ),
    "pooled_member": Explanation(
        409,
        N_("The member belongs to a household, or is the head of one."),
        N_("Leave the household first."),
    ),
    "household_not_empty": Explanation(
        409,
        N_("Others use the points of the person who is to be erased."),
        N_("Have the other `members` leave the household first."),
    ),
    "not_money": Explanation(
        422,
        N_("The request has money, but the unit is not money."),
        N_("Send `points`."),
    ),
    "wrong_currency": Explanation(
        422,
        N_("The money is in another currency than the unit."),
        N_("Send the amount in `currency`."),
    ),
    "too_many_decimals": Explanation(
        422,
        N_("The amount has more decimal places than the unit."),
        N_("Round it to `scale` places yourself: nothing is rounded here."),
    ),
    "amount_too_large": Explanation(
        422,
        N_("The amount is more than the book can count."),
        N_("Check it: `largest` is the most."),
    ),
    "dates_out_of_order": Explanation(
        422,
        N_("`earlier` is not before `later`."),
        N_("Correct one of the two moments."),
    ),
    "date_out_of_range": Explanation(
        422,
        N_("The date is too far in the past or in the future."),
        N_("Name in `field` a moment from `earliest` to `latest`."),
    ),
    "day_not_closed": Explanation(
        409,
        N_("There is no proof yet: the day is not closed."),
        N_("Ask again after `closes_at`; null means that it is not even sealed."),
    ),
    "offer_not_shown": Explanation(
        409,
        N_("The member is not shown this offer now."),
        N_("Check its dates, and whom it is for."),
    ),
    "offer_for_one": Explanation(
        409,
        N_("The offer is for one member alone, and a campaign tells many."),
        N_("Publish it for all or for an audience."),
    ),
    "not_a_coupon": Explanation(
        409,
        N_("The pass is a member's card; only coupons are used up."),
        N_("Name the pass of a coupon."),
    ),
    "coupon_used": Explanation(
        409,
        N_("The coupon was used before; that can be done once."),
        N_("Refuse it at the till."),
    ),
    "coupon_over": Explanation(
        409,
        N_("The coupon is not good any more; `state` says why."),
        N_("Refuse it at the till."),
    ),
    "pass_erased": Explanation(
        409,
        N_("The member of this pass was erased: it is void for good."),
        N_("Nothing to do."),
    ),
    "pass_lost": Explanation(
        409,
        N_("The pass was lost with its phone: it is void for good."),
        N_("Use the member's other pass."),
    ),
    "code_forged": Explanation(
        409,
        N_("The barcode was not made by us, or stands for somebody else."),
        N_("Refuse it at the till."),
    ),
    "code_outdated": Explanation(
        409,
        N_("A newer code has taken its place: this may be a photo of the card."),
        N_("Ask for the card itself: the phone has been told."),
    ),
    "code_used": Explanation(
        409,
        N_("The barcode was scanned already."),
        N_("Wait `seconds` seconds, and scan the card's new code."),
    ),
    "code_not_carried": Explanation(
        409,
        N_("The barcode of the programme's cards cannot hold such a code."),
        N_("Choose another `symbology`: `carriers` can hold it."),
    ),
    "number_not_accepted": Explanation(
        409,
        N_("The programme takes no card numbers typed by hand."),
        N_("Scan the barcode."),
    ),
    "wave_over": Explanation(
        409,
        N_("The wave has ended; `state` says how."),
        N_("A new change makes a new wave."),
    ),
    "campaign_not_ready": Explanation(
        409,
        N_("The campaign's `state` does not allow this."),
        N_("Ask for the campaign, and see what its state allows."),
    ),
    "campaign_begun": Explanation(
        409,
        N_("The campaign has begun: its recipients and what comes with it stay."),
        N_("Change `name`, `texts`, `quiet_hours` or `cap` alone, or cancel it and make another."),
    ),
    "no_message_field": Explanation(
        409,
        N_("The card has no field that shows a message."),
        N_("Add one to the design."),
    ),
    "consent_needed": Explanation(
        422,
        N_("Advertising may not go to members who refused it."),
        N_("Take `given` or `not_refused`, or say that the purpose is `service`."),
    ),
    "language_not_spoken": Explanation(
        422,
        N_("A text is in a language that the programme does not speak."),
        N_("Write it in one of `known`."),
    ),
    "text_missing": Explanation(
        422,
        N_("A message lacks its text in one of `languages`, or the text is too long."),
        N_("Write each of them, at most `longest` characters."),
    ),
    "unknown_placeholder": Explanation(
        422,
        N_("A text has a placeholder that cannot be filled here."),
        N_("Use those in `known`."),
    ),
    "placeholder_malformed": Explanation(
        422,
        N_("A text has double braces that are no placeholder."),
        N_("Write a name from `placeholders` in double braces, or no braces."),
    ),
    "placeholder_not_filled": Explanation(
        422,
        N_("A text that is the same for everybody has double braces, and nothing is filled in."),
        N_("Say it without what stands in `written`; messages can be filled in, see campaigns."),
    ),
    "message_refused": Explanation(
        422,
        N_("This built-in message does not know the setting in `field`, or needs it."),
        N_("Leave it out, or give it."),
    ),
    "receiver_refused": Explanation(
        422,
        N_("The receiver cannot be added, changed or tried; `detail` says which rule is broken."),
        N_("Correct what `detail` names."),
    ),
    "file_refused": Explanation(
        422,
        N_("The file cannot be read as a table; `problem` says why."),
        N_("Save it as CSV in UTF-8, or as XLSX, and send it again."),
    ),
    "import_repeated": Explanation(
        409,
        N_("A file with exactly these bytes was imported before."),
        N_("See the import in `import_id`."),
    ),
    "import_replaced": Explanation(
        409,
        N_("The same file was sent again, and that import took the place of this one."),
        N_("Work with the newer import."),
    ),
    "import_not_ready": Explanation(
        409,
        N_("The `state` of the import does not allow this."),
        N_("Ask for the import until it is `checked`."),
    ),
    "import_has_bad_rows": Explanation(
        409,
        N_("Some rows cannot be imported."),
        N_("Correct the file, or send `skip_bad`."),
    ),
    "programme_exists": Explanation(
        409,
        N_("Another programme has this code."),
        N_("Choose another code."),
    ),
    "unit_exists": Explanation(
        409,
        N_("The programme has a unit with this code."),
        N_("Choose another code."),
    ),
    "terms_refused": Explanation(
        422,
        N_("A programme cannot have these terms; `field` names the one at fault."),
        N_("Correct it as `detail` says."),
    ),
    "design_refused": Explanation(
        422,
        N_("The design of a card cannot be used; `field` names the part."),
        N_("Correct that part as `detail` says."),
    ),
    "image_refused": Explanation(
        422,
        N_("A picture cannot go into a pass; `problem` says why."),
        N_("Make the picture anew as `detail` says."),
    ),
    "nfc_certificate_missing": Explanation(
        422,
        N_("The design uses NFC, and the certificate was not issued for it."),
        N_("Ask Apple for an NFC certificate, or take NFC out of the design."),
    ),
    "api_key_refused": Explanation(
        422,
        N_("An API key cannot be made or revoked."),
        N_("For operators: correct the command as `detail` says."),
    ),
    "employee_refused": Explanation(
        422,
        N_("Somebody of the staff cannot have this password, code or passkey, or cannot go."),
        N_("For operators: do what `detail` says."),
    ),
    "unknown_employee": Explanation(
        404,
        N_("Nobody of the staff has this address."),
        N_("For operators: `wallet staff list` shows who there is."),
    ),
    "staff_link_closed": Explanation(
        404,
        N_("The link to the console was used, is too old, or is none."),
        N_("Ask an administrator for a new one."),
    ),
    "source_refused": Explanation(
        422,
        N_("A webhook source cannot be added or changed."),
        N_("For operators: correct the command as `detail` says."),
    ),
    "backup_refused": Explanation(
        422,
        N_("A backup cannot be made or restored; `problem` says why."),
        N_("For operators: do what `detail` says."),
    ),
    "settings": Explanation(
        422,
        N_("Settings of the installation are missing or do not fit."),
        N_("For operators: `wallet doctor` names each of them."),
    ),
    "cursor_of_another_list": Explanation(
        422,
        N_("The cursor is of another list, or of this one with other filters."),
        N_("Go on with the filters of the page before, or begin without a cursor."),
    ),
    "title_missing": Explanation(
        422,
        N_("An offer has a text in `language` and no title."),
        N_("Write the title in that language too, or leave the text out."),
    ),
    "offer_over": Explanation(
        409,
        N_("The offer was withdrawn or has ended, as `state` says, and stays as it was."),
        N_("Publish another one."),
    ),
    "offer_begun": Explanation(
        409,
        N_("The offer has begun, and when it did stays."),
        N_("Leave `from` out."),
    ),
    "plural_forms_wrong": Explanation(
        422,
        N_("The word beside a number has another number of forms than its language."),
        N_("Write `needed` forms, separated by bars."),
    ),
    "personal_data_not_kept": Explanation(
        422,
        N_("The programme keeps nothing personal, and `fields` are that."),
        N_("Leave them out."),
    ),
    "no_percent_back": Explanation(
        409,
        N_("Purchases earn nothing by themselves in this unit."),
        N_("Say how many `points`, or set a percent with `PUT /programmes/{code}/base`."),
    ),
    "nothing_earned": Explanation(
        409,
        N_("The purchase is too small to earn a whole point; nothing was posted."),
        N_("Go on: there is nothing to repeat."),
    ),
    "unknown_store": Explanation(
        404,
        N_("The programme has no store with this code."),
        N_("`GET /stores` says which there are; `PUT /stores/{code}` makes one."),
    ),
    "unknown_till": Explanation(
        404,
        N_("The programme has no till with this code, or none in this store."),
        N_("`GET /tills` says which there are; `PUT /tills/{code}` makes one."),
    ),
    "store_not_named": Explanation(
        409,
        N_("Several `stores` have a till with this code."),
        N_("Send `store` with the code of the one that is meant."),
    ),
    "store_refused": Explanation(
        422,
        N_("A store or a till cannot be like this; `field` names the part at fault."),
        N_("Correct it as `detail` says."),
    ),
    "unknown_product": Explanation(
        404,
        N_("The programme has no product with this SKU."),
        N_("`GET /products` says which there are; `PUT /products/{sku}` makes one."),
    ),
    "unknown_category": Explanation(
        404,
        N_("The programme has no category with this code."),
        N_("`GET /categories` says which there are; `PUT /categories/{code}` makes one."),
    ),
    "barcode_taken": Explanation(
        409,
        N_("Another product, `sku`, has this `barcode`."),
        N_("Take the barcode from that product first, or leave it out."),
    ),
    "category_cycle": Explanation(
        409,
        N_("A category cannot lie in itself, nor in one that lies in it."),
        N_("Choose another `parent`, or move that one first."),
    ),
    "price_is_history": Explanation(
        409,
        N_("From the moment `since` on another price has held, and what has been stays."),
        N_("Leave `from` out, or name a moment that is to come."),
    ),
    "product_refused": Explanation(
        422,
        N_("A product or its price cannot be like this; `field` names the part at fault."),
        N_("Correct it as `detail` says."),
    ),
    "category_refused": Explanation(
        422,
        N_("A category cannot be like this; `field` names the part at fault."),
        N_("Correct it as `detail` says."),
    ),
    "unknown_promotion": Explanation(
        404,
        N_("The programme has no promotion with this code."),
        N_("`GET /promotions` says which there are; `PUT /promotions/{promotion}` makes one."),
    ),
    "unknown_receipt": Explanation(
        404,
        N_("The programme has no receipt with this id."),
        N_("`GET /receipts` finds receipts by store, till, number and time."),
    ),
    "receipt_differs": Explanation(
        409,
        N_("A receipt with this id is on record, and what was sent now is not the same."),
        N_("Give each receipt an id of its own; send the same receipt again as it was."),
    ),
    "promotion_exists": Explanation(
        409,
        N_("The programme has a promotion with this code already."),
        N_("Choose another code, or change that one: `PUT /promotions/{promotion}`."),
    ),
    "promotion_not_published": Explanation(
        409,
        N_("The promotion is a draft, is given nowhere, and so cannot end."),
        N_("There is nothing to be done."),
    ),
    "promotion_refused": Explanation(
        422,
        N_(
            "A promotion, or what holds for all of them, cannot be like this; `field` names the "
            "part at fault."
        ),
        N_("Correct it as `detail` says."),
    ),
    "price_missing": Explanation(
        422,
        N_("The `line` of the receipt has no price, and the catalogue knows none either."),
        N_("Send a price with the line, or tell the catalogue one: `POST /prices/batch`."),
    ),
    "receipt_refused": Explanation(
        422,
        N_(
            "A receipt cannot be like this; `field` names the part at fault, and `line` the line, "
            "or null."
        ),
        N_("Correct it as `detail` says."),
    ),
    "too_many_lines": Explanation(
        422,
        N_("A receipt has at most `most` lines."),
        N_("Sell the rest with a second receipt."),
    ),
    "changed_meanwhile": Explanation(
        412,
        N_("Somebody changed it since you read it; it is at `revision` now."),
        N_("Read it again, and decide anew."),
    ),
    "beyond_own_rights": Explanation(
        403,
        N_("Nobody gives others more than they may do themselves."),
        N_("Ask an administrator who has these rights."),
    ),
    "roles_changed_meanwhile": Explanation(
        409,
        N_("Somebody else changed the roles of this person meanwhile."),
        N_("Look at the roles as they are now, and decide anew."),
    ),
    "unknown_api_key": Explanation(
        404,
        N_("There is no such API key."),
        N_("For operators: `wallet keys list` shows which there are."),
    ),
    "unknown_segment": Explanation(
        404,
        N_("The programme has no segment of this name."),
        N_("`GET /segments` lists them."),
    ),
    "unknown_adjustment": Explanation(
        404,
        N_("There is no such request for points by hand."),
        N_("For people of the staff: the console lists what waits."),
    ),
    "own_adjustment": Explanation(
        403,
        N_("Nobody approves what they asked for themselves."),
        N_("For people of the staff: ask somebody else who may approve."),
    ),
    "adjustment_decided": Explanation(
        409,
        N_("The request was decided before, or not in time; `state` says which."),
        N_("For people of the staff: ask anew if it is still needed."),
    ),
    "unknown_deed": Explanation(
        404,
        N_("No cashier of the programme did this."),
        N_("For people of the staff: load the list anew."),
    ),
    "deed_not_own": Explanation(
        403,
        N_("A cashier undoes only what they did themselves, within a day."),
        N_("For people of the staff: ask a manager."),
    ),
    "deed_not_reversible": Explanation(
        409,
        N_("What a cashier did cannot be undone: it was never carried out, or made a new card."),
        N_("For people of the staff: there is nothing to be done."),
    ),
    "payable_exceeded": Explanation(
        409,
        N_("Points may pay at most `payable` of this purchase, fewer than the `asked` ones."),
        N_("For people of the staff: spend fewer."),
    ),
    "spend_needs_card": Explanation(
        409,
        N_("Here points are spent by who shows the card, and not by who names a phone number."),
        N_("For people of the staff: ask for the card."),
    ),
    "segment_changed": Explanation(
        409,
        N_(
            "Somebody else saved or deleted the segment meanwhile; `by` says who, if that is known."
        ),
        N_("Read the segment, and save it with its `revision`."),
    ),
    "segment_in_use": Explanation(
        409,
        N_("Something waits for the segment; `places` names it."),
        N_("Change what `places` names, or wait until it has begun."),
    ),
    "segment_refused": Explanation(
        422,
        N_("A segment cannot be saved so; `detail` says which rule is broken."),
        N_("Correct what `detail` names."),
    ),
    "unknown_list": Explanation(
        404,
        N_("The programme has no list of members of this name."),
        N_("`GET /lists` lists them."),
    ),
    "list_exists": Explanation(
        409,
        N_("The programme has a list of this name; a list does not change."),
        N_("Choose another name, or delete the list first."),
    ),
    "list_in_use": Explanation(
        409,
        N_("Something means the list; `places` names it."),
        N_("Change what `places` names, or wait until it has begun."),
    ),
    "list_refused": Explanation(
        422,
        N_("A list cannot be made so; `detail` says which rule is broken."),
        N_("Correct what `detail` names."),
    ),
    "apple_not_set_up": Explanation(
        404,
        N_("There are no passes for iPhones here yet: the operator has begun without Apple."),
        N_("Lead people to the card's page (`links.card`), which is the card until then."),
    ),
    "wave_runs": Explanation(
        409,
        N_("Cards are still brought up to the design before: `seen` of `total`."),
        N_("Publish when that is done, or cancel it first."),
    ),
    "unknown_revision": Explanation(
        404,
        N_("The design has no revision of this number."),
        N_("Look at the list of revisions."),
    ),
}

# What can be wrong with a field, as `code` of `errors` says it.
FIELD_CODES = (
    "always_quiet",
    "amount_malformed",
    "amount_negative",
    "amount_zero",
    "card_or_external_id",
    "card_or_member",
    "currency_malformed",
    "days_or_moment",
    "does_not_fit",
    "email",
    "empty",
    "hour",
    "kind_required",
    "language_malformed",
    "malformed_json",
    "member_or_audience",
    "no_dates",
    "not_a_boolean",
    "not_a_day",
    "not_a_list",
    "not_a_moment",
    "not_an_integer",
    "not_an_object",
    "not_text",
    "null_not_allowed",
    "off_the_calendar",
    "one_of_three",
    "one_search",
    "past_day",
    "phone",
    "points_or_coupon",
    "points_or_money",
    "required",
    "short_text",
    "since_or_days",
    "sku_or_category",
    "sum_and_currency",
    "text_or_texts",
    "too_deep",
    "too_large",
    "too_long",
    "too_short",
    "too_small",
    "unknown_field",
    "unknown_kind",
    "unknown_value",
    "unreadable",
    "wall_time",
    "who_is_meant",
    "search_or_list",
    "currency_unknown",
    "percent",
    "card_twice",
    "ends_before_it_begins",
    "half_of_hours",
    "id_or_list",
    "lane_twice",
    "line_and_sorting",
    "mixed_steps",
    "no_bound",
    "no_bound_of_dates",
    "no_hours",
    "no_place",
    "one_buyer",
    "one_number",
    "one_pick",
    "percent_or_off",
    "points_for_points",
    "quantity_malformed",
    "quantity_out_of_range",
    "sku_or_barcode",
    "reward_twice",
    "steps_out_of_order",
    "two_currencies",
    "units_or_amount",
)
