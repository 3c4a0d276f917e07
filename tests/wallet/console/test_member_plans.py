"""How PostgreSQL finds members for the console among some ten thousand: by an index, whatever is
chosen, and without reading a whole table."""

import re
from urllib.parse import quote

import orjson
import pytest
from crowds import explained, gather
from visitors import HOME, signed_in

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms

LARGE = ("member", "person", "search_word", "card", "account", "balance", "posting", "entry", "lot")
MEMBERS = f"{HOME}members"
LISTED = "using ix_ledger_member_"


def tree(**document: object) -> str:
    return f"{MEMBERS}?tree={quote(orjson.dumps(document))}"


# What is asked for, and by which index members are found.
QUESTIONS = {
    MEMBERS: "Index Scan Backward using ix_ledger_member_active",
    f"{MEMBERS}?sort=oldest": "Index Scan using ix_ledger_member_active",
    f"{MEMBERS}?state=merged": "ix_ledger_member_merged",
    f"{MEMBERS}?state=erased": "ix_ledger_member_erased",
    tree(kind="balance", at_least=1): LISTED,
    f"{tree(kind='balance', at_least=1)}&sort=oldest": LISTED,
    tree(kind="purchase", days=30): LISTED,
    tree(kind="not", of={"kind": "purchase", "store": "rare"}): "ix_ledger_member_",
    tree(kind="activity", days=30): LISTED,
    tree(kind="joined", days=3): "ix_ledger_member_",
    f"{HOME}search?q=n2002": "ix_ledger_search_word_found",
    f"{HOME}search?q={quote('имя n2002')}": "ix_ledger_search_word_found",
    f"{HOME}search?q=2002": "ix_ledger_search_word_found",
    f"{HOME}search?q={quote('8 900 000 20 02')}": "ix_ledger_person_phone",
    f"{HOME}search?q={quote('2002@example.com')}": "ix_ledger_person_email",
    f"{HOME}search?q=c-2002": "uq_ledger_person_programme_id_external_id",
    f"{HOME}search?q=4444444444442002": "uq_ledger_card_number",
}


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def crowd(installation, house) -> None:
    with installation.database.transaction() as session:
        here = programmes.by_code(session, "demo").id
        there = programmes.create(session, Terms("other", "Other"), house.clock()).id
    gather(installation.database, here, there)


def test_every_list_and_every_search_has_an_index(crowd: None, client, installation) -> None:
    manager = signed_in(client, installation, "manager")
    manager.read(HOME)
    wrong = []
    for question, index in QUESTIONS.items():
        with explained(installation.database) as plans:
            page = manager.read(question)
        found = "No member fits" not in page and "Nothing is found" not in page
        # To count some thousands of them is to read these: what is told of them is another matter.
        told = "\n".join(plan for plan in plans if not plan.startswith("Aggregate"))
        reads_all = [table for table in LARGE if f"Seq Scan on ledger_{table} " in told]
        if reads_all or index not in told or not found:
            wrong.append(f"{question}: {reads_all}, {index}, found: {found}\n{told}")
    assert not wrong, "\n\n".join(wrong)


def test_a_later_page_begins_where_the_first_ended(crowd: None, client, installation) -> None:
    manager = signed_in(client, installation, "manager")
    for question in (MEMBERS, tree(kind="balance", at_least=1)):
        following = re.search(r'href="([^"]+after=[^"]+)"', manager.read(question))
        assert following is not None
        with explained(installation.database) as plans:
            manager.read(following[1].replace("&amp;", "&"))
        places = [line for line in "\n".join(plans).splitlines() if "ROW(" in line]
        by_index = ("Index Cond", "Recheck Cond")  # the second: rows of a bitmap, looked at again
        assert places and all(any(one in line for one in by_index) for line in places), plans
