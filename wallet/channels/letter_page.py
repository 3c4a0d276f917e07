"""What a letter looks like, whoever it is to: the same for the staff and for customers."""

from jinja2 import Environment, PackageLoader, select_autoescape

from ledger.languages import Language

PAGES = Environment(
    loader=PackageLoader("wallet.channels", "templates"), autoescape=select_autoescape()
)


def drawn(
    language: Language,
    subject: str,
    text: str,
    foot: str,
    *,
    code: str = "",
    link: str = "",
    button: str = "",
) -> str:
    """The letter as a page: with a `code`, large, or with a `link` under a `button`."""
    return PAGES.get_template("letter.html").render(
        language=language,
        subject=subject,
        text=text,
        foot=foot,
        code=code,
        link=link,
        button=button,
    )
