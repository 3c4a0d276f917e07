"""Catalogues of translations: what the code says, what each catalogue has, and the files.

`make words` brings all catalogues up to date. A new message comes in without a text, and is named
until a text is written; a message that the code does not say any more is removed. `.mo` files are
made anew."""

import ast
import functools
import importlib
import inspect
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import ledger.errors
from ledger.book import drafts, holds
from ledger.catalogue import goods
from ledger.database.troubles import Trouble
from ledger.errors import Refusal
from ledger.imports import wording
from ledger.people import cards
from ledger.programmes import base_words, trades
from ledger.promotions import wording as till_words
from ledger.words import FIELD, REFUSAL, REFUSAL_OF_MONEY
from wallet import problems, sentences
from wallet.access import apikeys, change_words, changes, roles, sources
from wallet.api import calls, contract, nouns, schemas
from wallet.api.bodies.answers import Problem
from wallet.api.bodies.events import EventTold
from wallet.console import shell
from wallet.delivery import waves
from wallet.errors import EVENT, SCOPE
from wallet.outreach import campaigns, comparison, effect, results, terms
from wallet.outreach.posters import posters
from wallet.passes import content
from wallet.receivers import log, types

TOP = Path(__file__).parents[2]
PACKAGES = ("ledger", "wallet")
WIDTH = 100
TEMPLATES = ("pages/templates/**.html", "api/templates/**.html", "console/templates/**.html")
# Modules with refusals of their own.
WITH_REFUSALS = (
    "ledger.errors",
    "wallet.errors",
    "wallet.google.callbacks",
    "wallet.backups.manifest",
    "wallet.counter.spend_codes",
    "wallet.finding.codes",
)

# Words of ours that are facts of refusals, by the context of each.
VOCABULARY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ledger": {
        "kind of posting": get_args(drafts.PostingKind),
        "state of a card": get_args(cards.BlockReason),
        "state of a hold": get_args(holds.HoldState),
        wording.ANSWER: ("yes", "no"),
        base_words.CALLED_CONTEXT: trades.CALLED,
        "state of an import": ("reading", "refused", "checked", "applying", "done"),
        "state of an offer": ("withdrawn", "ended"),
        goods.CONTEXT: goods.GOODS_KINDS,
        goods.CONTEXT_OF_MEASURES: goods.MEASURES,
    },
    "wallet": {
        SCOPE: (*apikeys.SCOPES, *roles.OF_PEOPLE),
        roles.CONTEXT: roles.ROLES,
        roles.CONTEXT_OF_GROUPS: tuple(roles.GROUPS),
        sources.CONTEXT: sources.KINDS,
        posters.CONTEXT: posters.WORDS,
        change_words.CONTEXT: change_words.CODES,
        change_words.FIELD_CONTEXT: tuple(
            sorted({*change_words.MORE_FIELDS, *chain(*changes.RECORDED.values())})
        ),
        change_words.THING_CONTEXT: tuple(
            sorted({*get_args(changes.ThingKind), *change_words.MORE_THINGS})
        ),
        change_words.AUTHOR_CONTEXT: get_args(changes.AuthorKind),
        change_words.VALUE_CONTEXT: change_words.VALUES,
        EVENT: (*types.TYPES, *types.GROUPS, types.TEST),
        log.CONTEXT: log.PROBLEMS,
        "state of a campaign": get_args(campaigns.CampaignState),
        "state of a coupon": get_args(content.PassState),
        "state of an adjustment": ("posted", "declined", "withdrawn", "expired"),
        effect.CONTEXT: get_args(comparison.Conclusion),
        "state of a wave": (waves.RUNNING, waves.PAUSED, waves.DONE, waves.CANCELLED),
    },
}


@dataclass(frozen=True, slots=True)
class Call:
    """A function whose argument number `place`, or `keyword` if it is given, is a message."""

    place: int
    context: str = ""
    plural: int | None = None
    keyword: str = ""
    package: str = ""  # whose catalogue has it; by default that of the code that calls


CALLS: Mapping[str, Call] = {
    "_": Call(0),
    "N_": Call(0),
    "of_text": Call(0),
    "_in_each": Call(0),
    "ngettext": Call(0, plural=1),
    "counted": Call(0, plural=1),
    "Unfit": Call(0, FIELD, package="ledger"),
    # The wallet words what pydantic finds, wherever the field stands.
    "PydanticCustomError": Call(0, FIELD, package="wallet"),
    "either": Call(0, FIELD, package="wallet"),
    "RowProblem": Call(0, wording.CONTEXT, package="ledger"),
    "BadCell": Call(0, wording.CONTEXT),
    "refuse": Call(1, REFUSAL, keyword="text"),
    "TermsRefused": Call(1, package="ledger"),
    "StoreRefused": Call(1, package="ledger"),
    "PromotionRefused": Call(1, package="ledger"),
    "ReceiptRefused": Call(1, package="ledger"),
    "ProductRefused": Call(1, package="ledger"),
    "CategoryRefused": Call(1, package="ledger"),
    "refusing": Call(1, package="ledger"),
    "FileRefused": Call(1, package="ledger"),
    "DesignRefused": Call(1),
    "ImageRefused": Call(2),
    "ApiKeyRefused": Call(0),
    "EmployeeRefused": Call(0),
    "SourceRefused": Call(0),
    "ReceiverRefused": Call(0),
    "SegmentRefused": Call(0),
    "ListRefused": Call(0),
    "Rule": Call(1),
    "MenuEntry": Call(1, shell.CONTEXT),
    "FieldWords": Call(0),
    "say": Call(0),
    "say.many": Call(0, plural=1),
}


@dataclass(frozen=True, slots=True, order=True)
class Message:
    context: str
    id: str
    plural: str = ""


@functools.cache
def said(package: str) -> frozenset[Message]:
    """Every message that the code of any package says and whose text stands in this package's
    catalogue."""
    found = {message for owner, message in _called() if owner == package}
    found |= {message for kind in refusals(package) for message in _of_refusal(kind)}
    for context, words in VOCABULARY[package].items():
        found |= {Message(context, word) for word in words}
    if package == "ledger":
        codes = (*wording.LEFT_ASIDE, *wording.NOTES)
        found |= {Message(wording.CONTEXT, code) for code in codes}
        found = {_with_plural(one) for one in found}
        found |= {Message(base_words.CONTEXT, code) for code in base_words.CODES}
        found |= {Message(base_words.CONTEXT, code, code) for code in base_words.COUNTING}
        told = base_words.TO_JOIN_CONTEXT
        found |= {Message(told, code) for code in base_words.TO_JOIN_CODES}
        found |= {Message(told, code, code) for code in base_words.TO_JOIN_COUNTING}
        found |= {Message(till_words.CONTEXT, code) for code in till_words.CODES}
        found |= {Message(till_words.CONTEXT, code, code) for code in till_words.COUNTING}
    if package == "wallet":
        found |= {Message(FIELD, code) for code in {*sentences.KINDS.values(), sentences.UNFIT}}
        codes = {*problems.OF_FRAMEWORK.values(), problems.BROKEN, problems.FAILED, *Trouble}
        found |= {Message(REFUSAL, code) for code in codes}
        found |= {Message(results.CONTEXT, why) for why in get_args(results.Why)}
        for context in (terms.CONTEXT, terms.CONTEXT_OF_MONEY):
            for kind in terms.KINDS:
                plain = [
                    kind,
                    *(terms.BEFORE.format(kind=one) for one in terms.AHEAD if one == kind),
                ]
                names = (*plain, *(terms.WITH_A_GIFT.format(kind=name) for name in plain))
                found |= {Message(context, name) for name in names}
        found |= set(_on_pages())
        found |= set(_of_calls())
        found |= set(_of_things())
    return frozenset(found)


def _with_plural(message: Message) -> Message:
    """The call for the problem of a row does not say whether its text agrees with a number: this
    finds it out."""
    if message.context == wording.CONTEXT and message.id in wording.PLURAL:
        return replace(message, plural=message.id)
    return message


def refusals(package: str) -> list[type[Refusal]]:
    """All classes of refusals with a code, except those that stand in for others in the sandbox."""
    for module in WITH_REFUSALS:
        importlib.import_module(module)

    def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    return sorted(
        {
            kind
            for kind in below(ledger.errors.Refusal)
            if kind.__module__.split(".")[0] == package
            and not kind.__module__.startswith("wallet.sandbox")
            and "code" in vars(kind)
        },
        key=lambda kind: kind.code,
    )


def _of_refusal(kind: type[Refusal]) -> Iterator[Message]:
    yield Message(REFUSAL, kind.code, kind.code if kind.plural else "")
    if kind.counted:
        yield Message(REFUSAL_OF_MONEY, kind.code)


def _called() -> Iterator[tuple[str, Message]]:
    """Messages that are arguments of the calls themselves, with the package whose catalogue has
    them."""
    for name, call in CALLS.items():
        for package, file, node in calls_of(name):
            for message in _messages(call, node, file):
                yield call.package or package, message


def calls_of(name: str) -> Sequence[tuple[str, Path, ast.Call]]:
    """Where the code calls this function, with the package that calls it."""
    return _calls().get(name, [])


@functools.cache
def _calls() -> Mapping[str, Sequence[tuple[str, Path, ast.Call]]]:
    found: dict[str, list[tuple[str, Path, ast.Call]]] = {}
    for package in PACKAGES:
        for file in sorted((TOP / package).glob("**/*.py")):
            if "sandbox" in file.parts or "versions" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and (name := _name(node.func)) in CALLS:
                    found.setdefault(name, []).append((package, file, node))
    return found


def _name(function: ast.expr) -> str:
    """The name of a function that is called as itself, or as `sentences.of_text`, `say.many`."""
    match function:
        case ast.Attribute(attr="of_text"):
            return "of_text"
        case ast.Attribute(value=ast.Name(id="say"), attr=attr):
            return f"say.{attr}"
        case ast.Name(id=name):
            return name
    return ""


def _messages(call: Call, node: ast.Call, file: Path) -> Iterator[Message]:
    given: ast.expr | None = node.args[call.place] if len(node.args) > call.place else None
    for keyword in node.keywords:
        if keyword.arg == call.keyword:
            given = keyword.value
    plural = node.args[call.plural] if call.plural is not None else None
    many = str(plural.value) if isinstance(plural, ast.Constant) else ""
    for text in (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,):
        if isinstance(text, ast.JoinedStr):
            raise SystemExit(f"{file}:{node.lineno}: an f-string is no message; name its places")
        # An argument that is no literal was handed on; the message stands where it came from.
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield Message(call.context, text.value, many)


def _on_pages() -> Iterator[Message]:
    found = extract_from_dir(
        TOP / "wallet",
        [(files, "jinja2") for files in TEMPLATES],
        {files: {"silent": "no"} for files in TEMPLATES},
    )
    for _file, _line, message, _comments, _context in found:
        one, many = message if isinstance(message, tuple) else (message, "")
        yield Message("", one, many)


def _of_calls() -> Iterator[Message]:
    """What each view of the API says of its call: /api/docs shows it."""
    for noun in (*nouns.NOUNS, "webhooks"):
        module = importlib.import_module(f"wallet.api.{noun}")
        for view in vars(module).values():
            if inspect.isfunction(view) and hasattr(view, "_spec"):
                yield from (Message("", text) for text in contract.told_by(view) if text)


def _of_things() -> Iterator[Message]:
    """What each schema of the API says of itself: /api/docs shows it."""
    models = {Problem, EventTold}
    for noun in (*nouns.NOUNS, "webhooks"):
        module = importlib.import_module(f"wallet.api.{noun}")
        for view in vars(module).values():
            if inspect.isfunction(view) and hasattr(view, "_spec"):
                taken, given = view._spec.get("body"), view._spec.get("response") or {}
                models |= {taken, given.get("schema"), *calls.of(view).models} - {None}
    for schema in schemas.of_models(*models).values():
        said = schemas.told_by(schema)
        yield from (Message("", text) for text in said if text and not text.startswith("{"))


def file_of(package: str, language: str, kind: str = "po") -> Path:
    return TOP / package / "locale" / language / "LC_MESSAGES" / f"{package}.{kind}"


def languages(package: str) -> list[str]:
    return sorted(one.name for one in (TOP / package / "locale").iterdir() if one.is_dir())


def read(package: str, language: str) -> Catalog:
    with file_of(package, language).open("rb") as file:
        return read_po(file, locale=language, domain=package)


def wanted(package: str, language: str) -> set[Message]:
    """The messages of a catalogue that need a text. English texts without a context are their own
    text."""
    return {one for one in said(package) if one.context or language != "en"}


class _Plain(Catalog):
    """A catalogue whose head has nothing that changes by itself, such as dates."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [
            ("Language", str(self.locale)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def brought_up_to_date(package: str, language: str) -> Catalog:
    """The catalogue with the texts that it has, and every message that it needs."""
    before = read(package, language) if file_of(package, language).exists() else Catalog()
    heading = f"# What {package} says in this language. `make words` adds what is new."
    now = _Plain(language, package, header_comment=heading, fuzzy=False)
    for message in sorted(wanted(package, language)):
        context = message.context or None
        known = before.get(message.id, context)
        id_ = (message.id, message.plural) if message.plural else message.id
        text: Any = known.string if known is not None else ""
        if message.plural and not isinstance(text, list | tuple):
            text = ("",) * now.num_plurals
        if not message.plural and not isinstance(text, str):
            text = ""
        comments = known.user_comments if known is not None else ()
        now.add(id_, text, context=context, user_comments=comments)
    return now


def untranslated(catalogue: Catalog) -> Iterator[str]:
    for message in catalogue:
        texts = message.string if isinstance(message.string, list | tuple) else [message.string]
        if message.id and (not all(texts) or message.fuzzy):
            yield f"{message.context}: {message.id}" if message.context else str(message.id)


def contents(catalogue: Catalog) -> dict[str, bytes]:
    """The bytes of the catalogue's two files."""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=WIDTH, no_location=True)
    write_mo(compiled, catalogue)
    return {"po": text.getvalue(), "mo": compiled.getvalue()}


def write(package: str, language: str, catalogue: Catalog) -> None:
    file_of(package, language).parent.mkdir(parents=True, exist_ok=True)
    for kind, data in contents(catalogue).items():
        file_of(package, language, kind).write_bytes(data)


def main() -> int:
    missing = 0
    for package in PACKAGES:
        for language in languages(package):
            catalogue = brought_up_to_date(package, language)
            write(package, language, catalogue)
            for message in untranslated(catalogue):
                missing += 1
                sys.stdout.write(f"{file_of(package, language).relative_to(TOP)}: {message}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
