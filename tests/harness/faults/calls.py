"""Counts a process's calls to PostgreSQL and Redis and lets one of them fail: before it is sent, or after it has
worked.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final
from unittest.mock import patch

import psycopg
import redis
from redis.client import Pipeline

from redis_locks import shared_trip

MODES: Final = ("raise before", "raise after", "kill before", "kill after")


class Calls:
    """Fails the call number ``failing`` (from 1, 0 for none) in one of ``MODES``; ``made`` names those made."""

    def __init__(self, *, failing: int, mode: str) -> None:
        """Start counting."""
        self.made: list[str] = []
        self._failing = failing
        self._how, self._when = mode.split()

    def wrap(self, name: str, call: Callable[..., Any], *, fail: Callable[[Any], None]) -> Callable[..., Any]:
        """Return ``call``, counted; ``fail`` gets its first argument and raises as a lost connection would."""

        @wraps(call)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.made.append(name)
            is_failing = len(self.made) == self._failing
            if is_failing and self._when == "before":
                self._strike(fail, arguments)
            result = call(*arguments, **named)
            if is_failing and self._when == "after":
                self._strike(fail, arguments)
            return result

        return counted

    def _strike(self, fail: Callable[[Any], None], arguments: tuple[Any, ...]) -> None:
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        fail(arguments[0])


@contextmanager
def failing_call(number: int, mode: str) -> Iterator[Calls]:
    """Let the call ``number`` of the block fail in ``mode``. Every exchange of psycopg goes through ``wait``."""
    calls = Calls(failing=number, mode=mode)
    with (
        patch.object(psycopg.Connection, "wait", calls.wrap("postgresql", psycopg.Connection.wait, fail=_lose)),
        patch.object(redis.Redis, "execute_command", calls.wrap("redis", redis.Redis.execute_command, fail=_refuse)),
        patch.object(Pipeline, "execute", calls.wrap("redis", Pipeline.execute, fail=_refuse)),
        patch.object(shared_trip, "_exchange", calls.wrap("redis", shared_trip._exchange, fail=_refuse)),
    ):
        yield calls


def _lose(connection: psycopg.Connection[Any]) -> None:
    connection.close()
    raise psycopg.OperationalError("the connection was lost on purpose")


def _refuse(client: redis.Redis) -> None:
    raise redis.ConnectionError("the connection was lost on purpose")
