"""Differences between contents, and versions that are kept as such."""

from __future__ import annotations

from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from copies.codec import UnreadableDocument, content
from copies.deltas import WrongDelta, difference, restore
from copies.stored_versions import (
    WHOLE_EVERY,
    Content,
    StoredVersion,
    read_evaluations,
    read_version,
    read_versions,
    stored_version,
)
from tests.harness.tiers import amount

MOST = 1 << 20
PARTS = st.binary(max_size=40) | st.integers(1000, 3000).map(lambda size: Random(size).randbytes(size))


@settings(max_examples=amount(60, full=300), deadline=None)
@given(st.lists(PARTS, min_size=3, max_size=3), st.lists(PARTS, min_size=3, max_size=3), st.integers(0, 7))
def test_what_is_restored_is_what_was_there(one: list[bytes], two: list[bytes], equal: int) -> None:
    later = [one[place] if equal >> place & 1 else two[place] for place in range(3)]
    before, after = b"".join(one), b"".join(later)

    assert restore(before, difference(before, after), most=MOST) == after


def test_one_changed_answer_of_many_costs_some_bytes() -> None:
    before = content({f"question_{number}": f"answer {number * 7919 % 1000}" for number in range(500)})
    after = before.replace(b'"answer 7"', b'"another answer"')
    both = after.replace(b'"question_1":', b'"question_x":')

    assert len(difference(before, after)) < 60
    assert len(difference(before, both)) < 300 < len(both) // 10


@pytest.mark.parametrize("delta", [b"", b"\xff" * 30, b"\0" * 30])
def test_damaged_differences_are_refused(delta: bytes) -> None:
    with pytest.raises(WrongDelta):
        restore(b"some content", delta, most=MOST)
    with pytest.raises(WrongDelta):
        restore(b"", difference(b"", b"x" * 5000), most=4000)


def versions_of(contents: list[Content]) -> list[tuple[int, StoredVersion]]:
    before, found = None, []
    for number, now in enumerate(contents, 1):
        whole = StoredVersion(*now.stored(), is_whole=True)
        found.append((number, stored_version(number, whole, now, before)))
        before = now
    return found


def test_every_eighth_version_is_whole_and_all_are_restored() -> None:
    texts = ["".join(f"{place * 7919 % 1000}," for place in range(300)) + str(number) for number in range(30)]
    contents = [Content(b"\1" + content({"name": text}), content({"premium": text})) for text in texts]

    stored = versions_of(contents)

    assert [number for number, kept in stored if kept.is_whole] == [1, 9, 17, 25]
    assert WHOLE_EVERY == 8
    assert [now for _, now in read_versions(stored)] == contents
    evaluations = read_evaluations((number, kept.evaluation, kept.is_whole) for number, kept in stored)
    assert [now for _, now in evaluations] == [now.evaluation for now in contents]
    assert [now for _, now in read_versions(stored[8:])] == contents[8:]


def test_a_version_that_has_little_in_common_is_whole() -> None:
    contents = [Content(b"\1" + Random(number).randbytes(4000), b"{}") for number in range(3)]

    assert all(kept.is_whole for _, kept in versions_of(contents))


def test_a_difference_without_the_version_before_is_unreadable() -> None:
    name = Random(1).randbytes(300).hex()
    contents = [Content(b"\1" + content({"name": f"{name}{number}"}), b"{}") for number in range(3)]
    (_, first), (_, second), (third, last) = versions_of(contents)
    assert not second.is_whole and not last.is_whole

    with pytest.raises(UnreadableDocument):
        read_version(second, None)
    with pytest.raises(UnreadableDocument):
        list(read_versions([(1, first), (third, last)]))
