"""Accepted and refused JSON, as a table of bytes and reasons."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presentation.faults import join_pointer
from presentation.strict_json import MAX_DEPTH, MAX_INTEGER, JsonFault, parse

REFUSED = [
    (b"", "malformed_json"),
    (b"{", "malformed_json"),
    (b'{"a": 1} x', "malformed_json"),
    (b"{'a': 1}", "malformed_json"),
    (b"\xef\xbb\xbf{}", "malformed_json"),
    (b'{"a": "\n"}', "malformed_json"),
    (b'{"a": "\xff"}', "invalid_utf8"),
    (b'{"a": "\xed\xa0\x80"}', "invalid_utf8"),
    (b'{"a": NaN}', "not_finite"),
    (b'{"a": -Infinity}', "not_finite"),
    (b'{"a": 1e400}', "number_too_large"),
    (b'{"a": ' + b"9" * 5_000 + b"}", "number_too_large"),
    (b'{"a": ' + str(MAX_INTEGER + 1).encode() + b"}", "number_too_large"),
    (b'{"a": 0.' + b"1" * 5_000 + b"}", "number_too_large"),
    (b'{"a": 1, "a": 2}', "duplicate_key"),
    (b'{"b": [{"a": 1, "\\u0061": 2}]}', "duplicate_key"),
    (b'{"a": "x\\u0000y"}', "nul_character"),
    (b'{"a\\u0000": 1}', "nul_character"),
    (b'{"a": "\\ud800"}', "lone_surrogate"),
    (b'{"\\udfff": 1}', "lone_surrogate"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep"),
    (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "too_deep"),
    (b"[" * 100_000, "too_deep"),
]


@pytest.mark.parametrize(("content", "code"), REFUSED)
def test_refused_texts(content: bytes, code: str) -> None:
    with pytest.raises(JsonFault) as refused:
        parse(content)

    assert refused.value.code == code
    refused.value.text.encode()  # what is said of it can itself be sent


def test_the_fault_names_its_place() -> None:
    with pytest.raises(JsonFault) as refused:
        parse(b'{"answer_pools": {"a/b": [1, {"c": "\\u0000"}]}}')

    assert refused.value.pointer == "/answer_pools/a~1b/1/c"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, 2.5, -3e2, true, null, "\\ud83d\\ude00"]} ', {"a": [1, 2.5, -300.0, True, None, "😀"]}),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (str(MAX_INTEGER).encode(), MAX_INTEGER),
    ],
)
def test_accepted_texts(content: bytes, value: object) -> None:
    assert parse(content) == value


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        parse(content)
    except JsonFault as fault:
        assert fault.code


def test_pointers_are_escaped() -> None:
    assert join_pointer("/a", "b/c", "~", 0) == "/a/b~1c/~0/0"
