"""Programs that run long collect garbage rarely, from their start on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from actions.management.commands import relay
from catalogue import publish_notices
from garbage import NEW_OBJECTS, collect_rarely
from partner_engine import celery

USUAL = 700


@pytest.fixture(autouse=True)
def usual_collection() -> Iterator[None]:
    """Let the process begin as Python does."""
    before = gc.get_threshold()
    gc.set_threshold(USUAL)
    yield
    gc.set_threshold(*before)


def test_what_is_loaded_is_left_out_and_looks_are_rare() -> None:
    before = gc.get_freeze_count()
    loaded = [[number] for number in range(1_000)]

    collect_rarely()

    assert gc.get_threshold()[0] == NEW_OBJECTS
    assert gc.get_freeze_count() >= before + len(loaded)
    assert gc.isenabled()


def test_a_relay_begins_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(relay, "poll_until", lambda *_, **__: seen.append(gc.get_threshold()[0]))
    monkeypatch.setattr("signal.signal", lambda *_: None)

    call_command("relay", skip_checks=True)

    assert seen == [NEW_OBJECTS]


def test_a_worker_begins_so(monkeypatch: pytest.MonkeyPatch) -> None:
    listened: list[Any] = []
    monkeypatch.setattr(publish_notices, "listen_for_releases", lambda: listened.append(True))

    celery.begin_process()

    assert (listened, gc.get_threshold()[0]) == ([True], NEW_OBJECTS)
