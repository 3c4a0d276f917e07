"""What may stand in an address. People and programs send anything, and a database cannot be asked
for all of it: PostgreSQL holds no NUL."""

from werkzeug.routing import Map, UnicodeConverter

# Stands for what cannot be shown. No id, code, name or number of ours has it, so nothing is found.
REPLACEMENT = "\ufffd"


class ReadableConverter(UnicodeConverter):
    """A part of an address as text that any database can be asked for."""

    def to_python(self, value: str) -> str:
        """Replaces every sign that cannot be printed."""
        return "".join(sign if sign.isprintable() else REPLACEMENT for sign in value)


def accept_readable(addresses: Map) -> None:
    """Make every `<part>` of a route readable that names no other converter. To be called before
    routes are added."""
    addresses.converters |= {"default": ReadableConverter, "string": ReadableConverter}
