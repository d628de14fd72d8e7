"""The hash chain of a copy's versions: nothing is found in what was not altered, and every tampering is found."""

from __future__ import annotations

import os
from random import Random
from uuid import UUID

import pytest

from copies.chain_check import in_words
from tests.harness.histories import TAMPERINGS, History, make_history, rewrite

IN_FULL = int(os.environ.get("TAMPERINGS", "1000"))


def history_of(seed: int, *, versions: int = 20, copy: int = 7) -> History:
    return make_history(Random(seed), copy_id=UUID(int=copy), versions=versions)


def tamper(seed: int) -> None:
    random = Random(seed)
    history = history_of(seed, versions=random.randrange(3, 24))
    name = list(TAMPERINGS)[seed % len(TAMPERINGS)]

    expected = TAMPERINGS[name](history, random.randrange(1, len(history.rows) + 1), random)

    findings = history.findings(anchored=True)
    assert findings, f"{name} of {seed} was not found"
    assert {found.version for found in findings} & expected, (name, findings)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_in_what_was_not_altered(seed: int) -> None:
    assert history_of(seed).findings(anchored=True) == []


def test_every_tampering_is_found() -> None:
    for seed in range(IN_FULL // 20):
        tamper(seed)


@pytest.mark.slow
def test_every_tampering_of_many_is_found() -> None:
    for seed in range(IN_FULL):
        tamper(seed)


@pytest.mark.parametrize("seed", range(5))
def test_versions_of_another_copy_are_found(seed: int) -> None:
    history, other = history_of(seed), history_of(seed, copy=8)
    history.rows[4:6] = [dict(row, copy_id=UUID(int=7)) for row in other.rows[4:6]]

    assert {found.version for found in history.findings()} >= {5}


def test_only_the_anchor_tells_that_the_end_was_cut() -> None:
    history = history_of(1)

    TAMPERINGS["cut_tail"](history, 15, Random(1))

    assert history.findings() == []
    (found,) = history.findings(anchored=True)
    assert (found.version, found.kind) == (15, "cut")
    assert list(in_words([found])) == ["version 15: cut: Versions 15 to 20 were removed at the end."]


def test_a_fault_is_told_from_what_is_stored_against_it() -> None:
    history = history_of(2)
    assert not history.rows[10]["is_whole"]

    history.rows[10]["document"] = history.rows[10]["document"][:-4]

    found = {finding.version: finding.kind for finding in history.findings()}
    assert found[11] == "unreadable"
    assert set(found.values()) == {"unreadable", "unchecked"}
    assert max(found) < 17


@pytest.mark.parametrize("at", [1, 4, 9, 12, 20])
def test_a_later_version_vouches_for_a_rewriting_by_the_product(at: int) -> None:
    history = history_of(3)
    rewrite(history, at)
    assert history.findings(anchored=True) == []

    history.rows[-1]["amends"] = b""

    assert [found.version for found in history.findings()] == [at, 21]


def test_a_rewriting_twice_is_vouched_for_as_well() -> None:
    history = history_of(3)
    rewrite(history, 4)
    rewrite(history, 4)

    assert history.findings(anchored=True) == []


def test_what_was_rewritten_is_not_altered_unseen() -> None:
    history = history_of(3)
    rewrite(history, 4)

    TAMPERINGS["edit_changes"](history, 4, Random(1))

    assert [found.version for found in history.findings()] == [4]
