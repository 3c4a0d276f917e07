"""What the API takes and gives, as pydantic models: a module for each noun.

Bodies are strict: a number in quotes is not a number, and a name that is not known is an error
instead of being ignored.

A request that is repeated under its Idempotency-Key is recognised by the hash of its dump, so the
dump of a body must stay the same from release to release: fields and base classes keep their order,
and a field that a later release adds is left out of the dump where it was not sent
(`exclude_if`)."""
