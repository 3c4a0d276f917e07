"""The table of rights and roles, as docs show it."""

import rights_table


def test_docs_show_it_as_it_is() -> None:
    _, shown, _ = rights_table.split(rights_table.PAGE.read_text())
    assert shown == rights_table.table(), "make words"
