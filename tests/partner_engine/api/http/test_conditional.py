"""Entity tags and the headers that name them."""

from __future__ import annotations

import re

import pytest

from partner_engine.api.http.conditional import digest_tag, expected_version, is_fresh, version_tag
from partner_engine.api.http.description import REQUEST_HEADERS
from partner_engine.problems import Refused


@pytest.mark.parametrize(("header", "version"), [(None, None), ("*", None), (' "7" ', 7), ('"12"', 12)])
def test_the_expected_version(header: str | None, version: int | None) -> None:
    assert expected_version(header) == version


@pytest.mark.parametrize("header", ['W/"7"', '"abc"', '""', '"-1"', '"99999999999"'])
def test_a_tag_of_no_version_is_412(header: str) -> None:
    with pytest.raises(Refused) as refused:
        expected_version(header)

    assert (refused.value.status, refused.value.code) == (412, "version_mismatch")


@pytest.mark.parametrize("header", ["7", '"7', '7"', '"1", "2"', '"1" "2"', '"' + "1" * 2_000 + '"'])
def test_a_malformed_header_is_400(header: str) -> None:
    with pytest.raises(Refused) as refused:
        expected_version(header)

    assert (refused.value.status, refused.value.code) == (400, "malformed_header")


@pytest.mark.parametrize(
    ("header", "fresh"),
    [(None, False), ("*", True), ('"7"', True), ('W/"7"', True), ('"6"', False), ('"6", "7"', True), ('"77"', False)],
)
def test_fresh_responses(header: str | None, fresh: bool) -> None:
    assert is_fresh(header, version_tag(7)) is fresh


@pytest.mark.parametrize("header", ["", " ", "7", '"7', "W/7", '"' + "1" * 2_000 + '"'])
def test_a_malformed_list_of_tags_is_400(header: str) -> None:
    with pytest.raises(Refused) as refused:
        is_fresh(header, version_tag(7))

    assert (refused.value.status, refused.value.code) == (400, "malformed_header")


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        *((header, True) for header in ("*", '"7"', 'W/"7"', '""', '"6", "7"', 'W/"6",W/"7" , "8"', '"6",', '"a\\b"')),
        ('"' + "1" * 998 + '"', True),
        *(
            (header, False)
            for header in ("", "7", '"7', "W/7", 'w/"7"', '"6" "7"', ',"7"', '"6",,"7"', '*, "7"', '"ü"')
        ),
        ('"' + "1" * 999 + '"', False),
    ],
)
def test_the_description_says_which_lists_of_tags_are_taken(header: str, is_taken: bool) -> None:
    _, schema, _ = REQUEST_HEADERS["IfNoneMatch"]
    is_described = len(header) <= schema["maxLength"] and re.search(schema["pattern"], header) is not None
    try:
        is_fresh(header, version_tag(7))
        is_accepted = True
    except Refused:
        is_accepted = False

    assert (is_described, is_accepted) == (is_taken, is_taken)


def test_the_digest_follows_the_content() -> None:
    assert digest_tag(b"a") == digest_tag(b"a") != digest_tag(b"b")
