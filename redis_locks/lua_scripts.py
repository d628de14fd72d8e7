"""The Lua scripts of locks, run by their digest, in one round trip for any number of calls.

Release and extension are redis-py's own scripts; ``TAKE`` makes the lock fair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from redis import Redis
from redis.exceptions import NoScriptError, RedisError
from redis.lock import Lock

from redis_locks.shared_trip import Command, send_together

Argument = str | bytes | int
#: One call of a script: its keys and its arguments.
Call = tuple[Sequence[str], Sequence[Argument]]
#: Calls of one run of a script for many: Redis does nothing else meanwhile.
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class LockScript:
    """A script and its SHA-1 digest."""

    text: str
    digest: str


def script_of(text: str) -> LockScript:
    """Return the script with this text."""
    return LockScript(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


#: KEYS: the lock. ARGV: the token. Returns 1 when freed, 0 if it belongs to another.
RELEASE: Final = script_of(Lock.LUA_RELEASE_SCRIPT)
#: KEYS: the lock. ARGV: the token, the new time to live in ms. Returns 1 when extended, 0 if it belongs to another.
EXTEND: Final = script_of(Lock.LUA_REACQUIRE_SCRIPT)

# KEYS: lock, queue (waiter -> its number), seen (waiter -> time of its last poll)
# ARGV: the waiter, ttl in ms, the holder's opening, patience in ms, "1" to join the queue
# Returns {0, own token} when taken, else {place in the queue from 1, the present holder's token or ''}.
TAKE: Final = script_of("""
local current = redis.call('get', KEYS[1])
-- An earlier attempt took it, and its answer was lost on the way.
if current and string.sub(current, 1, #ARGV[1]) == ARGV[1] then
    return {0, current}
end
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('zrange', KEYS[2], 0, 0)[1]
if first then
    redis.call('zadd', KEYS[3], 'xx', now, ARGV[1])
    local gone = redis.call('zrangebyscore', KEYS[3], '-inf', now - ARGV[4])
    for _, waiter in ipairs(gone) do
        redis.call('zrem', KEYS[2], waiter)
        redis.call('zrem', KEYS[3], waiter)
    end
    first = redis.call('zrange', KEYS[2], 0, 0)[1]
end
if not current and (not first or first == ARGV[1]) then
    local token = ARGV[1] .. ARGV[3] .. string.format('%.0f', now) .. '}'
    redis.call('set', KEYS[1], token, 'px', ARGV[2])
    if first then
        redis.call('zrem', KEYS[2], ARGV[1])
        redis.call('zrem', KEYS[3], ARGV[1])
    end
    return {0, token}
end
if ARGV[5] ~= '1' then
    return {redis.call('zcard', KEYS[2]) + 1, current or ''}
end
local place = redis.call('zrank', KEYS[2], ARGV[1])
if not place then
    local last = redis.call('zrange', KEYS[2], -1, -1, 'withscores')
    redis.call('zadd', KEYS[2], (last[2] or 0) + 1, ARGV[1])
    redis.call('zadd', KEYS[3], now, ARGV[1])
    place = redis.call('zcard', KEYS[2]) - 1
end
redis.call('pexpire', KEYS[2], 2 * ARGV[4])
redis.call('pexpire', KEYS[3], 2 * ARGV[4])
return {place + 1, current or ''}
""")


def run_script(client: Redis, script: LockScript, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
    """Run ``script`` once; a second round trip only if the server does not have it. Raises ``RedisError``."""
    try:
        return client.evalsha(script.digest, len(keys), *keys, *arguments)
    except NoScriptError:
        client.script_load(script.text)
        return client.evalsha(script.digest, len(keys), *keys, *arguments)


def run_script_with(
    client: Redis,
    script: LockScript,
    keys: Sequence[str],
    arguments: Sequence[Argument],
    *,
    before: Sequence[Command] = (),
    after: Sequence[Command] = (),
) -> tuple[Any, list[Any]]:
    """Run ``script`` once between other commands, all in one round trip; return its result, which can be a
    ``RedisError``, and the replies to the others with their errors. Raises ``RedisError`` where no reply comes.
    """
    call: Command = ("EVALSHA", script.digest, len(keys), *keys, *arguments)
    replies = send_together(client, [*before, call, *after])
    result = replies.pop(len(before))
    if isinstance(result, NoScriptError):
        result = run_script(client, script, keys, arguments)
        # What came after the script came before this call of it.
        replies = [*replies[: len(before)], *(NoScriptError(script.digest) for _ in after)]
    return result, replies


def run_script_for_all(
    client: Redis, script: LockScript, calls: Sequence[Call], *, shared: Sequence[Argument] = ()
) -> list[Any]:
    """Run ``script`` once for each of ``calls``, which have equally many keys and arguments, in one round trip; return
    the results. ``shared`` are the arguments of all calls, after their own. Raises ``RedisError``.
    """
    if not calls:
        return []
    batches = [calls[first : first + _AT_ONCE] for first in range(0, len(calls), _AT_ONCE)]
    many = _for_many(script)
    answers = _send(client, many, batches, shared)
    unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        client.script_load(many.text)
        again = _send(client, many, [batches[number] for number in unknown], shared)
        for number, answer in zip(unknown, again, strict=True):
            answers[number] = answer
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer
    return [result for results in answers for result in results]


@cache
def _for_many(script: LockScript) -> LockScript:
    """Return a script that runs ``script`` for many calls.

    KEYS: those of all calls. ARGV: the number of keys of a call and of arguments of its own, the number of shared
    arguments, these, and then the arguments of all calls. Returns the results in the order of the calls.
    """
    return script_of(f"""
local function run(KEYS, ARGV)
{script.text}
end
local width, own, shared = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local results = {{}}
for call = 0, #KEYS / width - 1 do
    local keys, arguments = {{}}, {{}}
    for number = 1, width do keys[number] = KEYS[call * width + number] end
    for number = 1, own do arguments[number] = ARGV[3 + shared + call * own + number] end
    for number = 1, shared do arguments[own + number] = ARGV[3 + number] end
    results[call + 1] = run(keys, arguments)
end
return results
""")


def _send(client: Redis, many: LockScript, batches: Sequence[Sequence[Call]], shared: Sequence[Argument]) -> list[Any]:
    with client.pipeline(transaction=False) as pipeline:
        for calls in batches:
            keys = [key for call_keys, _ in calls for key in call_keys]
            own = [argument for _, arguments in calls for argument in arguments]
            sizes = len(calls[0][0]), len(calls[0][1]), len(shared)
            pipeline.evalsha(many.digest, len(keys), *keys, *sizes, *shared, *own)
        return list(pipeline.execute(raise_on_error=False))
