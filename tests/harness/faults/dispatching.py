"""Dispatchers that are killed, and those that finish their work."""

from __future__ import annotations

import signal
from typing import Any, Final

import psycopg

from tests.harness.faults.world import World

#: The leases of the dead are over, and what waits for its time is due.
_LET_DUE: Final = """UPDATE actions_outboxaction
  SET leased_until = leased_until - interval '1 min', next_attempt_at = least(next_attempt_at, now())
  WHERE kind LIKE %s"""
_LEFT: Final = "SELECT kind, state, last_error FROM actions_outboxaction WHERE kind LIKE %s"


def kill_at(world: World, work: str, step: tuple[str, int], *, kinds: str, worse: str = "") -> list[str]:
    """Kill the dispatcher ``work`` at ``step``; another one finishes the actions of ``kinds``. Return what is wrong."""
    name, nth = step
    trial = world.fork(work, failpoint=name, nth=nth, worse=worse)
    status = trial.finish()
    wrong = [] if status == -signal.SIGKILL else [f"nobody was killed at {name} {nth}: {trial.reports}"]
    return wrong + finish(world, work, kinds=kinds, worse=worse)


def finish(world: World, work: str, *, kinds: str, worse: str = "") -> list[str]:
    """Dispatch until no action of ``kinds`` is left; return the errors by which dispatchers ended."""
    wrong: list[str] = []
    with world.connect() as connection:
        for _ in range(20):
            connection.execute(_LET_DUE, [kinds])
            reports = world.do(work, worse=worse)
            wrong += [f"a dispatcher ended: {report}" for report in reports if "error" in report]
            if not left(connection, kinds):
                break
    return wrong


def left(connection: psycopg.Connection[Any], kinds: str) -> list[tuple[Any, ...]]:
    """Return the actions of ``kinds`` that are left: their kind, state and last error."""
    return connection.execute(_LEFT, [kinds]).fetchall()
