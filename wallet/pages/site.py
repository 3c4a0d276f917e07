"""All pages as one blueprint, with the templates, styles and words they share."""

from flask import Blueprint, Flask

from wallet.pages import (
    at_counter,
    badges,
    cards,
    designs,
    find,
    front,
    history,
    home_screen,
    join,
    language,
    own_coupon,
    own_data,
    privacy,
    second_card,
)


def add_to(app: Flask) -> None:
    """Register all pages, and the languages that they speak."""
    pages = Blueprint(
        "pages",
        "wallet.pages",
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    for part in (
        front,
        join,
        find,
        second_card,
        privacy,
        cards,
        at_counter,
        history,
        own_coupon,
        own_data,
        home_screen,
        designs,
        badges,
    ):
        pages.register_blueprint(part.routes)
    app.register_blueprint(pages)
    language.add_to(app)
