"""Entity tags and the headers that name them."""

from __future__ import annotations

import pytest

from partner_engine.api.http.conditional import digest_tag, expected_version, is_fresh, version_tag
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


def test_the_digest_follows_the_content() -> None:
    assert digest_tag(b"a") == digest_tag(b"a") != digest_tag(b"b")
