"""What stands around every page of the console: the menu, the bar above, the strip of the sandbox.

An entry of the menu is shown to those who have its right, once it has a page."""

import functools
import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import current_app, render_template, request, url_for
from markupsafe import Markup

import wallet.console
from ledger.languages import LANGUAGES, Language
from wallet.installation import current_installation
from wallet.pages import language
from wallet.sentences import CATALOGUE

PREFIX = "/console"
STATIC = Path(wallet.console.__file__).parent / "static"
VENDOR = "vendor/"
SPRITE = "vendor/tabler-icons-3.51.0/icons.svg"
CONTEXT = "menu"  # of the catalogue: the same words may mean something else on a page

# The right to see what runs: whoever works with messages, cards or files has it.
JOBS = "campaigns:read"

Allows = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """`endpoint` is its first page, None while it has none. `right` is what it takes to see it;
    None: to be inside."""

    name: str
    words: str
    icon: str
    right: str | None = None
    endpoint: str | None = None


# In the order of a marketer's day.
MENU = (
    MenuEntry("home", "Home", "home", endpoint="console.home.show"),
    MenuEntry("members", "Members", "users", "members:read", "console.members.listed"),
    MenuEntry("cards", "Cards", "credit-card", "passes:read", "console.designer.listed"),
    MenuEntry("messages", "Messages", "send", "campaigns:read", "console.campaigns.listed"),
    MenuEntry("promotions", "Promotions", "discount", "offers:read"),
    MenuEntry("shop", "Shop", "building-store", "stores:read", "console.stores.find"),
    MenuEntry("counter", "Counter", "cash-register", "scans:write", "console.counter.show"),
    MenuEntry("reports", "Reports", "chart-bar", "members:read"),
    MenuEntry("settings", "Settings", "settings", "programmes:read", "console.settings.show"),
)


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """A place to go. `is_here`: the page that is shown is there, or below it."""

    words: str
    url: str
    icon: str = ""
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """This page in a language: its tag and own name. `is_here`: the page speaks it."""

    tag: Language
    words: str
    url: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is signed in: a name, the role in words, places that are theirs (profile, security), and
    where the form is sent that ends the session."""

    name: str
    role: str
    links: tuple[ConsoleLink, ...] = ()
    sign_out_url: str | None = None

    @property
    def initials(self) -> str:
        """One or two letters in place of a picture."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()


@dataclass(frozen=True, slots=True)
class Frame:
    """What the layout `inside.html` shows around a page. What is None is not shown."""

    menu: tuple[ConsoleLink, ...]
    reader: Reader
    programme: str
    programmes: Sequence[ConsoleLink]
    search_url: str | None
    help_url: str | None
    phones_url: str | None
    is_sandbox: bool
    jobs_url: str | None = None

    @property
    def here(self) -> str:
        """What the menu calls the place where the page is; empty for a page of no place."""
        return next((entry.words for entry in self.menu if entry.is_here), "")


def around(
    may: Allows,
    here: str,
    *,
    reader: Reader,
    programme: str,
    code: str | None = None,
    programmes: Sequence[ConsoleLink] = (),
    search_url: str | None = None,
    help_url: str | None = None,
    menu: Sequence[MenuEntry] = MENU,
) -> Frame:
    """What stands around a page below the entry `here`, for somebody whose rights `may` knows.
    `programme` is the name of the one that is shown, `code` its code; `programmes` are those one
    can switch to."""
    settings = current_installation().settings
    return Frame(
        menu=_links(
            tuple(entry for entry in menu if _is_shown(entry, may)),
            here,
            code,
            language.current(),
            request.script_root,
        ),
        reader=reader,
        programme=programme,
        programmes=programmes,
        search_url=search_url,
        help_url=help_url,
        phones_url=f"http://127.0.0.1:{settings.sandbox.phone}/" if settings.in_sandbox else None,
        is_sandbox=settings.in_sandbox,
        jobs_url=_jobs_url(code, request.script_root) if code and may(JOBS) else None,
    )


def _is_shown(entry: MenuEntry, may: Allows) -> bool:
    return entry.endpoint is not None and (entry.right is None or may(entry.right))


@functools.lru_cache(1024)  # half of what an empty page costs would be to build these addresses
def _links(
    entries: Sequence[MenuEntry], here: str, code: str | None, tongue: Language, _root: str
) -> tuple[ConsoleLink, ...]:
    return tuple(
        ConsoleLink(
            CATALOGUE.text(tongue, entry.words, CONTEXT),
            _url(entry.endpoint or "", code),
            entry.icon,
            entry.name == here,
        )
        for entry in entries
        if code is not None or not _is_of_programme(entry.endpoint or "")
    )


@functools.lru_cache(1024)
def _jobs_url(code: str, _root: str) -> str:
    return url_for("console.jobs.bar", programme=code)


def _url(endpoint: str, code: str | None) -> str:
    return url_for(endpoint, programme=code) if _is_of_programme(endpoint) else url_for(endpoint)


def _is_of_programme(endpoint: str) -> bool:
    return current_app.url_map.is_endpoint_expecting(endpoint, "programme")


def drawn(template: str, **given: Hashable) -> Markup:
    """A part of the frame, drawn by a template from nothing but what it is given, and the language.
    A reader sees the same on each page, so it is drawn once."""
    return _drawn(template, language.current(), tuple(given.items()))


@functools.lru_cache(1024)
def _drawn(template: str, _tongue: Language, given: tuple[tuple[str, Hashable], ...]) -> Markup:
    return Markup(render_template(template, **dict(given)))  # noqa: S704 - templates escape


def language_links() -> Sequence[LanguageLink]:
    """This page in each language; the addresses keep all filters."""
    asked = [pair for pair in request.args.items(multi=True) if pair[0] != "lang"]
    spoken = language.current()
    return [
        LanguageLink(
            one,
            language.OFFERED[one],
            f"{request.path}?{urlencode([*asked, ('lang', one)])}",
            one == spoken,
        )
        for one in LANGUAGES
    ]


@functools.lru_cache(1024)
def icon(name: str, label: str = "") -> Markup:
    """A symbol of the sprite, drawn. Without `label` it is an ornament beside words."""
    told = Markup('role="img" aria-label="{}"').format(label) if label else _SILENT
    return _ICON.format(told=told, sprite=file_url(SPRITE), name=name)


_SILENT = Markup('aria-hidden="true"')
_ICON = Markup(
    '<svg class="icon" width="20" height="20" {told}><use href="{sprite}#{name}"></use></svg>'
)


@functools.cache
def file_url(filename: str) -> str:
    """The address of a file of the console. It changes with the file, so it may be kept for good.
    A page asks for dozens of them: `url_for` would be most of what it costs.

    Scripts of a folder of ours import each other by their names: the folder has one version, which
    stands in its path, and a page never works with half of another."""
    folder, _slash, name = filename.rpartition("/")
    if filename.startswith(VENDOR):
        return f"{PREFIX}/static/{filename}"
    if folder:
        return f"{PREFIX}/static/{folder}-{hash_of(folder)}/{name}"
    return f"{PREFIX}/static/{filename}?v={hash_of(filename)}"


def hash_of(filename: str) -> str | None:
    """What tells one content of our file, or folder, from another; None if there is none of this
    name."""
    return _hashes().get(filename)


def file_at(path: str) -> str:
    """The name of the file that an address of `file_url` has this path for; the path itself, if its
    folder has no version, or not the present one."""
    folder, _slash, name = path.rpartition("/")
    plain, _dash, version = folder.rpartition("-")
    return f"{plain}/{name}" if plain and version == hash_of(plain) else path


@functools.cache
def _hashes() -> Mapping[str, str]:
    folders = (one for one in STATIC.iterdir() if one.is_dir() and f"{one.name}/" != VENDOR)
    return {
        **{file.name: _hash(file.read_bytes()) for file in STATIC.iterdir() if file.is_file()},
        **{folder.name: _hash(b"".join(_told(folder))) for folder in folders},
    }


def _told(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.iterdir()):
        yield f"{file.name} {_hash(file.read_bytes())}\n".encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
