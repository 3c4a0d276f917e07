"""The contract for people: every call, guides, and a place for each code, in both languages."""

import ast
import re
from pathlib import Path

import catalogues
import pytest
from flask.testing import FlaskClient

import ledger
import wallet
from ledger.database.troubles import Trouble
from ledger.words import FIELD
from wallet import problems
from wallet.api.remedies import FIELD_CODES, REMEDIES
from wallet.receivers import types
from wallet.sentences import PYDANTICS
from wallet.web.gunicorn_worker import UNREADABLE

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
PAGES = ("/api/docs", "/api/docs/guide", "/api/docs/errors")


def refused_by_code() -> set[str]:
    """Codes that stand in the code itself, at `refuse(status, "code")`."""
    found = set()
    for package in (ledger, wallet):
        for file in Path(package.__file__).parent.glob("**/*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refuse":
                    code = node.args[1]
                    found |= {code.value} if isinstance(code, ast.Constant) else set()
    return found


class TestErrors:
    def test_each_code_that_the_code_knows_has_its_remedy(self) -> None:
        refusals = [*catalogues.refusals("ledger"), *catalogues.refusals("wallet")]
        known = {kind.code for kind in refusals}
        known |= refused_by_code()
        known |= {*problems.OF_FRAMEWORK.values(), problems.BROKEN, problems.FAILED, *Trouble}
        known |= {code for _, _, code, _ in UNREADABLE}
        known |= {"invalid_request"}
        assert known == set(REMEDIES)

    def test_its_status_is_the_one_that_is_answered(self) -> None:
        for kind in (*catalogues.refusals("ledger"), *catalogues.refusals("wallet")):
            assert REMEDIES[kind.code].status == problems.status_of_kind(kind), kind.code
        for status, code in problems.OF_FRAMEWORK.items():
            assert REMEDIES[code].status == status
        for _, status, code, _ in UNREADABLE:
            assert REMEDIES[code].status == status

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_a_problem_leads_to_what_it_means_and_what_to_do(
        self, api, client: FlaskClient, language: str
    ) -> None:
        problem = api.post("accruals", {"card": "1", "points": 5}).get_json()
        page, _, code = problem["type"].partition("#")
        assert page == "http://127.0.0.1:8080/api/docs/errors"
        assert code == problem["code"] == "unknown_card"
        text = client.get(f"/api/docs/errors?lang={language}").text
        for code in REMEDIES:
            (told,) = re.findall(rf'<article id="{code}".*?</article>', text, re.DOTALL)
            assert bool(CYRILLIC.search(told)) == (language == "ru")

    def test_the_list_of_docs_is_the_same(self) -> None:
        text = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
        lines = [
            f"| {remedy.status} | `{code}` | {remedy.means} {remedy.do} |"
            for code, remedy in sorted(
                REMEDIES.items(), key=lambda one: (one[1].status, list(REMEDIES).index(one[0]))
            )
        ]
        assert "\n".join(lines) in text, "docs/api.md lists other codes:\n" + "\n".join(lines)


class TestFields:
    def test_each_code_of_a_field_is_told(self, client: FlaskClient) -> None:
        said = {
            message.id
            for package in ("ledger", "wallet")
            for message in catalogues.said(package)
            if message.context == FIELD
        }
        assert set(FIELD_CODES) == said
        text = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
        page = client.get("/api/docs/errors").text
        for code in FIELD_CODES:
            assert f"| `{code}` | " in text
            assert f'id="field-{code}"' in page

    def test_no_code_is_pydantics(self) -> None:
        assert not set(FIELD_CODES) & PYDANTICS - {"too_long", "too_short"}

    @pytest.mark.parametrize(
        ("method", "path", "body", "field", "code"),
        [
            ("POST", "accruals", {"points": 5}, "card", "card_or_member"),
            ("POST", "accruals", {"card": "1", "points": 5, "x": 1}, "x", "unknown_field"),
            ("POST", "accruals", {"card": "1", "points": "5"}, "points", "not_an_integer"),
            ("POST", "accruals", {"card": "1"}, "points", "required"),
            ("POST", "accruals", [], "body", "not_an_object"),
            ("POST", "members", {"programme": "demo", "phone": "12"}, "phone", "phone"),
            ("POST", "members", {"programme": "demo", "email": "x"}, "email", "email"),
            (
                "POST",
                "members",
                {"programme": "demo", "birthday": "2999-01-01"},
                "birthday",
                "past_day",
            ),
            ("GET", "members?card=1&phone=%2B79991234567", None, "card", "one_search"),
            ("GET", "members?limit=5", None, "programme", "one_search"),
            ("GET", "members/x/postings?kind=bogus", None, "kind", "unknown_value"),
            ("PATCH", "receivers/x", {"name": None}, "name", "null_not_allowed"),
        ],
    )
    def test_a_fault_names_its_field_and_a_code_of_ours(
        self, api, method: str, path: str, body: object, field: str, code: str
    ) -> None:
        answer = api.call(method, path, body)
        assert answer.status_code == 422
        (error,) = answer.get_json()["errors"]
        assert (error["field"], error["code"]) == (field, code)

    def test_a_day_where_a_moment_is_wanted_is_told_what_a_moment_is(self, api) -> None:
        address = "postings?programme=demo&since=2026-11-29"
        for language, words in (
            ("en", "must be a moment of date, time and zone, such as 2026-12-31T23:59:59+03:00"),
            ("ru", "нужен момент: дата, время и часовой пояс, например 2026-12-31T23:59:59+03:00"),
        ):
            answer = api.call("GET", address, **{"Accept-Language": language}).get_json()
            assert answer["errors"] == [
                {"field": "since", "code": "not_a_moment", "message": words}
            ]

    @pytest.mark.parametrize(
        ("call", "name", "known", "said"),
        [
            (("offers", {"title": {"de": "Kuchen"}}), "known", ["ru", "en"], "Russian, English"),
            (
                ("campaigns", {"name": "x", "texts": {"ru": "{{nobody}}"}}),
                "known",
                ["name", "points", "card", "programme"],
                "{{name}}, {{points}}, {{card}}, {{programme}}",
            ),
        ],
    )
    def test_what_is_known_is_a_list_for_programs_and_words_for_people(
        self, api, call: tuple[str, dict], name: str, known: list[str], said: str
    ) -> None:
        path, body = call
        answer = api.post(path, {"programme": "demo", **body}).get_json()
        assert answer[name] == known
        assert said in answer["detail"]


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_a_page_speaks_its_readers_language(self, client: FlaskClient, path: str) -> None:
        russian = client.get(path, headers={"Accept-Language": "ru"})
        english = client.get(path, headers={"Accept-Language": "en"})
        assert '<html lang="ru">' in russian.text
        assert '<html lang="en">' in english.text
        # 1C's own words and examples in them, and the other language's own name, are Russian.
        prose = re.sub(
            r"<pre.*?</pre>|<code>.*?</code>|data-find=\".*?\"|Русский",
            "",
            english.text,
            flags=re.S,
        )
        assert not CYRILLIC.search(prose)
        assert "Vary" in english.headers
        assert "default-src 'none'" in english.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("path", PAGES)
    def test_nothing_comes_from_elsewhere_and_every_link_leads_somewhere(
        self, client: FlaskClient, path: str
    ) -> None:
        text = client.get(path).text
        assert "style=" not in text
        assert "<script>" not in text
        leads = set(re.findall(r'(?:src|href)="([^"]+)"', text)) - {"data:,"}
        assert not [one for one in leads if one.startswith("http")]
        pages = {}
        for lead in leads:
            address, _, anchor = lead.partition("#")
            address = address or path
            if address.startswith("?"):
                continue
            if address not in pages:
                pages[address] = client.get(address)
            assert pages[address].status_code == 200, lead
            assert not anchor or f'id="{anchor}"' in pages[address].text, lead

    def test_the_api_itself_leads_there(self, client: FlaskClient) -> None:
        answer = client.get("/api")
        assert answer.status_code == 302
        assert answer.location == "/api/docs"

    @pytest.mark.parametrize(("language", "taken"), [("en", "a second"), ("ru", "в секунду")])
    def test_events_are_shown_each_with_its_data_and_an_example(
        self, client: FlaskClient, language: str, taken: str
    ) -> None:
        text = client.get(f"/api/docs?lang={language}").text
        for name in (*types.TYPES, types.TEST):
            (told,) = re.findall(rf'<details id="event-{name}".*?</details>', text, re.DOTALL)
            says = re.search(r'class="says">(.*?)</span>', told)
            assert says
            assert bool(CYRILLIC.search(says[1])) == (language == "ru")
            assert "&#34;webhook" not in told
            assert f"&#34;type&#34;: &#34;{name}&#34;" in told
        guide = client.get(f"/api/docs/guide?lang={language}").text
        assert "WebhookVerificationError" in guide
        assert taken in guide
        assert "`" not in re.sub(r"<pre.*?</pre>", "", guide, flags=re.S)

    def test_what_may_be_null_says_so_and_an_audience_leads_to_its_conditions(
        self, client: FlaskClient
    ) -> None:
        text = client.get("/api/docs?lang=en").text
        (campaign,) = re.findall(r'<details id="CampaignIn".*?</details>', text, re.DOTALL)
        for kind in ("AllCondition", "NotCondition", "PurchaseCondition", "InPhoneCondition"):
            assert f'href="#{kind}"' in campaign
        (told,) = re.findall(r'<details id="PointsTold".*?</details>', text, re.DOTALL)
        (balance,) = re.findall(
            r'<p class="field"><code>balance_after</code>.*?</p>', told, re.DOTALL
        )
        assert "whole number or null" in balance

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_a_schema_says_what_it_is(self, client: FlaskClient, language: str) -> None:
        text = client.get(f"/api/docs?lang={language}").text
        things = text.partition('<h2 id="things">')[2]
        told = re.findall(
            r"</summary>\s*<p>(.*?)</p>.*?</details>", things.partition("</main>")[0], re.DOTALL
        )
        assert len(told) == len(re.findall("<details", things)) > 100
        assert all(bool(CYRILLIC.search(one)) == (language == "ru") for one in told)

    def test_no_page_names_a_file_that_its_reader_has_not(self, client: FlaskClient) -> None:
        for path in PAGES:
            assert not re.search(r"docs/\w+\.(md|py)", client.get(path).text), path

    def test_every_post_stands_under_what_it_makes_of_a_key(self, client: FlaskClient) -> None:
        spec = client.get("/api/openapi.json").get_json()
        guide = client.get("/api/docs/guide").text
        (keys,) = re.findall(r'id="idempotency".*?<dl>(.*?)</dl>', guide, re.DOTALL)
        told = dict.fromkeys(re.findall(r"#(\w+)", keys))
        posts = {
            methods["post"]["operationId"]
            for path, methods in spec["paths"].items()
            if "post" in methods and not path.startswith("/webhooks/")
        }
        assert set(told) == posts
