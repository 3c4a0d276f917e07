"""What may stand in an address. People and programs put anything there, and not all of it can be
asked of a database: PostgreSQL holds no NUL."""

from werkzeug.routing import Map, UnicodeConverter

# Stands for what cannot be shown. No id, code, name or number of ours has it, so nothing is found.
REPLACEMENT = "\ufffd"


class ReadableConverter(UnicodeConverter):
    """A part of an address as text that any database can be asked for."""

    def to_python(self, value: str) -> str:
        return "".join(sign if sign.isprintable() else REPLACEMENT for sign in value)


def accept_readable(addresses: Map) -> None:
    """Every `<part>` of a route that says nothing else is readable. Before the routes are added."""
    addresses.converters |= {"default": ReadableConverter, "string": ReadableConverter}
