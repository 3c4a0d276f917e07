"""Recipients from a file: half of it wrong, and a campaign to the rest."""

import html
import io
import json
import re

from phones import Phone
from sqlalchemy import select
from visitors import HOME, Visitor
from werkzeug.test import TestResponse

from ledger.programmes import programmes
from ledger.segments import documents, lists, membership, scope
from ledger.segments.lists import ListEntry

NEW = f"{HOME}messages/lists/new"


def words(page: str) -> str:
    """What a page says."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


def sent(marketer: Visitor, text: str, name: str = "Opening") -> TestResponse:
    return marketer.send(NEW, name=name, file=(io.BytesIO(text.encode()), "guests.csv"))


def test_half_of_the_file_is_wrong_and_the_rest_gets_the_campaign(
    marketer, join, client, house, installation, noted
) -> None:
    anna, boris = join(name="Анна", phone="+79161234509"), join(name="Борис", email="b@example.com")
    join(name="Вера", phone="+79161234511")
    for number, one in enumerate((anna, boris)):
        phone = Phone.with_card(client, one, device=f"{number}" * 32)
        assert phone.register(token=f"{number}" * 64).status_code == 201
    good, bad = "8 916 123-45-09;;Москва\n;b@example.com;\n", "+79990000000;;\nзавтра;;\n;;x\n"
    file = f"phone;email;city\n{good}{bad}"
    page = sent(marketer, file)
    assert page.status_code == 200
    said = words(page.text)
    assert "2 members are on the list" in said
    assert "were left out: 3" in said
    link = html.unescape(re.search(r'href="([^"]+messages/new\?tree=[^"]+)"', page.text)[1])
    assert "on the list “Opening”" in words(marketer.read(link))
    tree = json.dumps({"kind": "listed", "list": "Opening"})
    draft = {"name": "x", "text_ru": "Привет", "whom": "conditions", "tree": tree, "allow": "any"}
    answer = marketer.send(f"{HOME}messages/new", **draft, when="now", do="next")
    assert "Recipients: 2." in words(marketer.read(answer.location))
    assert ("segment.listed", "employee", "marketer@example.com") in noted()
    assert "Opening" in words(marketer.read(NEW))


def test_what_is_no_list_is_said_at_its_field(marketer, member) -> None:
    for text, sentence in (
        ("", "empty"),
        ("city\nMoscow\n", ""),
        ("phone;phone\n1;2\n", "mean the same"),
        ("phone\n+79990000000\n", "No row of it names a member"),
    ):
        answer = sent(marketer, text)
        assert answer.status_code == 422, text
        assert sentence in words(answer.text), words(answer.text)
        assert 'value="Opening"' in answer.text
    assert marketer.send(NEW, name="Opening").status_code == 422
    assert sent(marketer, "phone\n1\n", name="x" * 61).status_code == 422


def test_a_name_is_taken_once(marketer, join) -> None:
    join(phone="+79161234509")
    file = "phone\n+79161234509\n"
    assert sent(marketer, file).status_code == 200
    answer = sent(marketer, file)
    assert answer.status_code == 422
    assert "There is a list Opening already." in words(answer.text)


def test_who_was_merged_is_meant_as_the_other_and_who_is_erased_is_off_the_list(
    marketer, join, api, installation
) -> None:
    anna, double = join(phone="+79161234509"), join(phone="+79161234510")
    gone = join(phone="+79161234511")
    sent(marketer, "phone\n+79161234510\n+79161234511\n")
    body = {"into": anna["id"]}
    assert api.post(f"members/{double['id']}/merge", body).status_code in (200, 201)
    assert api.delete(f"members/{gone['id']}").status_code == 200
    with installation.database.reading() as session:
        programme = programmes.by_code(session, "demo")
        tree = documents.read({"kind": "listed", "list": "Opening"})
        in_scope = scope.in_main_unit(session, programme, installation.clock())
        wanted = membership.condition(tree, in_scope)
        (meant,) = membership.page(session, wanted, 0, 2**62, 10)
        assert meant.public_id == anna["id"]
        assert len(session.scalars(select(ListEntry)).all()) == 1
        assert lists.find(session, programme.id, "Opening").size == 2
