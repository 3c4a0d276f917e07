"""The one reader of JSON: what two readers could understand in two ways is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.strict_json import JsonMalformed, read

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES)
def test_what_is_written_is_read(value: object) -> None:
    for escaped in (True, False):
        text = json.dumps(value, ensure_ascii=escaped)
        assert read(text.encode()) == read("\ufeff" + text) == json.loads(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"a": 1, "a": 1}',
        b'[{"a": {"b": 1, "b": 2}}]',
        b'{"a": NaN}',
        b"[Infinity, -Infinity]",
        rb'"\ud800"',
        rb'{"\udfff": 1}',
        b"[" * 100_000,
        b"1" * 5_000,
        '{"a": "é"}'.encode("latin-1"),
        '{"a": 1}'.encode("utf-16"),
        "\ufeff\ufeff{}".encode(),
    ],
    ids=range(14),
)
def test_what_is_no_json_or_may_mean_two_things_is_refused(data: bytes) -> None:
    with pytest.raises(JsonMalformed):
        read(data)


def test_a_whole_character_may_be_written_as_two_halves() -> None:
    assert read(rb'"\ud83e\udd8a"') == "🦊"


def test_it_says_where_it_broke_off() -> None:
    with pytest.raises(JsonMalformed) as refused:
        read('{"a": 1,\n "b": }')
    assert (refused.value.line, refused.value.column) == (2, 7)
