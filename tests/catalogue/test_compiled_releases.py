"""Compiled releases: each is compiled once, and no release waits for another one's compiler."""

from __future__ import annotations

import threading

import pytest

from catalogue.compiled_releases import CompiledReleases
from tests.harness.tiers import PATIENCE


def test_a_release_is_not_held_up_by_another_one_that_is_compiled() -> None:
    may_end, has_begun = threading.Event(), threading.Event()

    def compile_release(release_id: int) -> str:
        if release_id == 1:
            has_begun.set()
            assert may_end.wait(PATIENCE)
        return f"release {release_id}"

    known = CompiledReleases(compile_release, most=4)
    slow = threading.Thread(target=known.get, args=(1,))
    slow.start()
    assert has_begun.wait(PATIENCE)

    assert known.get(2) == "release 2"

    may_end.set()
    slow.join(PATIENCE)
    assert known.get(1) == "release 1"


def test_many_threads_compile_a_release_once() -> None:
    compiled: list[int] = []
    ready = threading.Barrier(8)

    def compile_release(release_id: int) -> object:
        compiled.append(release_id)
        return object()

    known = CompiledReleases(compile_release, most=4)
    found: list[object] = []

    def get() -> None:
        ready.wait(PATIENCE)
        found.append(known.get(5))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert compiled == [5]
    assert len(found) == 8 and len(set(map(id, found))) == 1


def test_the_release_used_longest_ago_is_dropped_and_a_failed_one_is_tried_again() -> None:
    calls: list[int] = []

    def compile_release(release_id: int) -> int:
        calls.append(release_id)
        if len(calls) == 1:
            raise LookupError
        return release_id

    known = CompiledReleases(compile_release, most=2)
    with pytest.raises(LookupError):
        known.get(1)
    assert [known.get(number) for number in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert calls == [1, 1, 2, 3, 2]
