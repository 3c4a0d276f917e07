"""A shop that is called otherwise: its cards, its coupons and what is worked on follow."""

from dataclasses import replace

from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.delivery import publishing, waves
from wallet.passes import drafts, templates

BY = Author("command", "operator")


def test_designs_follow_where_they_had_the_old_name(installation, house) -> None:
    now = house.clock()
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        templates.for_offers(session, demo, now)
        was = programmes.names(session, demo)
        draft = drafts.begin(session, demo, "card", "anna@example.com", now)
        own = replace(drafts.design(draft), logo_text={"ru": "Только кофе", "en": was["en"]})
        drafts.save(session, draft, own, "anna@example.com", now)

    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        publishing.rename(session, demo, {"ru": was["ru"], "en": "Lilac"}, BY, now)

    with installation.database.reading() as session:
        demo = programmes.by_code(session, "demo")
        assert programmes.names(session, demo)["en"] == "Lilac"
        for purpose in ("card", "offer"):
            design = templates.design(templates.current(session, demo.id, purpose))
            assert design.names == {"ru": was["ru"], "en": "Lilac"}
            assert templates.number_of_revisions(session, demo.id, purpose) == 2
        worked_on = drafts.design(drafts.find(session, demo.id, "card"))
        assert worked_on.names["en"] == "Lilac"
        assert worked_on.logo_texts == {"ru": "Только кофе", "en": "Lilac"}


def test_the_same_name_again_wakes_no_phone(installation, house) -> None:
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        publishing.rename(session, demo, programmes.names(session, demo), BY, house.clock())
        assert templates.number_of_revisions(session, demo.id, "card") == 1
        assert waves.of_designs(session, demo.id) is None
