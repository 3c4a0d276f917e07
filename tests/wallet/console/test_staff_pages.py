"""The pages on which people of the staff decide about each other."""

import re
from html import unescape

import pyotp
import pytest
from sqlalchemy import select
from visitors import FORM_TOKEN, Visitor, signed_in

from ledger.programmes import programmes
from wallet.access import second_factors, staff, staff_sessions
from wallet.access.changes import RecordedChange
from wallet.access.letters import StaffLetter

STAFF = "/console/staff"
VERA = "vera@example.com"
OPENED = re.compile(r'name="opened" value="([^"]+)"')
LINK = re.compile(r'id="link" value="([^"]+)"')


@pytest.fixture
def head(client, installation) -> Visitor:
    return signed_in(client, installation, "administrator", email="head@example.com")


def id_of(installation, email: str) -> int:
    with installation.database.reading() as session:
        return next(one.id for one in staff.listed(session) if one.email == email)


def invite(visitor: Visitor, email: str = VERA, *roles: str) -> str:
    """Invite somebody, and return the address of their link."""
    made = visitor.send(f"{STAFF}/invite", email=email, roles=list(roles or ["cashier@demo"]))
    assert made.status_code == 200, made.text
    return LINK.search(made.text)[1]


class TestInviting:
    def test_where_there_is_one_programme_one_role_is_chosen(self, head) -> None:
        form = head.read(f"{STAFF}/invite?role=cashier")
        offered = re.findall(r'type="radio" name="roles" value="([^"]+)"( checked)?', form)
        assert len(offered) == 7 and 'type="checkbox" name="roles"' not in form
        assert [value for value, checked in offered if checked] == ["cashier@demo"]
        assert "administrator@" in [value for value, _checked in offered]
        assert " checked" not in head.read(f"{STAFF}/invite?role=king")

    def test_where_there_are_several_each_has_its_roles(self, head, installation) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, programmes.Terms("other", "Другая"), installation.clock())
        form = head.read(f"{STAFF}/invite?role=cashier")
        assert 'type="radio"' not in form
        assert 'value="cashier@other"' in form and 'value="cashier@demo" checked' in form

    def test_the_link_is_shown_once_and_lets_in(self, head, app, installation) -> None:
        link = invite(head, " Vera@Example.com", "cashier@demo", "viewer@")
        page = f"{STAFF}/{id_of(installation, VERA)}"
        assert link not in head.read(page)
        assert link not in head.read("/console/changes")
        guest = Visitor(app.test_client())
        entered = guest.send(link[link.index("/console") :], password="a long enough one")
        assert entered.status_code == 303
        read = head.read(page)
        assert "Cashier" in read and "View only" in read and "in all programmes" in read
        assert "signed in" in read

    @pytest.mark.parametrize(
        ("email", "roles", "said"),
        [
            ("", ["cashier@demo"], "Please fill this in."),
            ("nobody", ["cashier@demo"], "This is no address of e-mail."),
            (VERA, [], "Choose at least one role."),
            (VERA, ["king@demo"], "Please choose one of them."),
            (VERA, ["cashier@nowhere"], "Please choose one of them."),
            ("head@example.com", ["administrator@"], "has this role already"),
        ],
    )
    def test_what_does_not_fit_is_said_and_nothing_typed_is_lost(
        self, head, email, roles, said
    ) -> None:
        answer = head.send(f"{STAFF}/invite", email=email, roles=roles)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{email}"' in answer.text
        for role in set(roles) & {"cashier@demo", "administrator@"}:
            assert f'value="{role}" checked' in answer.text

    def test_whoever_is_of_one_programme_gives_roles_in_it_alone(self, app, installation) -> None:
        anna = signed_in(app.test_client(), installation, "administrator", 1)
        form = anna.read(f"{STAFF}/invite")
        assert 'value="manager@demo"' in form and 'value="manager@"' not in form
        refused = anna.send(f"{STAFF}/invite", email=VERA, roles=["manager@"])
        assert refused.status_code == 422
        assert "more than you may do yourself" in refused.text

    def test_who_has_a_password_is_shown_with_the_new_role(self, head, app, installation) -> None:
        link = invite(head)
        Visitor(app.test_client()).send(link[link.index("/console") :], password="a long enough 1")
        again = head.send(f"{STAFF}/invite", email=VERA, roles=["viewer@"])
        assert (again.status_code, again.location) == (303, f"{STAFF}/{id_of(installation, VERA)}")


class TestRoles:
    def test_several_are_given_and_taken_together(self, head, installation) -> None:
        invite(head, VERA, "cashier@demo", "viewer@demo")
        page = f"{STAFF}/{id_of(installation, VERA)}"
        opened = [unescape(one) for one in OPENED.findall(head.read(f"{page}/roles"))]
        assert opened == ["cashier@demo", "viewer@demo"]
        saved = head.send(f"{page}/roles", opened=opened, roles=["viewer@demo", "marketer@"])
        assert (saved.status_code, saved.location) == (303, page)
        read = head.read(page)
        assert "The roles of vera@example.com are saved." in read
        assert "Marketer" in read
        assert "A role was taken from vera@example.com" in read

    def test_the_second_of_two_is_told_who_changed_what(self, head, app, installation) -> None:
        invite(head)
        form = f"{STAFF}/{id_of(installation, VERA)}/roles"
        other = signed_in(app.test_client(), installation, "administrator", email="boss@x.org")
        other.send(form, opened=["cashier@demo"], roles=["viewer@demo"])
        late = head.send(form, opened=["cashier@demo"], roles=["marketer@demo"])
        assert late.status_code == 422
        assert "boss@x.org changed this meanwhile: role: — → View only." in unescape(late.text)
        assert 'value="marketer@demo" checked' in late.text  # what was chosen is not lost
        again = head.send(form, opened=OPENED.findall(late.text), roles=["marketer@demo"])
        assert again.status_code == 303

    def test_nobody_takes_their_own_right_to_decide(self, head, installation) -> None:
        form = f"{STAFF}/{id_of(installation, 'head@example.com')}/roles"
        refused = head.send(form, opened=["administrator@"], roles=["viewer@"])
        assert refused.status_code == 422
        assert "another administrator can" in refused.text


class TestGoing:
    def test_what_follows_is_said_before_and_then_done(self, head, installation) -> None:
        invite(head)
        page = f"{STAFF}/{id_of(installation, VERA)}"
        before = head.read(f"{page}/remove")
        assert "Their link works no more." in before
        assert "API key" not in before.partition("<main")[2]
        gone = head.send(f"{page}/remove")
        assert (gone.status_code, gone.location) == (303, STAFF)
        assert "vera@example.com is let in no more." in head.read(STAFF)
        assert head.get(page).status_code == 404

    def test_keys_that_they_made_are_counted(self, head, app, installation) -> None:
        manager = signed_in(app.test_client(), installation, "manager", 1)
        made = manager.send("/console/keys/new", name="crm", where="demo", scopes=["members:read"])
        assert made.status_code == 200
        page = f"{STAFF}/{id_of(installation, 'manager@example.com')}/remove"
        assert "1 API key that they made goes on working" in head.read(page)

    def test_nobody_goes_by_themselves(self, head, installation) -> None:
        page = f"{STAFF}/{id_of(installation, 'head@example.com')}"
        assert head.get(f"{page}/remove").status_code == 404
        assert f"{page}/remove" not in head.read(page)
        token = FORM_TOKEN.search(head.read(page))[1]
        assert head.post(f"{page}/remove", csrf_token=token).status_code == 422

    def test_who_is_signed_out_is_out(self, head, app, installation) -> None:
        cashier = signed_in(app.test_client(), installation, "cashier", 1)
        page = f"{STAFF}/{id_of(installation, 'cashier@example.com')}"
        assert head.send(page, f"{page}/sign-out").status_code == 303
        assert not cashier.is_in

    def test_a_new_link_ends_the_old(self, head, client, installation) -> None:
        old = invite(head)
        page = f"{STAFF}/{id_of(installation, VERA)}"
        new = LINK.search(head.send(page, f"{page}/link").text)[1]
        assert client.get(old[old.index("/console") :]).status_code == 404
        assert client.get(new[new.index("/console") :]).status_code == 200
        with installation.database.reading() as session:
            codes = [one.code for one in session.scalars(select(RecordedChange))]
        assert codes[-1] == "employee.link_made"


class TestLetters:
    @pytest.fixture
    def environment(self, environment) -> dict[str, str]:
        mail = {"WALLET_SMTP_URL": "smtp://localhost:9", "WALLET_MAIL_FROM": "a@example.com"}
        return {**environment, **mail}

    def test_links_go_by_letter_and_can_be_handed_over_still(self, head, installation) -> None:
        answer = head.send(f"{STAFF}/invite", email=VERA, roles=["cashier@demo"])
        assert "A letter is on its way" in answer.text
        assert LINK.search(answer.text)
        page = f"{STAFF}/{id_of(installation, VERA)}"
        assert "gets this link by letter" in head.send(page, f"{page}/link").text
        with installation.database.reading() as session:
            (letter,) = session.scalars(select(StaffLetter)).all()  # the first works no more
        assert (letter.kind, letter.email, letter.language) == ("invitation", VERA, "en")


class TestSecondFactor:
    def test_of_who_lost_their_phone_it_is_taken_away(self, head, installation, house) -> None:
        invite(head)
        id_ = id_of(installation, VERA)
        assert "second-factor" not in head.read(f"{STAFF}/{id_}")
        assert head.get(f"{STAFF}/{id_}/second-factor").location == f"{STAFF}/{id_}"
        with installation.database.transaction() as session:
            secret = second_factors.new_secret()
            code = pyotp.TOTP(secret).at(house.clock())
            second_factors.set_up(session, installation.keys, id_, secret, code, house.clock())
        path = f"{STAFF}/{id_}/second-factor"
        assert path in head.read(f"{STAFF}/{id_}")
        assert "recovery codes and their passkeys work no more" in head.read(path)
        assert head.send(path).location == f"{STAFF}/{id_}"
        assert "second-factor" not in head.read(f"{STAFF}/{id_}")

    def test_whoever_finds_the_browser_open_changes_nobodys_way_in(
        self, head, installation, house
    ) -> None:
        link = invite(head)
        page = f"{STAFF}/{id_of(installation, VERA)}"
        token = FORM_TOKEN.search(head.read(page))[1]
        house.clock.advance(seconds=staff_sessions.PROOF_LASTS.total_seconds())
        answer = head.post(f"{page}/link", csrf_token=token)
        assert answer.location == f"/console/me/confirm?next={page}&unsent=1"
        assert head.get(link[link.index("/console") :]).status_code == 200  # it works still
        assert head.get(f"{page}/second-factor").location.startswith("/console/me/confirm")


def test_people_of_other_programmes_are_not_seen(head, app, installation) -> None:
    invite(head, VERA, "viewer@")
    invite(head, "boris@example.com", "cashier@demo")
    with installation.database.transaction() as session:
        programmes.create(session, programmes.Terms("club", "Club"), installation.clock())
    invite(head, "eva@example.com", "cashier@club")
    anna = signed_in(app.test_client(), installation, "administrator", 1)
    page = anna.read(STAFF)
    assert "boris@example.com" in page and VERA in page
    assert "eva@example.com" not in page
    assert "3 people" in page or "4 people" in page
    for part in ("", "/roles", "/remove"):
        eva = id_of(installation, "eva@example.com")
        assert anna.get(f"{STAFF}/{eva}{part}").status_code == 404
    vera = f"{STAFF}/{id_of(installation, VERA)}"
    assert f"{vera}/link" not in anna.read(vera)  # she may more than Anna


def test_they_are_searched_and_paged(head, installation) -> None:
    with installation.database.transaction() as session:
        people = [
            staff.Employee(email=f"till{number:03}@example.com", created_at=installation.clock())
            for number in range(120)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(
            staff.EmployeeRole(employee_id=one.id, programme_id=1, role="cashier") for one in people
        )
    page, seen = head.read(STAFF), set()
    assert "121 people" in page
    while True:
        seen |= set(re.findall(r"till\d\d\d@example.com", page))
        found = re.search(r'href="([^"]+)" rel="next"|rel="next"[^>]*href="([^"]+)"', page)
        if not found:
            break
        page = head.read(unescape(found[1] or found[2]))
    assert len(seen) == 120
    assert len(set(re.findall(r"till\d\d\d@", head.read(f"{STAFF}?q=TILL00")))) == 10
    assert "Nobody has this in their address." in head.read(f"{STAFF}?q=nobody")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_table_of_rights_marks_ones_own(client, installation, language) -> None:
    page = signed_in(client, installation, "marketer", language=language).read("/console/rights")
    assert page.count('class="k-own"') > 10
    assert ("Маркетолог" if language == "ru" else "Marketer") in page
    assert "members:read" not in page
