"""What each name in the API's document means: properties of bodies, and parameters. A name means
the same everywhere. Where it means something else, or more, its owner says so: the schema, or the
operation."""

from collections.abc import Mapping

from ledger.words import N_

# Name, or `Owner.name` -> what it means.
MEANINGS: Mapping[str, str] = {
    "KindsOut.$defs": N_("JSON Schema of every kind and part, by the name of its definition."),
    "bounds": N_("Bounds of the value, as JSON Schema names them, and what it is without one."),
    "choices": N_("What each value is called, where there are a few; empty otherwise."),
    "definition": N_("Name of its JSON Schema among the definitions."),
    "KindOut.example": N_("A whole document of this kind."),
    "family": N_(
        "What the kind is for: a `condition`, or a reward: `discount`, `points`, `present`."
    ),
    "KindPartOut.fields": N_("Its fields, in the order of a form."),
    "help": N_("What it does, in a sentence."),
    "KindOut.kind": N_("The word that stands for the kind in documents."),
    "kinds": N_("All kinds of conditions and rewards."),
    "label": N_("What people call it."),
    "KindFieldOut.name": N_("Name of the field in documents."),
    "KindPartOut.name": N_("What people call it."),
    "part": N_("What the kind is called, and its fields."),
    "parts": N_("What documents are made of beside kinds: goods, picks, limits."),
    "KindFieldOut.required": N_("Whether a document must have it."),
    "KindFieldOut.unit": N_(
        "What its number counts, such as `percent` or `money`; null for what is no number."
    ),
    "accepted_at": N_("When Google took the message; null if it did not, or was not asked."),
    "account": N_("Number of the account in the book. Only the book uses it."),
    "activates_at": N_("From when the points can be spent; at once without it."),
    "alerts_left": N_(
        "How many of the three notifications in 24 hours that Google allows are left."
    ),
    "ambiguous_numbers": N_("How many numbers, such as 1,000, may mean a thousand or one."),
    "amount": N_("The amount as text: digits, and a point before decimals, such as `199.90`."),
    "MoneyOut.amount": N_(
        "The amount as text, with all decimals of its unit; negative where money left a member."
    ),
    "SealedEntry.amount": N_(
        "How much the account changed, in the smallest piece of its unit; negative for what "
        "left it."
    ),
    "answer": N_(
        "The beginning of an answer that was no success; null otherwise, and where personal "
        "data is sent."
    ),
    "apple": N_(
        "Address that adds the pass to Apple Wallet; null where it is not offered or may not be"
        " seen."
    ),
    "MessageOut.apple": N_(
        "What became of the message in Apple Wallet; null if the card is not there."
    ),
    "ResultsOut.apple": N_(
        "How many of those who were told, by what became of the message in Apple Wallet."
    ),
    "applied": N_("How many rows were applied so far."),
    "ConsentIn.at": N_("When the decision was made; now without it."),
    "ConsentOut.at": N_("When the decision was made."),
    "ExpireIn.at": N_("When the pass ends; now without it."),
    "StartIn.at": N_(
        "What the programme's clock shows when the campaign starts, such as `2027-03-01T10:00`;"
        " at once without it."
    ),
    "getMemberBalances.at": N_("The moment whose balances are wanted; now without it."),
    "at_google": N_(
        "Whether the card at Google shows the same code, or one of its own that changes every "
        "half minute."
    ),
    "at_least": N_("Fewest points; the bound itself is included."),
    "at_least_money": N_("The same bound in money, such as `199.90 RUB`."),
    "at_most": N_("Most points; the bound itself is included."),
    "at_most_money": N_("The same bound in money, such as `199.90 RUB`."),
    "attempts": N_("How often it was tried."),
    "audience": N_(
        "Which members are meant, as a tree of conditions; all of the programme without it."
    ),
    "PreviewOut.audience": N_("How many members are meant."),
    "ResultsOut.audience": N_("How many members are meant."),
    "available": N_("Points that can be spent now."),
    "available_money": N_("The same as money, where the unit is money."),
    "bad": N_("How many rows cannot be applied."),
    "balance": N_("What the member has at the moment of the answer."),
    "balance_after": N_("All that the member had after this posting, active or not."),
    "SealedEntry.balance_after": N_(
        "What the account had after this posting; null where it is not counted."
    ),
    "balance_after_money": N_("The same as money, where the unit is money."),
    "barcode": N_("What the barcode of the card holds."),
    "ScanIn.barcode": N_("What a till read from a barcode, or what was typed."),
    "birthday": N_("Date of birth, such as `1990-02-28`."),
    "bundle": N_(
        "Address of one file for an iPhone with all passes that are good now; null for keys "
        "without `personal:read`, and while Apple is not set up."
    ),
    "bytes": N_("Size of the file in bytes."),
    "campaign": N_("Id of the campaign; null for built-in messages."),
    "campaign_id": N_("Id of the campaign."),
    "cap": N_("How many messages a member may get in how many days; null for no limit."),
    "capped": N_("Members who had got as many messages as the cap allows."),
    "captured": N_("How many of the points were spent."),
    "captured_money": N_("The same as money, where the unit is money."),
    "AccrualIn.card": N_("Number of the member's card; give either this or `member`."),
    "BatchItemIn.card": N_("Number of the member's card; give either this or `member`."),
    "ForMember.card": N_("Number of the member's card; give either this or `member`."),
    "GenericData.card": N_("Number of the member's card; give either this or `external_id`."),
    "HoldIn.card": N_("Number of the member's card; give either this or `member`."),
    "LineOut.card": N_(
        "Number of the card that was shown; null if the member was named otherwise."
    ),
    "LinksOut.card": N_("Address of the card's page."),
    "MemberInFull.card": N_("The member's newest card."),
    "MemberOut.card": N_("The member's newest card."),
    "MessagesOut.card": N_("The member's card in phones."),
    "RedemptionIn.card": N_("Number of the member's card; give either this or `member`."),
    "ScanOut.card": N_("The member's newest card."),
    "SealedFacts.card": N_("Number of the card in the book; null if no card was named."),
    "TogetherOut.card": N_("The member's newest card."),
    "listMemberPostings.card": N_("Only postings by this card number."),
    "listMembers.card": N_("Members who have this card number."),
    "changed": N_("How many cards it changed."),
    "changed_at": N_("When the pass last changed."),
    "code": N_("A stable word for what is meant."),
    "BatchItemOut.code": N_("Code of the refusal; null if the item was posted."),
    "FieldProblem.code": N_("A stable word for what is wrong with the field."),
    "Problem.code": N_(
        "A stable word for the refusal; `type` leads to what it means and what to do."
    ),
    "ProgrammeOut.code": N_("Code of the programme, as it stands in requests."),
    "UnitOut.code": N_("Code of the unit, as it stands in requests."),
    "column": N_("Name of the column in the file."),
    "consent": N_(
        "Which members may be told: those who agreed (`given`), also those never asked "
        "(`not_refused`), or `any`."
    ),
    "consents": N_("Decisions of the member, each for one purpose."),
    "converting": N_("Whether some cards do not follow these terms yet."),
    "country": N_(
        "Two letters of the country; phone numbers without a country code are read as its "
        "people write them."
    ),
    "coupon": N_("The coupon whose barcode was scanned; null if it was the barcode of the card."),
    "created_at": N_("When it was made."),
    "currency": N_(
        "Currency in three capital letters (ISO 4217); null where the unit is not money."
    ),
    "MoneyIn.currency": N_("Currency in three capital letters (ISO 4217)."),
    "MoneyOut.currency": N_("Currency in three capital letters (ISO 4217)."),
    "cursor": N_("`next_cursor` of the page before; the first page without it."),
    "data": N_("What happened."),
    "day": N_("The day, such as `2026-11-24`."),
    "ActivityCondition.days": N_(
        "Within how many days before the campaign starts; give either this or `since`."
    ),
    "CapIn.days": N_("In how many days."),
    "MessageTermsIn.days": N_(
        "How many days before points run out, or after the last visit; null where the message "
        "knows no days."
    ),
    "MessageTermsOut.days": N_(
        "How many days before points run out, or after the last visit; null where the message "
        "knows no days."
    ),
    "PurchaseCondition.days": N_(
        "Within how many days before the campaign starts; give either this or `since`."
    ),
    "debt": N_(
        "Points that the member owes: they were taken back after they had been spent. Points "
        "that come in pay this first."
    ),
    "debt_money": N_("The same as money, where the unit is money."),
    "debt_paid": N_(
        "How much of what came in paid a debt at once; left out where nothing was owed."
    ),
    "debt_paid_money": N_("The same as money, where the unit is money."),
    "decimal": N_(
        "Which sign stands before decimals in the file, `comma` or `point`; null if nothing says."
    ),
    "delimiter": N_("The sign between cells of a CSV file; null for other files."),
    "detail": N_("What is refused and why, for people, as `Accept-Language` asks."),
    "BatchItemOut.detail": N_("Why the item was refused, for people; null if it was posted."),
    "disabled_because": N_(
        "`gone` if the receiver answered 410, null if a person switched it off or it is on."
    ),
    "done": N_("How many recipients are settled: told, or found not to be told."),
    "email": N_("Mail address. One member of a programme has it."),
    "en": N_("The sentence in English."),
    "enabled": N_("Whether the receiver is told anything."),
    "encoding": N_("Encoding of a CSV file; null for other files and before it is looked through."),
    "ends_about": N_(
        "When all recipients will be settled at the present pace; null where it cannot be said."
    ),
    "entries": N_("The accounts that the posting changed."),
    "erased_at": N_("When the person was erased."),
    "errors": N_("Each field at fault; null where the refusal is not about fields."),
    "event": N_("Number of the event. Numbers grow."),
    "expected_at": N_("When it will be done at its present pace; null where it cannot be said."),
    "expires_at": N_("When it ends; null if it does not."),
    "AccrualIn.expires_at": N_(
        "Until when the points can be spent; as the programme's terms say without it."
    ),
    "BatchItemIn.expires_at": N_(
        "Until when the points can be spent; as the programme's terms say without it."
    ),
    "HoldOut.expires_at": N_("When the points are free again if nobody captures them."),
    "ReversalIn.expires_at": N_(
        "Until when points that come back after their expiry live; as the programme's terms say"
        " without it."
    ),
    "external_id": N_("Your own number of the member. One member of a programme has it."),
    "GenericData.external_id": N_("Your own number of the member; give either this or `card`."),
    "facts": N_("What was sealed of the posting."),
    "failed": N_("Only attempts that failed."),
    "failing_since": N_("Since when the receiver takes nothing; null while it does."),
    "fetched_at": N_("When a phone fetched the card with the message; null if none did."),
    "fetched_version": N_("Newest version that a phone fetched; null if none did."),
    "field": N_("Our name for the column."),
    "FieldProblem.field": N_(
        "Path of the field in the request, joined by dots; `body` or `query` where it is the "
        "whole of it."
    ),
    "ImportRowOut.field": N_("Our name for the column at fault; null where it is the whole row."),
    "fields": N_("What will be stored, cell by cell."),
    "file": N_("The file, and how it was understood."),
    "createImport.file": N_("The file itself: CSV or XLSX."),
    "finished_at": N_("When it was done; null before."),
    "first": N_("Number of the first posting of the day."),
    "foreign_numbers": N_(
        "Phone numbers without a plus that were read as those of another country."
    ),
    "form": N_("Version of this form."),
    "format": N_("`csv` or `xlsx`."),
    "found_members": N_("Rows whose members are known already."),
    "from": N_("When it begins."),
    "MessageTermsIn.from": N_(
        "It is sent from this hour on, by the programme's clock, such as `10:00`."
    ),
    "MessageTermsOut.from": N_(
        "It is sent from this hour on, by the programme's clock, such as `10:00`."
    ),
    "OfferIn.from": N_("When the offer begins; now without it."),
    "QuietIn.from": N_("When the quiet hours begin, by the programme's clock, such as `22:00`."),
    "TransferIn.from": N_("The member who gives."),
    "TransferOut.from": N_("The member who gave, with the balance right after it."),
    "frozen": N_("Whether the list of recipients is complete."),
    "gift": N_("Points that come with the message; null for none."),
    "gift_money": N_("The gift as money, where the unit is money."),
    "given": N_("Whether the member agreed; false where it is taken back."),
    "given_up": N_("Send all events that were given up."),
    "given_up_at": N_("When no more attempts were made; null while there are."),
    "archive_gone": N_(
        "Archive products, or close stores, that were in the last file of this kind and are not in"
        " this one; only if no row is left out."
    ),
    "things": N_(
        "What the file changes of products, prices or stores; null for members and points."
    ),
    "ThingsOut.new": N_("Those that were not there."),
    "ThingsOut.changed": N_("Those that were otherwise."),
    "ThingsOut.unchanged": N_("Those that were so already."),
    "ThingsOut.gone": N_("Those of the last file of this kind that are not in this one."),
    "ThingsOut.archived": N_("How many of those were archived, or closed."),
    "gone_codes": N_("Codes of those that are gone and were not archived, the first hundred."),
    "gone": N_("Members who were erased meanwhile."),
    "google": N_(
        "Address that adds the pass to Google Wallet; null where it is not offered or may not "
        "be seen."
    ),
    "MessageOut.google": N_(
        "What became of the message in Google Wallet; null if the card is not there."
    ),
    "ResultsOut.google": N_(
        "How many of those who were told, by what became of the message in Google Wallet."
    ),
    "google_saved": N_("Whether the card is saved at Google; null if it is not offered there."),
    "google_version": N_("Newest version that Google has; null if none."),
    "grace_hours": N_("For how many hours the code before is accepted once more."),
    "head": N_("Last link of the day's chain, in hexadecimal."),
    "HeadIn.head": N_("Id of the member whose account the household shares."),
    "held": N_("Points that open holds have set aside."),
    "held_money": N_("The same as money, where the unit is money."),
    "held_out": N_("Members who were left out on purpose, to compare with."),
    "hidden_rows": N_("How many rows of the sheet are hidden; they are read like all others."),
    "hold_id": N_("Id of the hold."),
    "holdout_percent": N_(
        "How many percent of the audience are left out on purpose, to compare with."
    ),
    "id": N_("Id; it is never given to anything else."),
    "CheckingKeyOut.id": N_("Id of the key, as the barcode names it."),
    "Idempotency-Key": N_(
        "A text that is new for each operation and the same when it is repeated: the repetition"
        " has no second effect and gets the first answer."
    ),
    "import_id": N_("Id of the import."),
    "in_phones": N_("How many of them have their card in a phone."),
    "index": N_("Place of the posting among those of its day."),
    "into": N_("Id of the member who stays."),
    "items": N_("What was found, in the order that the call names."),
    "BatchIn.items": N_("Accruals and redemptions, posted in this order."),
    "BatchOut.items": N_("The outcome of each item, in the order in which they were sent."),
    "join": N_("Address where customers join."),
    "joined": N_("How many members joined by the import."),
    "key": N_("A text that is new for each item and the same when it is repeated."),
    "BatchItemOut.key": N_("The item's own key; null if it had none that could be read."),
    "RootOut.key": N_("Id of the key that signed."),
    "keys": N_("Keys that barcodes are checked with, the one in use first."),
    "kind": N_("Which kind it is."),
    "CardCodeChange.kind": N_(
        "What the barcodes hold: the plain number, or a code that a till can check."
    ),
    "CardCodeOut.kind": N_(
        "What the barcodes hold: the plain number, or a code that a till can check."
    ),
    "CheckingKeysOut.kind": N_(
        "What the barcodes hold: the plain number, or a code that a till can check."
    ),
    "ImportOut.kind": N_("What the file holds."),
    "LineOut.kind": N_("Kind of the posting."),
    "MessageOut.kind": N_("Which message it is."),
    "MessageTermsOut.kind": N_("Which message it is."),
    "SealedEntry.kind": N_("Whose account it is."),
    "SealedFacts.kind": N_("Kind of the posting."),
    "UnitBalanceOut.kind": N_("Whether points, stamps or money are counted."),
    "UnitOut.kind": N_("Whether points, stamps or money are counted."),
    "createImport.kind": N_("What the file holds."),
    "listMemberPostings.kind": N_("Kind of the posting."),
    "updateBuiltInMessage.kind": N_("Which message it is."),
    "lang": N_(
        "Language of the sentences; without it, as `Accept-Language` asks, else the programme's."
    ),
    "languages": N_("In which languages texts are written for members."),
    "last": N_("Number of the last posting of the day."),
    "last_fetch_at": N_("When a phone last fetched the card; null if none did."),
    "last_success_at": N_("When the receiver last took an event; null if it never did."),
    "lasts_seconds": N_("For how many seconds the points are set aside."),
    "left_aside": N_("Columns of the file that are not imported."),
    "left_out": N_("How many rows were left out."),
    "limit": N_("How many items a page has at most."),
    "line": N_("Number of the entry within the posting."),
    "links": N_(
        "Where the card is. Only for keys with `personal:read`, and for the one that made the card."
    ),
    "ProgrammeOut.links": N_("The programme's pages for customers."),
    "live_days": N_("How many days it lives; null for ever."),
    "locale": N_("Language of the person, such as `ru`, `kk` or `de-AT`."),
    "ProgrammeOut.locale": N_("First language of the programme."),
    "lost": N_("Whether the card is in wrong hands: its link and its pass are replaced as well."),
    "lots": N_("How many lots these points are in."),
    "member": N_("Id of the member."),
    "AccrualIn.member": N_("Id of the member; give either this or `card`."),
    "BatchItemIn.member": N_("Id of the member; give either this or `card`."),
    "ForMember.member": N_("Id of the member; give either this or `card`."),
    "HoldIn.member": N_("Id of the member; give either this or `card`."),
    "OfferIn.member": N_(
        "Id of the member whom the offer is for; all of the programme without it."
    ),
    "OfferOut.member": N_("Id of the member whom the offer is for; null if it is for all."),
    "PreviewIn.member": N_("Id of the member whose text is wanted."),
    "RedemptionIn.member": N_("Id of the member; give either this or `card`."),
    "listOffers.member": N_("Only offers that this member is, was or will be shown."),
    "member_id": N_("Id of the member."),
    "members": N_("Members whose balances it changed."),
    "ErasedOut.members": N_("Ids of the member and of those who were merged into them."),
    "merkle": N_("Root of the day's Merkle tree, in hexadecimal."),
    "message": N_("What is wrong, for people, as `Accept-Language` asks."),
    "messages": N_("How many messages at most."),
    "money": N_("The points as money; left out where the unit is no money."),
    "month": N_("First day of the month in which they run out; null for those that never do."),
    "months": N_("The same, month by month."),
    "name": N_("Name of the person, as it stands on the card."),
    "CampaignChange.name": N_("Name of the campaign, for those who work with it."),
    "CampaignIn.name": N_("Name of the campaign, for those who work with it."),
    "CampaignOut.name": N_("Name of the campaign, for those who work with it."),
    "NamedSegment.name": N_("Name of the segment."),
    "ProgrammeOut.name": N_("Name of the programme, as customers see it."),
    "ReceiverChange.name": N_("Name of the receiver. No other has it."),
    "ReceiverIn.name": N_("Name of the receiver. No other has it."),
    "ReceiverMade.name": N_("Name of the receiver. No other has it."),
    "ReceiverOut.name": N_("Name of the receiver. No other has it."),
    "new_members": N_("Rows whose members are new."),
    "next_at": N_("When it is tried again; null once it was given up."),
    "next_cursor": N_("`cursor` of the next page; null on the last one."),
    "no_card": N_("Members whose card is in no phone."),
    "no_consent": N_("Members who did not agree to be told."),
    "no_field": N_("Members whose card has no place for a message."),
    "note": N_("Hash that stands for the posting's words; null if it has none."),
    "number": N_("Number of the card, for people."),
    "numbers": N_("Whether a till may send the plain number instead of the code."),
    "occurred_at": N_("When it happened."),
    "of": N_("The conditions that are joined."),
    "NotCondition.of": N_("The condition that must not hold."),
    "offer": N_("Id of the offer."),
    "PassOut.offer": N_("Id of a coupon's offer; null for a member's card."),
    "offer_id": N_("Id of the offer."),
    "offers": N_("Offers that the member's card shows now."),
    "on": N_("Whether the message is sent."),
    "origin": N_("Where it was given, in the words of the file it came with; null otherwise."),
    "other_sheets": N_("How many other sheets the workbook has; they are not read."),
    "pass_id": N_("Id of the pass."),
    "pass_type": N_(
        "Apple's name for the type of pass; null for one that was made while Apple was not set up, "
        "until it is first put into an iPhone."
    ),
    "passes_per_second": N_("Its present pace."),
    "path": N_("Hashes that lead from the posting to the root of the tree."),
    "paused_until": N_(
        "Until when nothing is sent, since the receiver failed; null if it is told."
    ),
    "pending": N_("Points that can be spent later."),
    "pending_money": N_("The same as money, where the unit is money."),
    "personal": N_("Whether events for it hold personal data."),
    "phone": N_("Phone number; without a country code it is read as in the programme's country."),
    "phones": N_("How many phones have the card in Apple Wallet."),
    "placed_at": N_("When the points were set aside."),
    "placeholders": N_("Names that the texts may have in double braces."),
    "points": N_("How many points; in a unit of money, of its smallest piece."),
    "LineOut.points": N_("How many points; negative for what left the member."),
    "points_applied": N_("How many points the import gave so far."),
    "points_applied_money": N_("The same as money, where the unit is money."),
    "points_good": N_("How many points stand in rows that can be applied."),
    "points_good_money": N_("The same as money, where the unit is money."),
    "points_in_file": N_("How many points stand in the file."),
    "points_in_file_money": N_("The same as money, where the unit is money."),
    "position": N_("Number of the event up to which the receiver was told."),
    "posted_at": N_("When it was written into the book."),
    "posting": N_("Id of the redemption that captured the points; null if none did."),
    "BatchItemOut.posting": N_("The posting; null if the item was refused."),
    "posting_id": N_("Id of the posting."),
    "Prefer": N_("How long to wait for the outcome, in seconds, such as `wait=10`."),
    "previous": N_("Root of the day before, in hexadecimal."),
    "privacy": N_("Address where customers read what happens to their data."),
    "problem": N_("A stable word for what is wrong; null if all went well."),
    "programme": N_("Code of the programme."),
    "ReceiverIn.programme": N_("Code of the one programme that it hears of; null for all."),
    "ReceiverMade.programme": N_("Code of the one programme that it hears of; null for all."),
    "ReceiverOut.programme": N_("Code of the one programme that it hears of; null for all."),
    "listImports.programme": N_("Only those of this programme; of all without it."),
    "listReceivers.programme": N_("Only those of this programme; of all without it."),
    "listWaves.programme": N_("Only those of this programme; of all without it."),
    "progress": N_("How far it is."),
    "promotion": N_("Your name of the promotion that the points are from."),
    "proof": N_("Signed statement of a finished import; null before."),
    "public_key": N_("Public key, 32 bytes in hexadecimal; null for other kinds."),
    "purpose": N_("`advertising`, or `service` for what is none."),
    "ConsentIn.purpose": N_("What the decision is about."),
    "ConsentOut.purpose": N_("What the decision is about."),
    "pushes_waiting": N_("How many pushes to Apple wait."),
    "quiet_hours": N_("Hours in which no member gets the message; null for none."),
    "reason": N_("Why points move, in the shop's own words; the member may read it."),
    "receipt": N_("Your number of the receipt."),
    "receiver_id": N_("Id of the receiver."),
    "recipients": N_("How many members are told or were left out, so far as they are counted."),
    "refusal": N_("Why the file cannot be imported; null if it can."),
    "renew_days": N_("How often a code is replaced, in days; 0 for after scans only."),
    "retired": N_("How many secrets were deleted."),
    "reverses": N_("Id of the posting that was undone; null if it undoes none."),
    "root": N_("Signed root of the day."),
    "RootOut.root": N_("The root itself, in hexadecimal."),
    "row": N_("Number of the row in the file."),
    "rows": N_("How many rows were checked so far."),
    "ImportFileOut.rows": N_("How many rows the file has; null before it is looked through."),
    "ru": N_("The sentence in Russian."),
    "salt": N_("The salt that `note` was hashed with."),
    "sample": N_("The first rows as they will be stored, for keys with `personal:read`."),
    "scale": N_("Number of decimal places."),
    "secret": N_("The secret. It is shown now and never again."),
    "CheckingKeyOut.secret": N_("Secret key, 32 bytes in hexadecimal; null for other kinds."),
    "secrets": N_("How many secrets sign events now."),
    "seen": N_("How many cards it has looked at."),
    "sent_at": N_("When it was sent."),
    "sha256": N_("SHA-256 of the file, in hexadecimal."),
    "sheet": N_("Name of the sheet that is read; null for CSV."),
    "signature": N_("Signature of the root, in hexadecimal."),
    "since": N_("From this moment on, the moment itself included."),
    "ReplayIn.since": N_("Send everything from this event on."),
    "skip_bad": N_("Apply the good rows of a file that has bad ones."),
    "source": N_("Where the decision came from."),
    "receiveWebhook.source": N_("Name of the source, as the operator made it."),
    "started_at": N_("When it began; null before."),
    "starts_at": N_("When it is to begin; of a draft, when it is meant to, or null."),
    "state": N_("How it stands."),
    "CardOut.state": N_("How the card stands; tills refuse all but `active`."),
    "PassOut.used_at": N_("When the coupon was used; null if it was not."),
    "PassOut.state": N_("How the pass stands; `erased` and `lost` are for good."),
    "status": N_("HTTP status."),
    "AttemptOut.status": N_("HTTP status that the receiver answered; null if no answer came."),
    "BatchItemOut.status": N_("HTTP status that the item alone would have had."),
    "store": N_("Your name of the store."),
    "text": N_("The text, as people read it."),
    "MessageOut.text": N_("What the member was told; null for keys without `personal:read`."),
    "PreviewOut.text": N_("What the named member would read; null if none was named."),
    "text_version": N_("Your name for the text that the member saw."),
    "texts": N_("What is said, by language."),
    "timestamp": N_(
        "When it happened; of a posting, when it was written into the book. Every try has the same."
    ),
    "timezone": N_("Time zone of the programme's clock, such as `Europe/Moscow`."),
    "title": N_("Title, as people read it."),
    "Problem.title": N_("The HTTP status in words."),
    "to": N_("The member who gets."),
    "TransferOut.to": N_("The member who got, with the balance right after it."),
    "told": N_("Members who were told."),
    "told_at": N_("When it was written on the card; null if it was not."),
    "took_ms": N_("How long the attempt took, in milliseconds."),
    "total": N_("All of it, active or not."),
    "WaveOut.total": N_("How many cards there are to look at."),
    "total_money": N_("The same as money, where the unit is money."),
    "type": N_("What it is."),
    "AttemptOut.type": N_("Type of the event; null once it is not kept any more."),
    "BatchItemIn.type": N_("Points in or points out."),
    "GenericMessage.type": N_("Points in or points out."),
    "Problem.type": N_("Address of the page that says what the code means and what to do."),
    "types": N_("Which events it is told of, such as `points.*`; null for all."),
    "undoes": N_("Number of the posting that was undone; null if it undoes none."),
    "unit": N_("Code of what is counted."),
    "units": N_("What the programme counts, the main one first."),
    "until": N_("Up to this moment, the moment itself not included."),
    "CouponSeen.until": N_("When the offer ends; it does not if this is null or left out."),
    "MessageTermsIn.until": N_(
        "It is sent until this hour, by the programme's clock, such as `21:00`."
    ),
    "MessageTermsOut.until": N_(
        "It is sent until this hour, by the programme's clock, such as `21:00`."
    ),
    "OfferIn.until": N_("When the offer ends; it does not if this is null or left out."),
    "OfferOut.until": N_("When the offer ends; it does not if this is null or left out."),
    "QuietIn.until": N_("When the quiet hours end, by the programme's clock, such as `09:00`."),
    "url": N_("Address that events are posted to."),
    "version": N_("Number of the version that phones should show."),
    "waiting": N_("Members who are not settled yet."),
    "wallet": N_("In which wallet the card is."),
    "wave_id": N_("Id of the wave."),
    "webhook-id": N_("Id of the message: the same when it is repeated."),
    "webhook-signature": N_(
        "Signature of id, timestamp and body by Standard Webhooks, such as `v1,…`."
    ),
    "webhook-timestamp": N_(
        "When this attempt was signed, in seconds since 1970; at most five minutes off."
    ),
    "why": N_("Why the message was not shown, or may not have been."),
    "withdrawn_at": N_("When the offer was taken off the cards; null if it was not."),
    "words": N_("Words of the posting; null if it has none, or none any more."),
    "write_off": N_("Take the remaining points out of the book as expired."),
    "written_off": N_("How many points this call wrote off."),
    "Баллы": N_("How many points; give either this or the sum."),
    "Вид": N_("Points in or points out."),
    "Дата": N_("When it happened, by the programme's clock where there is no zone."),
    "Документ": N_("Number of the document."),
    "Карта": N_("Number of the card; give either this or the client's code."),
    "КодКлиента": N_("Code of the member in 1C; give either this or the card."),
    "Комментарий": N_("Why points move; the member may read it."),
    "Сумма": N_("How much money, as text; give either this or points."),
    "purchase": N_("What was paid in the purchase, in money; left out if it is not known."),
    "CaptureIn.purchase": N_("What was paid besides, in money; left out if it is not known."),
    "LineOut.purchase": N_(
        "What was paid in the purchase, less than 0 where a reversal took something of it back; "
        "null if it is not known."
    ),
    "RedemptionIn.purchase": N_("What was paid besides, in money; left out if it is not known."),
    "ReversalOut.purchase": N_(
        "What became of what was paid; left out where it is not known what was paid."
    ),
    "PaidIn.amount": N_("The amount as text, such as `199.90`; `0` if nothing was paid."),
    "PaidIn.currency": N_("Currency in three capital letters (ISO 4217)."),
    "PurchaseUndone.taken_back": N_("How much of the purchase this reversal took back."),
    "PurchaseUndone.left": N_("How much of the purchase is left."),
    "Оплачено": N_("What was paid in the purchase, as text; its currency stands beside it."),
    "Валюта": N_("Currency of the sum, and of what was paid, in three capital letters."),
    "BalanceData.card": N_("Number of the member's card; give either this or `external_id`."),
    "BalanceData.points": N_("How many points the member has; give either this or `money`."),
    "BalanceData.money": N_("How much money the member has, where the unit is money."),
    "BalanceMessage.timestamp": N_("When the member had it."),
    "BalanceMessage.type": N_("What the member has in all."),
    "OneCBalance.Вид": N_("What the member has in all."),
    "OneCBalance.Баллы": N_("How many points the member has; give either this or the sum."),
    "OneCBalance.Сумма": N_("How much money the member has, as text; give either this or points."),
    "OneCBalance.Дата": N_("When the member had it, by the programme's clock without a zone."),
    "WebhookOut.id": N_("Id of the posting; null if a balance that was told changed nothing."),
    "WebhookOut.outcome": N_("What came of a balance that was told; left out for points."),
    "difference": N_("How many points came in, less than 0 for those that went out."),
    "difference_money": N_("The same as money, where the unit is money."),
    "UnitChange.live_days": N_("How many days points live that come from now on; null: for ever."),
    "average": N_("What that is for each member, buyers or not."),
    "AverageDifference.average": N_("How much more a member who was told paid on average."),
    "bought": N_("How many of them bought something."),
    "cost": N_("What the campaign cost."),
    "counted": N_("What was counted as a purchase."),
    "getCampaignResults.days": N_("For how many days from the start purchases are counted."),
    "EffectOut.difference": N_("How much more of those who were told bought; null if unknown."),
    "InCurrencyOut.difference": N_("How much more those who were told paid; null if unknown."),
    "gifts": N_("How many points came with the messages."),
    "gifts_money": N_("The same as money, where the unit is money."),
    "EffectOut.held_out": N_("Those who would have been told and were held out by lot."),
    "InCurrencyOut.held_out": N_("Those who would have been told and were held out by lot."),
    "high": N_("Upper bound of the difference."),
    "low": N_("Lower bound of the difference."),
    "GroupOut.members": N_("How many members there are."),
    "CostOut.messages": N_("How many members were told."),
    "EffectOut.money": N_("What they paid, a currency each, the one with most first."),
    "percent": N_("Which part of them bought something, in percent."),
    "ShareDifference.percent": N_("How much greater the part is, in percentage points."),
    "purchases": N_("What members bought afterwards; null before the campaign has begun."),
    "EffectOut.since": N_("When the campaign began to run."),
    "EffectOut.told": N_("Those who were told."),
    "InCurrencyOut.told": N_("Those who were told."),
    "SpentOut.total": N_("What all of them paid, less what was taken back."),
    "EffectOut.until": N_("Up to when purchases are counted; it may be still to come."),
    "conclusion": N_("What may be said of the difference."),
    "PurchaseCondition.at_least": N_("For so much in all, less what was taken back."),
    "MessageTermsIn.holdout_percent": N_("How many percent are not told, to compare with."),
    "MessageTermsOut.holdout_percent": N_("How many percent are not told, to compare with."),
    "getBuiltInMessageResults.days": N_("For how many days after each purchases are counted."),
    "getBuiltInMessageResults.since": N_("Messages due from then on; three months ago without it."),
    "getBuiltInMessageResults.until": N_("Messages due before then; now without it."),
    "ConclusionOut.code": N_("A stable word for what may be said."),
    "blocked_at": N_("Since when the number is blocked; null if it is not."),
    "blocked_for": N_(
        "Why the number is blocked: another one has its place (`replaced`), it is in wrong hands "
        "(`lost`), or it waits for its owner (`blocked`); null if it is not blocked."
    ),
    "listCards.blocked_for": N_("Why the number is blocked."),
    "listMemberCards.blocked_for": N_("Why the number is blocked."),
    "listCards.state": N_("How the card stands by now."),
    "listMemberCards.state": N_("How the card stands by now."),
    "ListedCardOut.state": N_("How the card stands by now; tills refuse all but `active`."),
    "ListedCardOut.created_at": N_("When the number was given."),
    "ListedCardOut.expires_at": N_("From when on the card does not count; null if it has no end."),
    "void_at": N_("Since when the card is void; null if it is not."),
    "closed_at": N_("When the hold ended; null while it is open."),
    "ListedHoldOut.expires_at": N_("When the points are free again if nobody captures them."),
    "ListedHoldOut.state": N_("Whether the hold is open, or how it ended."),
    "HoldOut.state": N_("Whether the hold is open, or how it ended."),
    "listHolds.state": N_("Whether the hold is open, or how it ended."),
    "household": N_("The member whose points this one uses, by id; null: their own."),
    "listMembers.household": N_(
        "Those who use the points of this member's household, by the id of any of them."
    ),
    "merged_into": N_("The member who this one is now, by id; null if they were not merged."),
    "MemberOut.state": N_(
        "`active`; `merged` for who is another member now; `erased` for an id that stands for "
        "nobody any more."
    ),
    "MemberInFull.state": N_(
        "`active`; `merged` for who is another member now; `erased` for an id that stands for "
        "nobody any more."
    ),
    "TogetherOut.state": N_(
        "`active`; `merged` for who is another member now; `erased` for an id that stands for "
        "nobody any more."
    ),
    "MemberOut.created_at": N_("When the member joined."),
    "MemberInFull.created_at": N_("When the member joined."),
    "TogetherOut.created_at": N_("When the member joined."),
    "listMembers.state": N_("Whether the id stands for a member, for another one, or for nobody."),
    "listMembers.programme": N_("Code of the programme; a search needs none."),
    "listMembers.since": N_("Who joined at this moment or later."),
    "listMembers.until": N_("Who joined before this moment."),
    "left": N_("How many of the points there are still."),
    "left_money": N_("The same as money, where the unit is money."),
    "LotOut.points": N_("How many points there were at first."),
    "LotOut.held": N_("How many of those that are left open holds have set aside."),
    "LotOut.posting": N_("The posting that brought the points, by id."),
    "LotOut.state": N_("What the points are by the clock."),
    "LotOut.activates_at": N_("From when the points can be spent."),
    "LotOut.expires_at": N_("When the points run out; null: never."),
    "next_expiry": N_("The points that run out next; null if none will."),
    "NextExpiryOut.points": N_("How many points run out."),
    "NextExpiryOut.expires_at": N_("When they run out."),
    "terms": N_("How points come back, and how they are taken back."),
    "grace_days": N_("For how many more days points live that come back after their time."),
    "overdrawn": N_("What a reversal does about points that were spent meanwhile."),
    "spend_by_phone": N_(
        "How a member spends at a counter who names a phone number and shows no card: with a "
        "`code` that reaches them, as who shows one (`allowed`), or `never`."
    ),
    "confirmed": N_(
        "Whether it is known that the member is the person for whom the card was made. Of one whom "
        "a cashier made at a counter it is not, until they accept the rules on the page of their "
        "card or name a code that was sent to them: they earn, cannot spend, and get no "
        "advertising."
    ),
    "PostingFactsOut.entries": N_("What the posting did to each member."),
    "PostingEntryOut.account": N_("Whether the points of the member changed, or what they owe."),
    "PostingEntryOut.points": N_(
        "By how many; negative for what left the member, and for a debt that grew."
    ),
    "PostingEntryOut.balance_after": N_(
        "All that the member had after this posting, active or not; null for a debt."
    ),
    "PostingFactsOut.card": N_("Number of the card that was shown; null if none was."),
    "listPostings.card": N_("Number of the card that was shown."),
    "PostingFactsOut.kind": N_("Kind of the posting."),
    "listPostings.kind": N_("Kind of the posting."),
    "listPostings.unit": N_("Code of what the posting moved; any unit without it."),
    "PostingFactsOut.undoes": N_("How many points of that posting it undoes; null if none."),
    "what": N_("What was exported."),
    "exportMembers.format": N_("`csv` or `ndjson`; without it, as `Accept` says."),
    "exportPostings.format": N_("`csv` or `ndjson`; without it, as `Accept` says."),
    "ExportOut.format": N_("`csv` or `ndjson`."),
    "exportMembers.state": N_(
        "Whether the id stands for a member, for another one, or for nobody."
    ),
    "exportMembers.household": N_(
        "Those who use the points of this member's household, by the id of any of them."
    ),
    "exportMembers.since": N_("Who joined at this moment or later."),
    "exportMembers.until": N_("Who joined before this moment."),
    "exportPostings.card": N_("Number of the card that was shown."),
    "exportPostings.kind": N_("Kind of the posting."),
    "exportPostings.unit": N_("Code of what the posting moved; any unit without it."),
    "filters": N_(
        "Which rows were asked for; `…` in place of what may name a person or a receipt."
    ),
    "by": N_("The key, or the command, that asked for it."),
    "ended_at": N_("When it ended; null while it runs, or if its process was killed."),
    "complete": N_("Whether it ended with the last row; if not, the file is a part."),
    "ExportOut.personal": N_("Whether what is known of people was in it."),
    "ExportOut.rows": N_("How many rows went out."),
    "titles": N_("The title in each language."),
    "OfferIn.title": N_("Title: by language, or plain text in the programme's own."),
    "OfferChange.title": N_("Title: by language, or plain text in the programme's own."),
    "OfferIn.text": N_("Text: by language, or plain text in the programme's own."),
    "OfferChange.text": N_("Text: by language, or plain text in the programme's own."),
    "OfferOut.title": N_("The title in the caller's language."),
    "OfferOut.text": N_("The text in the caller's language; empty if there is none."),
    "OfferOut.texts": N_("The text in each language."),
    "OfferIn.audience": N_(
        "Which members it is for, as a tree of conditions; written down once, when it begins."
    ),
    "OfferOut.audience": N_("Which members it is for; null if it is for one, or for all."),
    "OfferChange.from": N_("When it begins; it cannot be changed any more once it has."),
    "OfferChange.until": N_("When it ends; null: it does not."),
    "CampaignIn.gift": N_("What comes with the message to those who are told."),
    "CampaignChange.gift": N_("What comes with the message to those who are told; null: nothing."),
    "CampaignOut.gift": N_("What comes with the message to those who are told; null for nothing."),
    "gift_live_days": N_("How many days the gift lives; as the unit's terms say without it."),
    "GiftIn.live_days": N_("How many days the points live; as the unit's terms say without it."),
    "GiftOut.live_days": N_("How many days the points live; null where something else says it."),
    "GiftIn.expires_at": N_("Until when the points can be spent, whenever they came."),
    "GiftOut.expires_at": N_(
        "Until when the points can be spent; null where something else says it."
    ),
    "GiftIn.money": N_("How much, as money; may stand in place of `points`."),
    "no_coupon": N_("Members who were not told because the offer of the coupon was over."),
    "GiftIn.coupon": N_("Id of the offer of which those who are told get a coupon."),
    "GiftOut.coupon": N_("Id of the offer of which those who are told get a coupon."),
    "GiftOut.points": N_("How many; null if it is a coupon."),
    "ResultsOut.coupons": N_("What became of the coupons; null where none come with it."),
    "CouponsOut.given": N_("Members who got a coupon with the message."),
    "CouponsOut.had": N_("Members who had one of the offer already, and were only told."),
    "CouponsOut.used": N_("Members who used the coupon that they were given."),
    "refused": N_("Members to whom the gift could not be given, and who were not told."),
    "keeps_personal": N_(
        "Whether names, phone numbers, addresses and birthdays are stored; where they are not, "
        "sending them is refused."
    ),
    "waits_for": N_(
        "Why no member is told at present: `start`, `quiet_hours`, `coupon`, `pace` or `paused`; "
        "null where nothing is waited for."
    ),
    "waits_until": N_("When the campaign goes on by itself; null where it does not wait for that."),
    "CampaignIn.quiet_hours": N_(
        "Hours of the programme's clock in which no member gets the message. Without it, from "
        "21:00 to 10:00 for advertising and none for service; null: none."
    ),
    "CampaignChange.quiet_hours": N_(
        "Hours of the programme's clock in which no member gets the message; null: none."
    ),
    "PostingFactsOut.purchase": N_(
        "What was paid in the purchase; negative where a reversal took something of it back; null "
        "if it is not known."
    ),
    "GenericMessage.timestamp": N_("When it happened; becomes `occurred_at` of the posting."),
    "EventTold.id": N_("Number of the event: it grows, with gaps, and stays below 2^53."),
    "EventTold.programme": N_(
        "Code of the programme; null for a test of a receiver of all programmes."
    ),
    "EventTold.data": N_("What happened, as the type has it."),
    "EventTold.type": N_("What happened."),
    "person": N_("What is known of the person; left out where personal data is not given."),
    "PersonKnown.name": N_(
        "Name of the person, as it stands on the card; null if it is not known."
    ),
    "PersonKnown.phone": N_("Phone number; null if it is not known."),
    "PersonKnown.email": N_("Mail address; null if it is not known."),
    "PersonKnown.birthday": N_("Date of birth; null if it is not known."),
    "PersonKnown.locale": N_("Language of the person; null if it is not known."),
    "PersonKnown.external_id": N_("Your own number of the member; null if it is not known."),
    "MergeTold.member": N_("Id of the member who is another one now."),
    "MergeTold.into": N_("Id of the member who they are now."),
    "pass": N_("Id of the pass: of the card, or of a coupon."),
    "WalletTold.wallet": N_("The wallet that it came to, or left."),
    "PointsTold.posting": N_("Id of the posting."),
    "PointsTold.points": N_("By how many points; negative for what left the member."),
    "PointsTold.balance_after": N_(
        "All that the member had right after this posting, as in the statement: "
        "available, pending and held together. It is not what can be spent. Null where "
        "only the debt changed."
    ),
    "debt_change_money": N_("The same as money, where the unit is money."),
    "debt_change": N_(
        "By how many points what the member owes has grown; negative where a debt was paid."
    ),
    "PointsTold.receipt": N_("Number of the receipt; null if there is none."),
    "PointsTold.store": N_("Name of the store; null if none was named."),
    "PointsTold.promotion": N_(
        "Name of the promotion, or of the campaign of a gift; null for none."
    ),
    "PointsTold.purchase": N_(
        "What was paid in the purchase, less than 0 where a reversal took something of it"
        " back; null if it is not known."
    ),
    "BurningTold.points": N_("How many points run out."),
    "BurningTold.until": N_("The day on which they run out, by the programme's clock."),
    "BalanceTold.balance": N_(
        "What the member has, when the event is made; null if they never had any of it."
    ),
    "CouponTold.pass": N_("Id of the coupon's pass."),
    "MessageTold.kind": N_("Which message it is."),
    "MessageTold.campaign": N_("Id of the campaign; null for built-in messages."),
    "wallets": N_("The wallets that show it."),
    "PostingOut.balance": N_("The member's balance right after this call."),
    "SideOut.balance": N_("The member's balance right after this call."),
    "WebhookOut.balance": N_("The member's balance right after this call."),
    "AccrualIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "BatchItemIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "HoldIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "RedemptionIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "TransferIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "CaptureIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "GenericData.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "ReversalIn.money": N_(
        "How much, as money; may stand in place of `points` where the unit is money."
    ),
    "ReversalOut.reverses": N_("Id of the posting that was undone."),
    "AccrualIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "BatchItemIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "HoldIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "RedemptionIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "TransferIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "ReversalIn.occurred_at": N_("When it happened, by your clock; now without it."),
    "AccrualIn.unit": N_("Code of what is counted; the programme's main unit without it."),
    "BatchItemIn.unit": N_("Code of what is counted; the programme's main unit without it."),
    "HoldIn.unit": N_("Code of what is counted; the programme's main unit without it."),
    "RedemptionIn.unit": N_("Code of what is counted; the programme's main unit without it."),
    "TransferIn.unit": N_("Code of what is counted; the programme's main unit without it."),
    "createImport.unit": N_("Code of what is counted; the programme's main unit without it."),
    "listMemberLots.unit": N_("Code of what is counted; the programme's main unit without it."),
    "listMemberPostings.unit": N_("Code of what is counted; the programme's main unit without it."),
    "getLiability.unit": N_("Code of what is counted; the programme's main unit without it."),
    "CampaignOut.audience": N_("Which members are meant, as a tree of conditions."),
    "MessageTermsOut.gift_live_days": N_(
        "How many days the gift lives; null: as the unit's terms say."
    ),
    "after": N_("What it is since; null where there is nothing any more."),
    "author": N_("Who made the change."),
    "before": N_("What it was; null where there was nothing."),
    "ChangeOut.at": N_("When it was made."),
    "ChangeOut.code": N_("What was done, such as `key.added` or `receiver.changed`."),
    "ChangeOut.fields": N_("What differs, and says nothing of a person."),
    "ChangeOut.id": N_("Id of the change; it is never given to another."),
    "ChangeOut.number": N_(
        "Place in the chain of hashes; null for some seconds, until the change has one."
    ),
    "ChangeOut.of": N_("What was changed."),
    "ChangeOut.personal": N_(
        "What it says of a person; null if nothing, if they were erased, and for keys without"
        " `personal:read`."
    ),
    "ChangeOut.programme": N_("Code of its programme; null where it concerns none, or all."),
    "ChangeAuthorOut.kind": N_(
        "An API key, the key of the environment, a source of webhooks, or a command of the"
        " operator."
    ),
    "ChangeAuthorOut.name": N_("Name of the key or source, or the command."),
    "ChangedThingOut.kind": N_("Which kind of thing it is."),
    "ChangedThingOut.id": N_("Its code, its name or its id."),
    "FieldChangeOut.name": N_("Name of the field."),
    "listChanges.kind": N_("Only changes of such things."),
    "listChanges.of": N_("Only changes of this one, by its code, name or id."),
    "listChanges.since": N_("Only changes from this moment on."),
    "listChanges.until": N_("Only changes before this moment."),
    "called": N_("What the staff calls a member: `client`, `guest` or `buyer`."),
    "listed": N_("Whether it is shown to everybody who comes to the service without a link."),
    "percent_back": N_("How much of what is paid in money comes back in points: text, in percent."),
    "percent_payable": N_("How much of a purchase points may pay: text, in percent."),
    "point_worth": N_("What one point pays; left out where the programme counts money."),
    "BaseOut.point_worth": N_("What one point pays; null where the programme counts money."),
    "BaseIn.live_days": N_("How many days points live that come from now on; null: for ever."),
    "BaseOut.live_days": N_("How many days points live that come now; null: for ever."),
    "welcome": N_("What a new member is given; null: nothing."),
    "BaseIn.birthday": N_("What is given for a birthday; null: nothing."),
    "BaseOut.birthday": N_("What is given for a birthday; null: nothing."),
    "lapsed": N_("What is given to who has bought nothing for long; null: nothing."),
    "days_before": N_("So many days before the birthday; 0: on the day."),
    "LapsedGiftIn.days": N_("After so many days without a purchase."),
    "LapsedGiftOut.days": N_("After so many days without a purchase."),
    "sentence": N_("The base programme in one sentence, by language."),
    "WelcomeIn.live_days": N_("How many days they live; as the unit's terms say without it."),
    "BirthdayGiftIn.live_days": N_("How many days they live; as the unit's terms say without it."),
    "LapsedGiftIn.live_days": N_("How many days they live; as the unit's terms say without it."),
    "WelcomeOut.live_days": N_("How many days they live; null: as the unit's terms say."),
    "BirthdayGiftOut.live_days": N_("How many days they live; null: as the unit's terms say."),
    "LapsedGiftOut.live_days": N_("How many days they live; null: as the unit's terms say."),
    "names": N_("What the programme is called, by language."),
    "asks": N_(
        "What the form asks of who joins, by field: `off`, `optional` or `required`. Of phone and "
        "e-mail one is always needed."
    ),
    "benefit": N_(
        "What one gets who joins, in a sentence of the programme's own, by language; where there "
        "is none, the page says what the base programme gives."
    ),
    "rules": N_("On which conditions one takes part, by language."),
    "If-Match": N_(
        "The revision that you read, or `*`: 412 `changed_meanwhile` if it is another by now."
    ),
    "revision": N_("How often it was changed, and 1 for what is new."),
    "StoreItemIn.revision": N_("The revision that you read; 0: the store must be new."),
    "group": N_("A word of your own for several stores, such as a city; null: none."),
    "closed": N_("Whether it is closed for good; what happened there stays."),
    "StoreIn.name": N_("What people call it; its code without it."),
    "StoreItemIn.name": N_("What people call it; its code without it."),
    "TillIn.name": N_("What people call it; its code without it."),
    "StoreOut.name": N_("What people call it."),
    "TillOut.name": N_("What people call it."),
    "StoreIn.timezone": N_("Time zone of its clock; that of the programme without it."),
    "StoreItemIn.timezone": N_("Time zone of its clock; that of the programme without it."),
    "StoreOut.timezone": N_("Time zone of its clock."),
    "StoreItemIn.code": N_("Your code of the store; it never changes."),
    "StoreOut.code": N_("Your code of the store; it never changes."),
    "TillOut.code": N_("Your code of the till; it never changes, and is one within its store."),
    "getStore.store": N_("Your code of the store."),
    "putStore.store": N_("Your code of the store."),
    "till": N_("Your code of the till."),
    "TillIn.store": N_("Code of the store that it stands in."),
    "TillOut.store": N_("Code of the store that it stands in."),
    "getTill.store": N_("Code of its store; needed where several have a till with this code."),
    "listTills.store": N_("Only the tills of the store with this code."),
    "StoreItemOut.key": N_("The code that was sent; null if it has none that can be read."),
    "StoreItemOut.store": N_("The store as it is now; null if it was refused."),
    "StoreItemOut.code": N_("Why it was refused; null otherwise."),
    "StoreItemOut.detail": N_("Why it was refused, in words; null otherwise."),
    "StoreOut.changed_at": N_("When it last changed."),
    "TillOut.changed_at": N_("When it last changed."),
    "sku": N_("Your SKU of the product; it never changes."),
    "listProducts.sku": N_("Only the product with this SKU."),
    "listProducts.barcode": N_(
        "Only the product with this barcode; of a code that scales print, the product that was "
        "weighed."
    ),
    "listProducts.category": N_("Only products of this category, and of all that lie in it."),
    "listProducts.archived": N_("Only those that are archived, or only those that are not."),
    "listPrices.group": N_("Only prices of stores of this group."),
    "category": N_("Code of the category that it lies in; null: none."),
    "getCategory.category": N_("Your code of the category."),
    "putCategory.category": N_("Your code of the category."),
    "CategoryOut.code": N_("Your code of the category; it never changes."),
    "CategoryIn.name": N_("What people call it, by language or in the first; its code without it."),
    "CategoryOut.name": N_("What people call it, in the caller's language."),
    "CategoryOut.names": N_("What people call it, by language."),
    "CategoryOut.changed_at": N_("When it last changed."),
    "parent": N_("Code of the category that it lies in; null: it stands at the top."),
    "category_path": N_("Codes of the categories that it lies in, from the top down."),
    "ProductIn.name": N_("What people call it, by language or in the first; its SKU without it."),
    "ProductItemIn.name": N_(
        "What people call it, by language or in the first; its SKU without it."
    ),
    "ProductOut.name": N_("What people call it, in the caller's language."),
    "ProductOut.names": N_("What people call it, by language."),
    "ProductOut.changed_at": N_("When it last changed; its prices apart."),
    "ProductItemIn.revision": N_("The revision that you read; 0: the product must be new."),
    "article": N_("The maker's own number of it, or another that people know it by."),
    "brand": N_("Its brand."),
    "model": N_("What its variants have in common, such as all sizes of a shoe."),
    "properties": N_("More of it by name, such as size and colour; texts."),
    "ProductIn.unit": N_(
        "In what it is counted: `pcs`, or `kg`, `g`, `l`, `ml`, `m`, `m2`, `m3`, `h`. What is not "
        "in pieces counts as one, however much it is."
    ),
    "ProductItemIn.unit": N_(
        "In what it is counted: `pcs`, or `kg`, `g`, `l`, `ml`, `m`, `m2`, `m3`, `h`. What is not "
        "in pieces counts as one, however much it is."
    ),
    "ProductOut.unit": N_("In what it is counted: `pcs`, or a measure such as `kg`."),
    "ProductIn.kind": N_("Which kind of goods it is: that says in what it takes part."),
    "ProductItemIn.kind": N_("Which kind of goods it is: that says in what it takes part."),
    "ProductOut.kind": N_("Which kind of goods it is: that says in what it takes part."),
    "treatment": N_("In what it takes part; what is left out is as usual for its kind."),
    "ProductOut.treatment": N_("In what it takes part."),
    "counts": N_("Whether promotions count it in their conditions."),
    "discounted": N_("Whether it may become cheaper."),
    "TreatmentIn.payable": N_("Whether points may pay for it."),
    "TreatmentOut.payable": N_("Whether points may pay for it."),
    "earns": N_("Whether it earns points."),
    "turnover": N_("Whether it counts for levels."),
    "vat": N_("The rate of VAT as text, handed on as it came."),
    "marked": N_("Whether each piece has a marking code of its own, so that it is never split."),
    "picture": N_("Address of a picture of it, with https."),
    "availability": N_("Whether there is any: `in_stock`, `out_of_stock` or `on_order`."),
    "stores": N_("Where its availability is another, by the codes of stores."),
    "archived": N_("Whether it is not sold any more; it stays known."),
    "barcodes": N_(
        "Its barcodes, no two products having the same. Of what scales print, the first seven "
        "digits are enough."
    ),
    "price": N_("What it costs everywhere but in groups of stores that have a price of their own."),
    "ProductIn.price": N_("What it costs from now on, everywhere; without it prices stay."),
    "ProductItemIn.price": N_("What it costs from now on, everywhere; without it prices stay."),
    "PriceItemIn.price": N_("What it costs; null: it has no price there any more."),
    "PriceOut.price": N_("What it costs; null: it has no price there from then on."),
    "FloorItemIn.price": N_("The lowest price; null: it has no floor of its own any more."),
    "FloorOut.price": N_("The lowest price; null: it has no floor of its own from then on."),
    "floor": N_(
        "The lowest price for which it may be sold: its own, or that of the nearest category."
    ),
    "lowest_30d": N_("Its lowest price of the last thirty days, the one of now among them."),
    "quantity": N_("How many kilograms the barcode says that was asked for; null: it says none."),
    "PriceItemIn.group": N_("The group of stores where it costs that; all others without it."),
    "PriceOut.group": N_("The group of stores where it costs that; null: all others."),
    "PriceItemIn.from": N_("From when on it holds; at once without it."),
    "FloorItemIn.from": N_("From when on it holds; at once without it."),
    "PriceOut.from": N_("From when on it holds, until the next one of the same stores."),
    "FloorOut.from": N_("From when on it holds, until the next one of the same."),
    "AmountItemOut.from": N_("From when on it holds; null if it changes nothing."),
    "said_at": N_("When it was said."),
    "FloorItemIn.sku": N_("SKU of the product; give either this or `category`."),
    "FloorItemIn.category": N_("Code of the category; give either this or `sku`."),
    "FloorOut.sku": N_("SKU of the product; null if it is of a category."),
    "FloorOut.category": N_("Code of the category; null if it is of a product."),
    "ProductItemOut.key": N_("The SKU that was sent; null if it has none that can be read."),
    "ProductItemOut.outcome": N_("`created`, `changed` or `unchanged`; null if it was refused."),
    "ProductItemOut.revision": N_("Its revision now; null if it was refused."),
    "ProductItemOut.code": N_("Why it was refused; null otherwise."),
    "ProductItemOut.detail": N_("Why it was refused, in words; null otherwise."),
    "AmountItemOut.key": N_(
        "The SKU or the category that was sent; null if it has none that can be read."
    ),
    "AmountItemOut.outcome": N_("`noted`, or `unchanged` if it had been said; null if refused."),
    "AmountItemOut.code": N_("Why it was refused; null otherwise."),
    "AmountItemOut.detail": N_("Why it was refused, in words; null otherwise."),
    "listChanges.by": N_("Only what this author changed, by the name of the key or person."),
    "MemberFileOut.made_at": N_("When the file was made."),
    "MemberFileOut.programme": N_("Code and name of the programme."),
    "MemberFileOut.members": N_(
        "Who the person is and was, merged members as well, with all that is known of each."
    ),
    "MemberFileOut.points": N_("What they have and had of each unit."),
    "JoinedSinceCondition.days": N_(
        "Within how many days before the campaign starts; give either this or `since`."
    ),
    "ListIn.members": N_("Who is on the list, a row for each."),
    "ListIn.name": N_("Its name, by which it is called in addresses too: one line, no slashes."),
    "ListOut.name": N_("Its name, by which it is called in addresses too."),
    "ListOut.size": N_("How many members were on it when it was made."),
    "ListOut.left_out": N_("How many rows named nobody who can be on it."),
    "ListOut.made_by": N_("Who made it: an address of the staff, or the name of a key."),
    "ListOut.created_at": N_("When it was made."),
    "ListMadeOut.name": N_("Its name, by which it is called in addresses too."),
    "ListMadeOut.size": N_("How many members are on it."),
    "ListMadeOut.left_out": N_("How many rows named nobody who can be on it."),
    "ListMadeOut.made_by": N_("Who made it: an address of the staff, or the name of a key."),
    "ListMadeOut.created_at": N_("When it was made."),
    "ListMadeOut.rows": N_("What became of each row, in the order in which they were sent."),
    "ListRowIn.card": N_("Number of their card."),
    "ListRowIn.email": N_("Their e-mail address."),
    "ListRowIn.external_id": N_("Their number in another system."),
    "ListRowIn.member": N_("Id of the member; nothing else stands beside it."),
    "ListRowIn.phone": N_("Their phone number; without a plus it is one of the country."),
    "ListRowOut.row": N_("Number of the row, from 1."),
    "ListRowOut.outcome": N_("`taken`, `double` or `unknown`."),
    "ListRowOut.first": N_("The row that named the same member before; null otherwise."),
    "ListRowOut.code": N_("Why it names nobody, as a code that does not change; null otherwise."),
    "ListRowOut.message": N_("The same in words, as `Accept-Language` asks; null otherwise."),
    "SegmentIn.audience": N_("Which members are meant, as a tree of conditions."),
    "SegmentIn.revision": N_(
        "Save only if this is the revision there is; 0 for a name that nobody has. Without it,"
        " whatever there is."
    ),
    "SegmentOut.audience": N_("Which members are meant, as a tree of conditions."),
    "SegmentOut.name": N_("Its name, by which it is called in addresses too."),
    "SegmentOut.revision": N_("How often what it means was saved, from 1."),
    "SegmentOut.made_by": N_("Who saved it last: an address of the staff, or the name of a key."),
    "SegmentOut.created_at": N_("When it was first saved."),
    "SegmentOut.changed_at": N_("When it was last saved with another meaning."),
    "ListedCondition.list": N_("Name of the list, as it was given when the list was made."),
    "gives": N_(
        "What it gives: rewards, each on what the one before left. `GET /promotions/kinds` "
        "has their kinds."
    ),
    "when": N_(
        "The condition under which it gives anything; without one it always does. `GET "
        "/promotions/kinds` has the kinds."
    ),
    "lane": N_("Code of the group of promotions in which it is decided; the first one without it."),
    "priority": N_(
        "The larger goes first; 0 without it. Where it is the same, codes decide, in "
        "alphabetical order."
    ),
    "not_with": N_("Codes of promotions with which it never stands on one receipt."),
    "alone": N_("Whether it excludes all other promotions, in every group."),
    "adds_to_given": N_("Whether it also holds for lines that the till made cheaper, or closed."),
    "keeps_units": N_(
        "Whether the units that take part in it are for no other promotion afterwards."
    ),
    "costs": N_("What the member pays for it in points."),
    "at_once": N_("Whether it is bought without asking, as soon as there are points."),
    "PointsPrice.times": N_("So often on one receipt at most."),
    "limits": N_("How often it is given."),
    "budget": N_("How much it gives in all."),
    "points_dates": N_("When its points become active, and how long they live."),
    "PromotionIn.name": N_("What people call it, on receipts too: text, or texts by language."),
    "PromotionPut.name": N_("What people call it, on receipts too: text, or texts by language."),
    "TriedPromotion.name": N_("What people call it, on receipts too: text, or texts by language."),
    "PromotionIn.from": N_("From when on it holds, once it was published; at once without it."),
    "PromotionPut.from": N_("From when on it holds, once it was published; at once without it."),
    "TriedPromotion.from": N_("From when on it holds, once it was published; at once without it."),
    "PromotionIn.until": N_(
        "Until when it holds, the moment itself not included; for ever without it."
    ),
    "PromotionPut.until": N_(
        "Until when it holds, the moment itself not included; for ever without it."
    ),
    "TriedPromotion.until": N_(
        "Until when it holds, the moment itself not included; for ever without it."
    ),
    "PromotionIn.code": N_("Your code of the promotion; it never changes."),
    "TriedPromotion.code": N_(
        "Its code. If a published promotion has the same, this one is tried in its place."
    ),
    "getPromotion.promotion": N_("Your code of the promotion."),
    "putPromotion.promotion": N_("Your code of the promotion."),
    "publishPromotion.promotion": N_("Your code of the promotion."),
    "endPromotion.promotion": N_("Your code of the promotion."),
    "listPromotionVersions.promotion": N_("Your code of the promotion."),
    "UseLimits.total": N_("How often in all."),
    "UseLimits.member": N_("How often to one member."),
    "UseLimits.member_day": N_("How often to one member on one business day."),
    "UseLimits.code": N_("How often for one code that was entered."),
    "GivingBudget.money": N_("How much money it takes off in all."),
    "GivingBudget.points": N_("How many points it gives in all."),
    "active_after_days": N_("After how many days they can be spent; 0 without it: at once."),
    "PointsDates.live_days": N_(
        "How many days they live from then on; as all points do without it."
    ),
    "PromotionOut.code": N_("Your code of the promotion; it never changes."),
    "PromotionOut.rules": N_("What it is, as it was last written; what is as usual is left out."),
    "PromotionOut.stage": N_(
        "Where it is given by the last decision that holds: `draft` (nowhere yet), `test` (in"
        " checks alone), `pilot`, `everywhere`, or `ended`."
    ),
    "PromotionOut.version": N_("Which version is given there; null for a draft."),
    "PromotionOut.stores": N_("The stores of a pilot, by code; null otherwise."),
    "PromotionOut.since": N_("Since when; null for a draft."),
    "PromotionOut.created_at": N_("When it was first written."),
    "PromotionOut.changed_at": N_("When it was last written with another meaning."),
    "PublishIn.stage": N_(
        "`test` for checks alone, `pilot` for some stores, `everywhere` without it."
    ),
    "PublishIn.stores": N_("Codes of the stores of a pilot."),
    "PublishIn.from": N_("From when on; at once without it, and for a moment that is past."),
    "stages": N_("Decisions about where versions are given, in the order in which they were made."),
    "PromotionVersionOut.number": N_("Its number: 1 for the first that was published."),
    "PromotionVersionOut.rules": N_("What it is; what is as usual is left out."),
    "PromotionVersionOut.created_at": N_("When it was published for the first time."),
    "StageOut.version": N_("Which version it is about."),
    "StageOut.stage": N_(
        "Where it is given from then on: `test`, `pilot`, `everywhere`, or nowhere: `ended`."
    ),
    "StageOut.stores": N_("The stores of a pilot, by code; null otherwise."),
    "StageOut.starts_at": N_("From when on."),
    "decided_at": N_("When it was decided."),
    "decided_by": N_("Who decided it: an address of the staff, or the name of a key."),
    "lanes": N_("Groups of promotions that are decided together, in their order."),
    "ceilings": N_("The most that may be taken off, in percent of the price on the shelf."),
    "rounding": N_(
        "Where a percent is rounded: `total` without it, once for all that it is of; `line` "
        "and `unit` for tills that insist."
    ),
    "lowest_line": N_(
        "The least that a line may cost, in the smallest pieces of the currency; 1 without it."
    ),
    "day_ends": N_(
        "What is sold before this hour belongs to the business day before; `00:00` without it."
    ),
    "paying": N_("How points pay."),
    "earning": N_("What points are earned on."),
    "PromotionTermsOut.terms": N_("What holds; what is as usual is left out."),
    "PromotionTermsOut.revision": N_(
        "How often it was changed or promotions were published; 0: never."
    ),
    "Lane.code": N_("Your code of the group."),
    "mode": N_("Which of its promotions apply: `all`, `first`, `exclusive`, `best` or `best_set`."),
    "Lane.by": N_("Of what `best` is the best: of the `receipt`, or of each `line` for itself."),
    "Ceilings.line": N_(
        "The most that may be taken off a line, as text, in percent; no ceiling without it."
    ),
    "Ceilings.receipt": N_(
        "The most that may be taken off the receipt, as text, in percent; no ceiling without it."
    ),
    "with_points": N_("Whether what points pay counts too."),
    "with_given": N_("Whether what the till gave counts too."),
    "points_are": N_(
        "`discount`: each line becomes cheaper; `payment`: the lines stay, and less is due."
    ),
    "step": N_("Points pay in multiples of this; 1 without it."),
    "least": N_("So many points at least, or none; 0 without it."),
    "Paying.line": N_(
        "The most of a line that points may pay, as text, in percent; `100` without it."
    ),
    "stays": N_("How much stays to be paid in money; nothing without it."),
    "before_points": N_("Whether points are also earned on what points pay; not without it."),
    "Earning.discounted": N_(
        "Whether points are also earned on lines that became cheaper; they are without it."
    ),
    "ReceiptIn.id": N_("The till's own text for the receipt; a quote has no use for it."),
    "ReceiptIn.store": N_("Code of the store."),
    "ReceiptIn.till": N_("Code of the till."),
    "shift": N_("Number of the shift, for people."),
    "ReceiptIn.number": N_("Number of the receipt, for people."),
    "cashier": N_("Who serves, for people."),
    "channel": N_("By which way it is bought, such as `shop` or `site`: a word of your own."),
    "ReceiptIn.at": N_("When it is bought; now without it."),
    "ReceiptIn.card": N_("Number of the card."),
    "ReceiptIn.member": N_("Id of the member."),
    "ReceiptIn.phone": N_("A phone number; one that nobody has is priced as for a new member."),
    "ReceiptIn.email": N_("An e-mail address; one that nobody has is priced as for a new member."),
    "ReceiptIn.barcode": N_(
        "What was scanned from the card. A quote checks it as a scan does, and does not use it up."
    ),
    "ReceiptIn.lines": N_("What is bought; at most 1,000 lines."),
    "ReceiptIn.codes": N_("Codes that were entered, and coupons that were scanned."),
    "pay": N_("What is to be paid with points; nothing without it."),
    "payments": N_("How the rest is paid; promotions may ask for it."),
    "PayIn.points": N_("How many points are to pay, or `most`."),
    "PayIn.rewards": N_("Rewards that the member takes for points."),
    "gift_cards": N_("Gift cards that are to pay, in this order."),
    "RewardIn.promotion": N_("Code of the promotion that costs points."),
    "RewardIn.times": N_("How often."),
    "GiftCardIn.card": N_("Number of the card."),
    "GiftCardIn.amount": N_("How much it is to pay, or `most`."),
    "PaymentIn.kind": N_("`card`, `cash`, `sbp`, `gift_card`, `prepayment`, `credit` or `other`."),
    "PaymentIn.amount": N_("How much is paid so; all that is left without it."),
    "ReceiptLineIn.id": N_("Your text for the line; no two lines of a receipt have the same."),
    "ReceiptLineIn.sku": N_(
        "SKU of the product, known to the catalogue or not; give either this or `barcode`."
    ),
    "ReceiptLineIn.barcode": N_(
        "Barcode of a product that the catalogue knows; give either this or `sku`."
    ),
    "ReceiptLineIn.quantity": N_(
        "How many, or how much: text with at most three decimals, or an integer. Without it "
        "one, or what the barcode of scales says."
    ),
    "ReceiptLineIn.price": N_("What one costs; as the catalogue says without it."),
    "ReceiptLineIn.list": N_(
        "What the whole line costs; quantity x price without it, rounded half up."
    ),
    "ReceiptLineIn.name": N_("What people call it; not looked at."),
    "ReceiptLineIn.kind": N_("Which kind of goods it is; as the catalogue says without it."),
    "ReceiptLineIn.given": N_(
        "What the till has taken off the whole line already. Then only promotions that add to"
        " it take part."
    ),
    "given_reason": N_("Why the till gave it, for people."),
    "ReceiptLineIn.closed": N_(
        "Whether promotions leave the line alone even though nothing was given."
    ),
    "floor_price": N_("The least that one may cost, if the catalogue asks no more."),
    "ReceiptLineIn.marked": N_(
        "The marking code of the one piece that the line is; it is never split."
    ),
    "ReceiptLineIn.parent": N_("Id of the line that this one is an addition to."),
    "seller": N_("Who sold it, for people."),
    "ReceiptLineIn.vat": N_("The rate of VAT as text; not looked at."),
    "ReceiptLineIn.properties": N_("More of it by name, beside what the catalogue knows; texts."),
    "QuoteLineOut.list": N_("What it costs on the shelf."),
    "QuoteOut.list": N_("What all lines cost on the shelf."),
    "QuoteLineOut.given": N_("What the till had taken off."),
    "QuoteOut.given": N_("What the till had taken off."),
    "QuoteLineOut.discount": N_("What promotions take off."),
    "QuoteOut.discount": N_("What promotions take off."),
    "QuoteLineOut.total": N_("What it costs: list - given - discount - points."),
    "QuoteOut.total": N_("What all lines cost."),
    "PieceOut.total": N_("What the piece costs."),
    "QuoteLineOut.id": N_("Your text for the line."),
    "QuoteLineOut.points": N_("What points pay of it."),
    "QuoteLineOut.percent": N_(
        "How much `discount` is of what the line cost at the till, `list` less `given`: as text, "
        "in percent."
    ),
    "pieces": N_("The line in the parts that a fiscal device prints, as few as can be."),
    "QuoteLineOut.reasons": N_(
        "What was taken off, and by what; the amounts add up to the discount."
    ),
    "PieceOut.quantity": N_("How many, or how much, as text."),
    "PieceOut.price": N_("What one costs."),
    "LineReasonOut.promotion": N_("Code of the promotion; null where it was none."),
    "LineReasonOut.amount": N_("How much it took off."),
    "LineReasonOut.text": N_("The same for people."),
    "PointsReasonOut.promotion": N_("Code of the promotion; null for the base programme."),
    "PointsReasonOut.points": N_("How many points it gives."),
    "PointsReasonOut.text": N_("The same for people."),
    "QuoteOut.lines": N_("The lines, in the order of the receipt."),
    "QuoteOut.points": N_("What is earned and spent in points."),
    "earned": N_("How many points the purchase earns."),
    "spent": N_("How many points pay, and buy rewards."),
    "most": N_("How many points may be spent at most, with those that buy rewards."),
    "paid": N_("The money that the spent points stand for."),
    "spend_needs": N_(
        "`code`: to spend, the member must say the code that they are sent; null: nothing is asked."
    ),
    "QuotePointsOut.reasons": N_("What the points are earned for."),
    "due": N_("What is to be paid in money."),
    "QuoteOut.gifts": N_("What the till hands out with it."),
    "paid_by": N_("What pays beside the money of the customer, and how much."),
    "PaidByOut.kind": N_("`gift_card` or `points`."),
    "PaidByOut.amount": N_("How much it pays."),
    "PaidByOut.card": N_("Number of the card; null for points."),
    "QuotePointsOut.rewards": N_("Which rewards the points buy."),
    "BoughtRewardOut.promotion": N_("Code of the promotion."),
    "BoughtRewardOut.times": N_("How often; 0: it cannot be had."),
    "BoughtRewardOut.points": N_("How many points in all."),
    "QuoteOut.rounding": N_(
        "How much more was taken off because percents are rounded for each line or unit; null "
        "where they are exact."
    ),
    "slip": N_("Lines of text for the foot of the receipt."),
    "PresentOut.sku": N_("SKU of the gift."),
    "PresentOut.quantity": N_("How many."),
    "PresentOut.promotion": N_("Code of the promotion that gives it."),
    "QuoteOut.codes": N_("The codes that were entered, and what became of each."),
    "EnteredCodeOut.code": N_("The code as it was entered."),
    "EnteredCodeOut.state": N_("`applied`, `unused` (the promotion gave nothing), or `unknown`."),
    "EnteredCodeOut.text": N_("What the promotion is called; empty for an unknown code."),
    "QuoteOut.promotions": N_(
        "What became of each promotion that applied, lost or came close, or whose code was entered."
    ),
    "QuoteOut.rules": N_("Which edition of the arithmetic it was priced by."),
    "PromotionOutcomeOut.promotion": N_("Code of the promotion."),
    "PromotionOutcomeOut.version": N_("Its version; 0 for one that is only tried."),
    "PromotionOutcomeOut.outcome": N_(
        "What became of it, such as `applied`, `lost`, `close`, `not_met`."
    ),
    "lost_to": N_("Code of the promotion that it lost to; null if to none."),
    "PromotionOutcomeOut.amount": N_("How much it took off."),
    "PromotionOutcomeOut.text": N_("What it is called."),
    "confirm": N_("`true`: it was paid, and is on record from now on."),
    "ReceiptPaid.id": N_(
        "What the till calls the receipt, for ever; without it, store, till, business day and "
        "`number` name it."
    ),
    "ReceiptPaid.at": N_("When it was bought; now without it."),
    "ReceiptPaid.card": N_("Number of the card."),
    "ReceiptPaid.phone": N_("A phone number; of one that nobody has the receipt is nobody's."),
    "ReceiptPaid.email": N_("An e-mail address; of one that nobody has the receipt is nobody's."),
    "ReceiptPaid.barcode": N_("What was scanned from the card, as a scan takes it."),
    "ReceiptPaid.lines": N_("What was bought; at most 1,000 lines."),
    "ReceiptPaid.codes": N_("Codes that were entered, and coupons that were scanned."),
    "ReceiptOut.id": N_("What the receipt is called."),
    "ReceiptOut.state": N_("`confirmed`: it was paid."),
    "ReceiptOut.store": N_("Code of the store."),
    "ReceiptOut.till": N_("Code of the till."),
    "ReceiptOut.shift": N_("Number of the shift, as the till told it."),
    "ReceiptOut.number": N_("Number of the receipt, for people."),
    "ReceiptOut.cashier": N_("Who rang it up, as the till told it."),
    "ReceiptOut.member": N_("Id of the member who bought; null for nobody who is known."),
    "ReceiptOut.at": N_("When it was bought."),
    "ReceiptOut.quote": N_(
        "What it cost and what it earned. Promotions that gave nothing are not kept."
    ),
    "ReceiptOut.points": N_("Points that were booked."),
    "ReceiptOut.balance": N_("What the member has now."),
    "conflicts": N_("What could not be as the till told it; empty where all was."),
    "ConflictOut.code": N_("`points`, `rewards`, `gift_cards`, `card` or `clock`."),
    "ConflictOut.detail": N_("The same for people."),
    "BookedPointsOut.earned": N_("Points that the member got."),
    "BookedPointsOut.spent": N_("Points that the member spent."),
    "ReceiptTold.id": N_("What the receipt is called."),
    "ReceiptTold.store": N_("Code of the store."),
    "ReceiptTold.till": N_("Code of the till."),
    "ReceiptTold.shift": N_("Number of the shift, as the till told it."),
    "ReceiptTold.number": N_("Number of the receipt, for people."),
    "ReceiptTold.cashier": N_("Who rang it up, as the till told it."),
    "ReceiptTold.at": N_("When it was bought."),
    "ReceiptTold.list": N_("What it costs on the shelf."),
    "ReceiptTold.given": N_("What the till took off."),
    "ReceiptTold.discount": N_("What promotions took off."),
    "ReceiptTold.total": N_("What is left of it."),
    "ReceiptTold.points": N_("Points that were booked."),
    "ReceiptTold.lines": N_("The lines, in the order of the receipt."),
    "ReceiptTold.promotions": N_("Promotions that gave something."),
    "BookedPointsTold.earned": N_("Points that the member got."),
    "BookedPointsTold.spent": N_("Points that the member spent."),
    "SoldLineTold.id": N_("What the receipt calls the line."),
    "SoldLineTold.sku": N_("SKU of what was bought."),
    "SoldLineTold.quantity": N_("How many, or how much, as text."),
    "SoldLineTold.seller": N_("Who sold it, as the till told it."),
    "SoldLineTold.list": N_("What it costs on the shelf."),
    "SoldLineTold.given": N_("What the till took off."),
    "SoldLineTold.discount": N_("What promotions took off."),
    "SoldLineTold.points": N_("What points pay, where they are a discount."),
    "SoldLineTold.total": N_("What is left of it."),
    "GivenPromotionTold.promotion": N_("Code of the promotion."),
    "GivenPromotionTold.version": N_("Its version."),
    "GivenPromotionTold.amount": N_("How much it took off."),
    "CheckIn.receipt": N_("The receipt."),
    "CheckIn.at": N_("When it is bought, in place of what the receipt says."),
    "with": N_(
        "Promotions that are tried as if they had been published, in place of those with the "
        "same codes."
    ),
    "only": N_("Codes of the promotions that are asked; all without it."),
    "CheckOut.quote": N_("What the receipt would cost."),
    "trace": N_("How that comes about."),
    "TraceOut.promotions": N_("What became of every promotion that could touch the receipt."),
    "TraceOut.lanes": N_("What became of each group of promotions."),
    "TraceOut.facts": N_("What was asked about the buyer, with the answers; 1 is yes, 0 is no."),
    "unreadable": N_(
        "Codes of promotions that name a kind that is not installed any more; they give nothing."
    ),
    "LaneOut.lane": N_("Code of the group."),
    "LaneOut.mode": N_("How it is decided."),
    "taken_off": N_("How much its promotions took off."),
    "exact": N_("Whether every set of promotions was tried, where the best set was looked for."),
}


def of(owner: str, name: str) -> str | None:
    """What `name` means in the schema or the operation `owner`; None if nothing says so."""
    return MEANINGS.get(f"{owner}.{name}", MEANINGS.get(name))
