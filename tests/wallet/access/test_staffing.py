"""What people of the staff decide about each other: nobody more than they may themselves."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlalchemy import select

from ledger.programmes import programmes
from wallet.access import admission, second_factors, staff, staff_sessions, staffing
from wallet.access.changes import Author, RecordedChange
from wallet.access.grants import Doer
from wallet.access.staff import Employee, EmployeeRole
from wallet.access.staffing import HeldRole, Invitation
from wallet.errors import (
    BeyondOwnRights,
    EmployeeRefused,
    RolesChangedMeanwhile,
    StaffLinkClosed,
    UnknownEmployee,
)

PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
HEAD, ANNA, BORIS = "head@example.com", "anna@example.com", "boris@example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


class Office:
    """Two programmes, and what people do with each other's roles."""

    def __init__(self, installation, house) -> None:
        self.database, self.clock = installation.database, house.clock
        with self.database.transaction() as session:
            self.demo = programmes.by_code(session, "demo").id
            self.club = programmes.create(
                session, programmes.Terms("club", "Club"), self.clock()
            ).id
            for email, role, where in (
                (HEAD, "administrator", None),
                (ANNA, "administrator", self.demo),
                (BORIS, "marketer", self.demo),
            ):
                token = admission.add(session, email, role, self.clock(), where)
                admission.set_password(session, token, f"hash of {email}", self.clock())
            self.id = {one.email: one.id for one in staff.listed(session)}

    def doer(self, email: str) -> Doer:
        with self.database.reading() as session:
            actors = staff_sessions.actors(session, self.id[email])
        return Doer(Author("employee", email), actors, self.id[email])

    def invite(self, by: str, email: str, *roles: HeldRole) -> Invitation:
        with self.database.transaction() as session:
            invited = staffing.invite(session, self.doer(by), email, roles, self.clock())
            self.id[invited.employee.email] = invited.employee.id
            return invited

    def change(self, by: str, email: str, wanted: set[HeldRole], opened: set | None = None) -> None:
        doer = self.doer(by)
        seen = self.roles(email, by) if opened is None else opened
        with self.database.transaction() as session:
            staffing.change_roles(
                session, doer, self.id[email], frozenset(seen), frozenset(wanted), self.clock()
            )

    def remove(self, by: str, email: str) -> None:
        with self.database.transaction() as session:
            staffing.remove(session, self.doer(by), self.id[email], self.clock())

    def roles(self, email: str, seen_by: str = HEAD) -> set[HeldRole]:
        doer = self.doer(seen_by)
        with self.database.reading() as session:
            one = staffing.colleague(session, doer.actors, self.id[email], self.clock())
        return {role for role in one.roles if doer.may(staffing.STAFF, role.programme_id)}

    def seen(self, by: str, **filters) -> list[str]:
        actors = self.doer(by).actors
        with self.database.reading() as session:
            found = staffing.colleagues(session, actors, self.clock(), **filters)
            return [one.employee.email for one in found]

    def noted(self) -> list[tuple[str, str, str, dict]]:
        with self.database.reading() as session:
            return [
                (one.code, one.author_name, one.of_id, one.fields)
                for one in session.scalars(select(RecordedChange).order_by(RecordedChange.id))
            ]


@pytest.fixture
def office(installation, house) -> Office:
    return Office(installation, house)


class TestInviting:
    def test_somebody_new_gets_a_link_and_every_role_is_noted(self, office) -> None:
        roles = (HeldRole("cashier", office.demo), HeldRole("viewer", office.club))
        invited = office.invite(HEAD, " Vera@Example.com ", *roles)
        assert invited.token is not None
        assert office.roles("vera@example.com") == set(roles)
        assert office.noted() == [
            ("employee.invited", HEAD, "vera@example.com", {"role": [None, "cashier"]}),
            ("employee.invited", HEAD, "vera@example.com", {"role": [None, "viewer"]}),
        ]

    def test_who_has_a_password_needs_no_link_and_is_signed_out(self, office) -> None:
        with office.database.transaction() as session:
            token = staff_sessions.begin(session, office.id[BORIS], office.clock())
        assert office.invite(HEAD, BORIS, HeldRole("viewer", office.club)).token is None
        assert office.noted()[0][0] == "employee.role_given"
        assert staff_sessions.recognise(office.database, token, office.clock()) is None

    @pytest.mark.parametrize(
        ("role", "where"),
        [("viewer", None), ("viewer", "club"), ("administrator", None), ("cashier", "club")],
    )
    def test_nobody_gives_a_role_where_they_decide_nothing(self, office, role, where) -> None:
        there = None if where is None else office.club
        with pytest.raises(BeyondOwnRights):
            office.invite(ANNA, "vera@example.com", HeldRole(role, there))
        with office.database.reading() as session:
            assert "vera@example.com" not in {one.email for one in staff.listed(session)}

    def test_in_their_own_programme_they_make_another_of_their_kind(self, office) -> None:
        office.invite(ANNA, "vera@example.com", HeldRole("administrator", office.demo))
        assert HeldRole("administrator", office.demo) in office.roles("vera@example.com")

    def test_who_may_not_manage_the_staff_invites_nobody(self, office) -> None:
        with pytest.raises(BeyondOwnRights):
            office.invite(BORIS, "vera@example.com", HeldRole("viewer", office.demo))

    def test_no_role_and_the_same_role_are_refused(self, office) -> None:
        with pytest.raises(EmployeeRefused):
            office.invite(HEAD, "vera@example.com")
        with pytest.raises(EmployeeRefused):
            office.invite(HEAD, BORIS, HeldRole("marketer", office.demo))

    def test_a_right_that_was_taken_meanwhile_gives_nothing(self, office) -> None:
        stale = office.doer(ANNA)
        office.change(HEAD, ANNA, {HeldRole("viewer", office.demo)})
        with pytest.raises(BeyondOwnRights), office.database.transaction() as session:
            staffing.invite(
                session, stale, "eve@x.org", [HeldRole("viewer", office.demo)], office.clock()
            )


class TestLinks:
    def test_nobody_takes_over_a_colleague_who_may_more(self, office) -> None:
        """A link sets a password: with it one would be that colleague."""
        doer = office.doer(ANNA)
        office.invite(HEAD, BORIS, HeldRole("viewer", office.club))
        for email in (HEAD, BORIS):
            with pytest.raises(BeyondOwnRights), office.database.transaction() as session:
                staffing.link(session, doer, office.id[email], office.clock())

    def test_an_invitation_beside_roles_elsewhere_makes_none(self, office) -> None:
        office.invite(HEAD, "vera@example.com", HeldRole("manager", office.club))
        assert (
            office.invite(ANNA, "vera@example.com", HeldRole("viewer", office.demo)).token is None
        )

    def test_a_newer_one_ends_the_older_and_it_is_noted(self, office) -> None:
        first = office.invite(ANNA, "vera@example.com", HeldRole("viewer", office.demo))
        with office.database.transaction() as session:
            again = staffing.link(session, office.doer(ANNA), first.employee.id, office.clock())
        with pytest.raises(StaffLinkClosed), office.database.reading() as session:
            admission.whose_link(session, first.token, office.clock())
        with office.database.reading() as session:
            whose = admission.whose_link(session, again.token, office.clock())
        assert whose.email == "vera@example.com"
        assert office.noted()[-1][0] == "employee.link_made"


class TestChangingRoles:
    def test_several_at_once_each_noted(self, office) -> None:
        office.change(
            HEAD, BORIS, {HeldRole("cashier", office.demo), HeldRole("viewer", office.club)}
        )
        assert [(code, fields) for code, _, _, fields in office.noted()] == [
            ("employee.role_taken", {"role": ["marketer", None]}),
            ("employee.role_given", {"role": [None, "cashier"]}),
            ("employee.role_given", {"role": [None, "viewer"]}),
        ]

    def test_roles_elsewhere_stay(self, office) -> None:
        office.invite(HEAD, BORIS, HeldRole("viewer", office.club))
        office.change(ANNA, BORIS, {HeldRole("cashier", office.demo)})
        assert office.roles(BORIS) == {
            HeldRole("cashier", office.demo),
            HeldRole("viewer", office.club),
        }

    def test_the_second_of_two_is_told(self, office) -> None:
        opened = office.roles(BORIS)
        office.change(HEAD, BORIS, {HeldRole("viewer", office.demo)}, opened)
        with pytest.raises(RolesChangedMeanwhile):
            office.change(HEAD, BORIS, {HeldRole("cashier", office.demo)}, opened)
        assert office.roles(BORIS) == {HeldRole("viewer", office.demo)}

    def test_of_two_at_once_one_is_done(self, office) -> None:
        opened = office.roles(BORIS)

        def change(role: str) -> bool:
            try:
                office.change(HEAD, BORIS, {HeldRole(role, office.demo)}, opened)
            except RolesChangedMeanwhile:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(change, ("viewer", "cashier"))) == [False, True]
        assert len(office.roles(BORIS)) == 1

    def test_nobody_is_left_without_a_role(self, office) -> None:
        with pytest.raises(EmployeeRefused):
            office.change(HEAD, BORIS, set())

    def test_nobody_takes_the_right_to_decide_from_themselves(self, office) -> None:
        for email, instead in (
            (HEAD, HeldRole("manager")),
            (ANNA, HeldRole("manager", office.demo)),
        ):
            with pytest.raises(EmployeeRefused):
                office.change(email, email, {instead})

    def test_nobody_gives_themselves_more(self, office) -> None:
        with pytest.raises(BeyondOwnRights):
            office.change(ANNA, ANNA, {*office.roles(ANNA, ANNA), HeldRole("administrator")})

    def test_nothing_changed_is_nothing_noted_and_nobody_signed_out(self, office) -> None:
        with office.database.transaction() as session:
            token = staff_sessions.begin(session, office.id[BORIS], office.clock())
        office.change(HEAD, BORIS, office.roles(BORIS))
        assert office.noted() == []
        assert staff_sessions.recognise(office.database, token, office.clock())


class TestGoing:
    def test_who_goes_is_out_and_it_is_noted(self, office) -> None:
        office.remove(HEAD, BORIS)
        assert BORIS not in office.seen(HEAD)
        assert office.noted() == [("employee.removed", HEAD, BORIS, {})]

    def test_who_has_roles_elsewhere_keeps_them(self, office) -> None:
        office.invite(HEAD, BORIS, HeldRole("viewer", office.club))
        office.remove(ANNA, BORIS)
        assert office.roles(BORIS) == {HeldRole("viewer", office.club)}
        assert BORIS not in office.seen(ANNA)
        assert office.noted()[-1] == (
            "employee.role_taken",
            ANNA,
            BORIS,
            {"role": ["marketer", None]},
        )

    def test_nobody_removes_themselves_or_who_may_more(self, office) -> None:
        for email in (HEAD, ANNA):
            with pytest.raises(EmployeeRefused):
                office.remove(email, email)
        with pytest.raises(BeyondOwnRights):
            office.remove(ANNA, HEAD)

    def test_of_two_administrators_who_remove_each_other_one_stays(self, office) -> None:
        office.invite(HEAD, "vera@example.com", HeldRole("administrator"))

        def go(by: str, email: str) -> bool:
            try:
                office.remove(by, email)
            except (BeyondOwnRights, UnknownEmployee, EmployeeRefused):
                return False
            return True

        pairs = ((HEAD, "vera@example.com"), ("vera@example.com", HEAD))
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(lambda pair: go(*pair), pairs)) == [False, True]

    def test_who_is_signed_out_is_out_everywhere(self, office) -> None:
        with office.database.transaction() as session:
            token = staff_sessions.begin(session, office.id[BORIS], office.clock())
            staffing.sign_out(session, office.doer(ANNA), office.id[BORIS], office.clock())
        assert staff_sessions.recognise(office.database, token, office.clock()) is None
        assert office.noted()[-1][0] == "employee.signed_out"
        with pytest.raises(BeyondOwnRights), office.database.transaction() as session:
            staffing.sign_out(session, office.doer(ANNA), office.id[HEAD], office.clock())


class TestSecondFactors:
    def set_up(self, office, installation, email: str) -> None:
        with office.database.transaction() as session:
            secret = second_factors.new_secret()
            code = pyotp.TOTP(secret).at(office.clock())
            keys, id_ = installation.keys, office.id[email]
            second_factors.set_up(session, keys, id_, secret, code, office.clock())

    def take_away(self, office, by: str, email: str) -> None:
        with office.database.transaction() as session:
            staffing.take_away_factors(session, office.doer(by), office.id[email], office.clock())

    def has_one(self, office, email: str) -> bool:
        with office.database.reading() as session:
            actors = office.doer(HEAD).actors
            one = staffing.colleague(session, actors, office.id[email], office.clock())
        return one.has_second_factor

    def test_of_who_lost_their_phone_it_is_taken_away(self, office, installation) -> None:
        self.set_up(office, installation, BORIS)
        assert self.has_one(office, BORIS)
        self.take_away(office, ANNA, BORIS)
        assert not self.has_one(office, BORIS)
        assert office.noted()[-1][0] == "employee.second_factor_removed"

    def test_not_from_whom_one_does_not_decide_over_and_not_from_oneself(
        self, office, installation
    ) -> None:
        for email, refusal in ((HEAD, BeyondOwnRights), (ANNA, EmployeeRefused)):
            self.set_up(office, installation, email)
            with pytest.raises(refusal):
                self.take_away(office, ANNA, email)
            assert self.has_one(office, email)


class TestSeeing:
    def test_one_sees_ones_own_programme_and_those_of_all(self, office) -> None:
        office.invite(HEAD, "vera@example.com", HeldRole("manager", office.club))
        assert office.seen(HEAD) == [ANNA, BORIS, HEAD, "vera@example.com"]
        assert office.seen(ANNA) == [ANNA, BORIS, HEAD]
        with pytest.raises(UnknownEmployee), office.database.reading() as session:
            actors = office.doer(ANNA).actors
            staffing.colleague(session, actors, office.id["vera@example.com"], office.clock())

    def test_what_one_has_elsewhere_is_not_told_but_that_it_is(self, office) -> None:
        office.invite(HEAD, BORIS, HeldRole("viewer", office.club))
        with office.database.reading() as session:
            actors = office.doer(ANNA).actors
            boris = staffing.colleague(session, actors, office.id[BORIS], office.clock())
        assert (boris.roles, boris.elsewhere) == ([HeldRole("marketer", office.demo)], True)

    def test_five_hundred_are_searched_and_paged(self, office) -> None:
        with office.database.transaction() as session:
            people = [
                Employee(email=f"till{number:03}@example.com", created_at=office.clock())
                for number in range(500)
            ]
            session.add_all(people)
            session.flush()
            session.add_all(
                EmployeeRole(employee_id=one.id, programme_id=office.demo, role="cashier")
                for one in people
            )
        first = office.seen(HEAD, limit=50)
        assert len(first) == 50
        with office.database.reading() as session:
            ids = {one.email: one.id for one in staff.listed(session)}
            assert staffing.count(session, office.doer(HEAD).actors) == 503
            assert staffing.count(session, office.doer(HEAD).actors, "till04") == 10
        every, after = [], None
        while page := office.seen(HEAD, after_id=after, limit=50):
            every += page
            after = ids[page[-1]]
        assert every == sorted(every)
        assert len(every) == 503
        assert office.seen(HEAD, search="TILL04", limit=50) == [
            f"till04{number}@example.com" for number in range(10)
        ]
        assert office.seen(HEAD, search="till%") == []

    def test_who_is_signed_in_and_whose_link_waits(self, office) -> None:
        began = office.clock()
        office.invite(HEAD, "vera@example.com", HeldRole("viewer", office.demo))
        with office.database.transaction() as session:
            for _ in range(2):
                staff_sessions.begin(session, office.id[BORIS], began)
        with office.database.reading() as session:
            found = staffing.colleagues(session, office.doer(HEAD).actors, began)
        known = {one.employee.email: one for one in found}
        assert known[BORIS].attendance == staff_sessions.Attendance(2, began, began)
        assert known[ANNA].attendance is None
        assert known["vera@example.com"].link_until == began + admission.LINK_LIVES
        assert known[BORIS].link_until is None
