"""The counts of rate limits in Redis: several are checked and taken by one script in one round trip.

A count is a string: the total (4 bytes), then entries of the time of the latest use in ms (8 bytes) and the number of
uses (4 bytes), oldest first, by the rule of ``tenants.limits.sliding_log``. A string costs one read and one write per
check, where a list or sorted set costs one call per entry (docs/adr/0039). Connections are used without redis-py's
client, whose layers cost more time than the script.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

from django_redis import get_redis_connection
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from redis_locks.lua_scripts import LockScript, script_of
from tenants.limits.sliding_log import SLOTS, Count

#: Connections that a process keeps open for its next checks.
MOST_IDLE: Final = 50

# KEYS: the counts. ARGV: for each its amount, limit and window in ms; then the time in ms, "" for the server's.
# Returns for each what remains, or the negative wait in ms; nothing is added if one of them has to wait.
TAKE: Final = script_of(f"""
local now = tonumber(ARGV[#ARGV])
if not now then
    local time = redis.call('time')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local unpack_entry, result, fits = struct.unpack, {{}}, true
local logs, totals, starts = redis.call('mget', unpack(KEYS)), {{}}, {{}}
for i = 1, #KEYS do
    local amount, limit, window = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    local log, total, start = logs[i], 0, 5
    if log then
        total = unpack_entry('<I4', log)
        while start <= #log do
            local at, number = unpack_entry('<dI4', log, start)
            if at > now - window then
                break
            end
            total = total - number
            start = start + 12
        end
    end
    local excess = total + amount - limit
    if excess > 0 then
        fits = false
        local wait, position = window, start
        while log and position <= #log do
            local at, number = unpack_entry('<dI4', log, position)
            excess = excess - number
            if excess <= 0 then
                wait = at + window - now
                break
            end
            position = position + 12
        end
        result[i] = -wait
    else
        result[i] = -excess
    end
    totals[i], starts[i] = total + amount, start
end
if fits then
    for i = 1, #KEYS do
        local log, start, window = logs[i], starts[i], tonumber(ARGV[3 * i])
        local number, last = tonumber(ARGV[3 * i - 2]), ''
        if log and start <= #log then
            local slot = math.max(math.floor(window / {SLOTS}), 1)
            local at, latest = unpack_entry('<dI4', log, #log - 11)
            if math.floor(at / slot) == math.floor(now / slot) then
                number = number + latest
                last = string.sub(log, start, -13)
            else
                last = string.sub(log, start)
            end
        end
        local content = struct.pack('<I4', totals[i]) .. last .. struct.pack('<dI4', now, number)
        redis.call('set', KEYS[i], content, 'px', window)
    end
end
return result
""")

# KEYS: the counts. ARGV: the amount to give back to each.
GIVE_BACK: Final = script_of("""
for i = 1, #KEYS do
    local log, left = redis.call('get', KEYS[i]), tonumber(ARGV[i])
    if log then
        local total = struct.unpack('<I4', log)
        local stop, tail = #log, ''
        while left > 0 and stop > 4 do
            local at, number = struct.unpack('<dI4', log, stop - 11)
            local removed = math.min(number, left)
            left, total, stop = left - removed, total - removed, stop - 12
            if number > removed then
                tail = struct.pack('<dI4', at, number - removed)
            end
        end
        local entries = string.sub(log, 5, stop) .. tail
        if entries == '' then
            redis.call('del', KEYS[i])
        else
            redis.call('set', KEYS[i], struct.pack('<I4', total) .. entries, 'keepttl')
        end
    end
end
return 1
""")


def take(counts: Sequence[Count], *, now: int | None = None) -> list[int]:
    """Add all ``counts`` or none; return for each what remains, or the negative wait in ms.

    ``now`` in ms replaces the server's clock in tests. Raises ``RedisError``.
    """
    arguments = [argument for count in counts for argument in count[1:]]
    response: list[int] = _run(TAKE, [count.key for count in counts], [*arguments, "" if now is None else now])
    return response


def give_back(counts: Sequence[Count]) -> None:
    """Remove the latest uses of each of ``counts``, as many as its amount. Raises ``RedisError``."""
    _run(GIVE_BACK, [count.key for count in counts], [count.amount for count in counts])


def clear(keys: Sequence[str]) -> None:
    """Reset the counts with these keys. Raises ``RedisError``."""
    get_redis_connection("default").delete(*keys)


class _Idle:
    """The idle connections of this process, the latest used first; a fork begins without them."""

    connections: ClassVar[deque[Connection]] = deque()
    process: ClassVar[int] = 0


def _run(script: LockScript, keys: Sequence[str], arguments: Sequence[int | str]) -> Any:
    command = _packed("EVALSHA", script.digest, len(keys), *keys, *arguments)
    if _Idle.process != os.getpid():
        _Idle.connections, _Idle.process = deque(), os.getpid()
    with suppress(IndexError, RedisConnectionError):
        # Without an idle connection, or with one that the server closed meanwhile, a new one is opened below.
        return _call(_Idle.connections.pop(), command, script)
    return _call(_connect(), command, script)


def _call(connection: Connection, command: bytes, script: LockScript) -> Any:
    """Send ``command`` and return the response; the connection is idle again afterwards, closed after a failure."""
    try:
        try:
            response = _exchange(connection, command)
        except NoScriptError:
            _exchange(connection, _packed("SCRIPT", "LOAD", script.text))
            response = _exchange(connection, command)
    except BaseException:
        # Also an interrupted read: the next caller must not receive this response.
        connection.disconnect()
        raise
    if len(_Idle.connections) < MOST_IDLE:
        _Idle.connections.append(connection)
    else:
        connection.disconnect()
    return response


def _exchange(connection: Connection, command: bytes) -> Any:
    connection.send_packed_command([command], check_health=False)
    return connection.read_response()


def _connect() -> Connection:
    """Return a new connection with the settings of the cache. Raises ``RedisError``."""
    connection: Connection = get_redis_connection("default").connection_pool.make_connection()
    connection.connect()
    return connection


def _packed(*parts: str | int) -> bytes:
    """Return a command in the protocol of Redis; all parts are ASCII."""
    texts = [str(part) for part in parts]
    return "\r\n".join([f"*{len(texts)}", *[f"${len(text)}\r\n{text}" for text in texts], ""]).encode("ascii")


__all__ = ["Count", "RedisError", "clear", "give_back", "take"]
