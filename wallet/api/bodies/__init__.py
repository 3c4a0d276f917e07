"""What the API takes and gives, as pydantic models: a module for each noun.

Strict: a number in quotes is not a number, and a misspelt name is an error, not a wish that nobody
hears.

A request that is repeated under its Idempotency-Key is recognised by the hash of its dump, so the
dump of what is sent must stay the same from release to release: fields keep their order, base
classes theirs, and a field that comes later is left out where it was not sent (`exclude_if`)."""
