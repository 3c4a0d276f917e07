"""The console as one blueprint, with the templates and files that its pages share."""

from flask import Blueprint, Flask, request
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from wallet.console import forms, listing, moments, pages, shell
from wallet.console.cards import badges, barcode, designer, revisions
from wallet.console.counter import counter, guests, places, shift
from wallet.console.door import door, links
from wallet.console.home import first_hour, home, jobs, search
from wallet.console.members import (
    acts,
    adjustments,
    details,
    files,
    gift_cards,
    many,
    members,
    points,
    postings,
    record,
    segments,
    telling,
)
from wallet.console.messages import (
    built_in,
    calendar,
    campaign,
    campaigns,
    composer,
    coupons,
    lists,
    offers,
    sending,
)
from wallet.console.settings import (
    base_programme,
    certificates,
    imports,
    poster,
    programme,
    stores,
)
from wallet.console.settings import contents as settings
from wallet.console.staff import changes, keys, me, passkeys, receivers, rights, sources, staff
from wallet.installation import current_installation

# Where pages live, each with the right that it takes (`pages.needs`).
SECTIONS = (
    home.routes,
    jobs.routes,
    me.routes,
    passkeys.routes,
    settings.routes,
    first_hour.routes,
    base_programme.routes,
    programme.routes,
    stores.routes,
    counter.routes,
    places.routes,
    guests.routes,
    shift.routes,
    poster.routes,
    certificates.routes,
    imports.routes,
    rights.routes,
    staff.routes,
    keys.routes,
    receivers.routes,
    sources.routes,
    changes.routes,
    members.routes,
    record.routes,
    postings.routes,
    many.routes,
    points.routes,
    details.routes,
    acts.routes,
    telling.routes,
    files.routes,
    gift_cards.routes,
    adjustments.routes,
    segments.routes,
    campaigns.routes,
    calendar.routes,
    built_in.routes,
    lists.routes,
    offers.routes,
    coupons.routes,
    composer.routes,
    sending.routes,
    campaign.routes,
    search.routes,
    designer.routes,
    revisions.routes,
    badges.routes,
    barcode.routes,
)

# Of a file in a form the parser takes as much at a time as other forms may have in all, and keeps
# what may be the beginning of the next part.
MOST_PARSED_BYTES = 1 << 20
A_YEAR_S = 365 * 24 * 3600


class ConsoleBlueprint(Blueprint):
    """Files whose address changes with what they hold may be kept for good: those of others have
    their version in the path, ours have the hash that `shell.file_url` adds."""

    enable_openapi = False  # APIFlask asks every blueprint that has something done before requests

    def send_static_file(self, filename: str) -> FileResponse:
        """The file, also by a path that has the version of its folder."""
        return super().send_static_file(shell.file_at(filename))

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """In seconds; None to ask each time whether the file is still the same."""
        if filename is not None and _is_of_one_version(filename):
            return A_YEAR_S
        return super().get_send_file_max_age(filename)


def _is_of_one_version(filename: str) -> bool:
    if filename.startswith(shell.VENDOR):
        return "/" in filename.removeprefix(shell.VENDOR)  # the lists beside the folders are not
    if "/" in filename:
        return (request.view_args or {}).get("filename") != filename  # its folder had a version
    return request.args.get("v") == shell.hash_of(filename)


def add_to(app: Flask, public_url: str) -> None:
    """Register the console's pages, behind their door."""
    console = ConsoleBlueprint(
        "console",
        "wallet.console",
        url_prefix=shell.PREFIX,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    console.after_request(say_how_long_to_keep)
    console.after_request(forms.name_fields)
    console.before_request(allow_large_forms)  # before the door reads the form
    door.add_to(app, console, by_https=public_url.startswith("https:"))
    for section in (links.routes, *SECTIONS):
        console.register_blueprint(section)
    app.register_blueprint(console)
    app.add_template_global(shell.file_url, "console_file")
    app.add_template_global(pages.url, "page_url")
    app.add_template_global(pages.when, "when")
    app.add_template_global(moments.town, "town")
    app.add_template_global(pages.back_link, "back_link")
    app.add_template_global(listing.this_url, "this_url")
    app.add_template_global(listing.table_rows, "table_rows")
    app.add_template_global(shell.drawn, "drawn")
    app.add_template_global(shell.icon, "icon")
    app.add_template_global(shell.language_links, "language_links")


def allow_large_forms() -> None:
    """Files, and privacy notices, may be larger than other entries, if they come from somebody who
    is inside."""
    most = {designer.UPLOAD: designer.MOST_SENT_BYTES, badges.UPLOAD: badges.MOST_SENT_BYTES}
    files = (imports.UPLOAD, lists.UPLOAD, programme.TEXTS_SENT, *most)
    is_large = request.endpoint in files
    if not is_large or request.method != "POST" or door.somebody() is None:
        return
    request.max_form_memory_size = MOST_PARSED_BYTES
    if request.endpoint in (imports.UPLOAD, lists.UPLOAD):
        request.max_content_length = current_installation().settings.import_bytes
    elif request.endpoint in most:
        request.max_content_length = most[request.endpoint]


def say_how_long_to_keep(response: Response) -> Response:
    """Pages say what is known of people: nobody keeps them. Some browsers ask for files again at a
    reload, unless they are told that nothing can have changed."""
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    elif response.cache_control.max_age == A_YEAR_S:
        response.cache_control.immutable = True
    return response
