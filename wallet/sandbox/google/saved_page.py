"""The page that a browser shows after it opened a save link: the card as it was saved, and a link
to the virtual phone that now has it."""

import base64
import hashlib
import re
from urllib.parse import quote

from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from ledger import languages
from ledger.languages import Language
from wallet.google.reading import DEFAULT_COLOUR, AndroidCard, CardLine
from wallet.sandbox import words
from wallet.sandbox.google.resources import SavedCard

COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")

# One rule a line. The colour of the card is the only thing that differs between pages.
_STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#f4f6fa, #10151d); --ink: light-dark(#18212f, #e8edf5);
  --soft: light-dark(#5b6779, #9aa7ba); --accent: light-dark(#1f4f96, #8ab4f8); --on: light-dark(#fff, #0d1522) }
* { box-sizing: border-box; margin: 0 }
body { display: grid; min-height: 100vh; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif }
main { width: min(26rem, 100%); text-align: center }
h1 { font-size: 1.625rem; line-height: 1.2; letter-spacing: -.02em }
h1::before { content: "✓"; display: grid; place-items: center; width: 3rem; height: 3rem; margin: 0 auto .75rem;
  border-radius: 50%; background: #1c7a4a; color: #fff; font-size: 1.5rem }
p { margin-top: .5rem; color: var(--soft) }
.card { margin: 1.5rem 0; border-radius: 22px; overflow: hidden; text-align: left; color: var(--card-ink);
  background: var(--card); box-shadow: 0 10px 28px rgb(20 30 50 / .28) }
.card p { margin: 0; padding: .875rem 1.125rem; color: inherit; font-weight: 550;
  border-bottom: 1px solid color-mix(in srgb, currentColor 22%, transparent) }
.card h2 { padding: .75rem 1.125rem .25rem; font-size: 1.3125rem; font-weight: 400; line-height: 1.2 }
dl { display: flex; justify-content: space-between; gap: 1rem; padding: .375rem 1.125rem .75rem }
dt { font-size: .75rem; opacity: .85 }
dd { margin: 0; font-size: 1.0625rem; line-height: 1.3; overflow-wrap: anywhere }
dl:has(> :only-child) { justify-content: center; text-align: center }
dl > :nth-child(2):last-child { text-align: right }
a { display: block; padding: .75rem 1rem; border-radius: 12px; background: var(--accent); color: var(--on);
  font-weight: 550; text-decoration: none }
"""  # noqa: E501 - a sheet in lines of its own
_PAGE = Markup(
    '<!doctype html><html lang="{language}"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<title>{title}</title><style>{style}</style><main><h1>{title}</h1>"
    '<section class="card"><p>{issuer}</p><h2>{programme}</h2>{rows}</section>{way}'
    "<p>{lead}</p></main></html>"
)
_WAY = Markup('<a href="{address}">{text}</a>')
_ROW = Markup("<dl>{items}</dl>")
_ITEM = Markup("<div><dt>{label}</dt><dd>{value}</dd></div>")


def response(request: Request, saved: SavedCard, phone_url: str | None) -> Response:
    """The page in the browser's language, with a link to the phone's page if there is one."""
    language = languages.ours(*languages.accepted(request.accept_languages))
    card = AndroidCard(saved.id, saved.class_, saved.object_)
    style = _style(card.colour)
    page = _PAGE.format(
        language=language,
        title=words.said("saved.title", language),
        lead=words.said("saved.lead", language),
        style=Markup(style),  # noqa: S704 - ours, and a colour in digits
        issuer=card.issuer(language),
        programme=card.programme(language),
        rows=Markup("").join(map(_row, card.face(language))),
        way=_way(request.url, phone_url, language),
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    )
    # The address of this page is what saves the card.
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _style(colour: str) -> str:
    plain = colour if COLOUR.fullmatch(colour) else DEFAULT_COLOUR
    return f":root {{ --card: {plain}; --card-ink: {AndroidCard.ink_on(plain)} }}{_STYLE}"


def _row(lines: list[CardLine]) -> Markup:
    items = (_ITEM.format(label=line.label, value=line.value) for line in lines)
    return _ROW.format(items=Markup("").join(items))


def _way(save_link: str, phone_url: str | None, language: Language) -> Markup:
    if phone_url is None:
        return Markup("")
    address = f"{phone_url}?card={quote(save_link, safe='')}&lang={language}"
    return _WAY.format(address=address, text=words.said("saved.open", language))
