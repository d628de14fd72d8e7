"""Commands of others that share the round trips of a lock: reads with the one that takes it, errands with the one that
frees it.

While a trip is in use (``SharedTrip.use``), ``ask`` answers from what was read ahead, and ``send`` leaves errands to
the trip. Without one both call Redis at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import structlog
from redis import Redis
from redis.exceptions import RedisError, ResponseError

log = structlog.get_logger(__name__)

#: One command of Redis with its arguments, such as ``("GET", "a key")``.
Command: TypeAlias = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True)
class Errand:
    """Commands of one purpose: ``failed`` gets the error that one of them met, otherwise ``then`` their replies. Both
    run after the round trip; what they raise is logged alone.
    """

    commands: Sequence[Command]
    failed: Callable[[RedisError], object]
    then: Callable[[Sequence[Any]], object] | None = None


class SharedTrip:
    """What goes with one holding of a lock: the replies that came ahead, and the errands that wait for its end."""

    def __init__(self) -> None:
        """Begin without either."""
        #: The replies to reads, as old as the lock.
        self.known: dict[Command, Any] = {}
        self._errands: list[Errand] = []

    @contextmanager
    def use(self) -> Iterator[None]:
        """Let ``ask`` and ``send`` use this trip in the block."""
        mark = _current.set(self)
        try:
            yield
        finally:
            _current.reset(mark)

    def add(self, errand: Errand) -> None:
        """Take ``errand`` along."""
        self._errands.append(errand)

    def take_errands(self) -> list[Errand]:
        """Return the waiting errands, and forget them."""
        errands, self._errands = self._errands, []
        return errands


_current: Final[ContextVar[SharedTrip | None]] = ContextVar("shared_trip", default=None)


def using(trip: SharedTrip | None) -> AbstractContextManager[None]:
    """Return a block that uses ``trip``, if there is one."""
    return trip.use() if trip is not None else nullcontext()


def current_trip() -> SharedTrip | None:
    """Return the trip in use, if any."""
    return _current.get()


def ask(client: Callable[[], Redis], command: Command) -> Any:
    """Return the reply to ``command``: the one that was read ahead, else that of ``client()`` now.

    Raises ``RedisError``.
    """
    trip = _current.get()
    if trip is not None and command in trip.known:
        return trip.known[command]
    return client().execute_command(*command)  # type: ignore[no-untyped-call]


def forget(command: Command) -> None:
    """Let ``ask`` read ``command`` again: what it reads was changed."""
    trip = _current.get()
    if trip is not None:
        trip.known.pop(command, None)


def send(client: Callable[[], Redis], errand: Errand) -> None:
    """Run ``errand`` with the trip in use, else with ``client()`` now. Errors of Redis go to ``errand.failed``."""
    trip = _current.get()
    if trip is not None:
        trip.add(errand)
        return
    run_errands(client, [errand])


def run_errands(client: Callable[[], Redis], errands: Sequence[Errand]) -> None:
    """Run ``errands`` in one round trip of ``client()``. Errors of Redis go to their ``failed``."""
    if not errands:
        return
    try:
        replies = send_together(client(), [command for errand in errands for command in errand.commands])
    except RedisError as error:
        fail_errands(errands, error)
        return
    conclude_errands(errands, replies)


def fail_errands(errands: Sequence[Errand], error: RedisError) -> None:
    """Tell each of ``errands`` that its commands met ``error``."""
    for errand in errands:
        _conclude(errand.failed, error)


def conclude_errands(errands: Sequence[Errand], replies: Sequence[Any]) -> None:
    """Give each of ``errands`` its part of ``replies``, which have the order of their commands."""
    at = 0
    for errand in errands:
        own = replies[at : at + len(errand.commands)]
        at += len(errand.commands)
        error = next((reply for reply in own if isinstance(reply, RedisError)), None)
        if error is not None:
            _conclude(errand.failed, error)
        elif errand.then is not None:
            _conclude(errand.then, own)


def _conclude(end: Callable[[Any], object], found: Any) -> None:
    """Run the end of an errand; it never fails what the errand follows from, nor the errands after it."""
    try:
        end(found)
    except Exception:
        log.exception("errand_failed")


def send_together(client: Redis, commands: Sequence[Command]) -> list[Any]:
    """Return the replies to ``commands`` in one round trip, errors of single ones among them. Raises ``RedisError``
    where there is no reply.
    """
    return _exchange(client, commands) if commands else []


def _exchange(client: Redis, commands: Sequence[Command]) -> list[Any]:
    """Send ``commands`` and read their replies as a pipeline of redis-py does, in two thirds of its time: it prepares
    for transactions and other things that these commands do not need.
    """
    pool = client.connection_pool
    connection: Any = pool.get_connection()
    try:
        replies: list[Any] = connection.retry.call_with_retry(
            lambda: _replies(client, connection, commands), lambda _: connection.disconnect()
        )
    finally:
        pool.release(connection)
    return replies


def _replies(client: Redis, connection: Any, commands: Sequence[Command]) -> list[Any]:
    connection.send_packed_command(connection.pack_commands(commands))
    replies: list[Any] = []
    for name, *_ in commands:
        try:
            reply = connection.read_response()
        except ResponseError as error:
            replies.append(error)
            continue
        read = client.response_callbacks.get(name)  # type: ignore[no-untyped-call]
        replies.append(reply if read is None else read(reply))
    return replies
