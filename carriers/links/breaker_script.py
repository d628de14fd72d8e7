"""The breaker of a carrier for the whole fleet: the rules of ``breaker_rules`` as Lua scripts, one call per permit and
one per result. Times are Redis's own, in microseconds.

KEYS: state (hash), calls in flight (sorted set: permit -> start).
"""

from __future__ import annotations

from typing import Final

from redis_locks.lua_scripts import LockScript, script_of

#: How long an unused state is stored, in milliseconds.
STORED: Final = 24 * 3_600 * 1_000
_CLOCK: Final = """
local time = redis.call('time')
local now = time[1] * 1000000 + time[2]
"""
_READ: Final = """
local names = {'failures', 'succeeded_at', 'open_until', 'probe', 'full_at', 'paused_until', 'advised'}
local stored = redis.call('hmget', KEYS[1], unpack(names))
local state = {}
for place, name in ipairs(names) do
    state[name] = stored[place] or ''
    if name ~= 'probe' then state[name] = tonumber(stored[place] or 0) end
end
local function write(...)
    local fields = {}
    for _, name in ipairs({...}) do
        local value = state[name]
        if name ~= 'probe' then value = string.format('%.0f', value) end
        fields[#fields + 1] = name
        fields[#fields + 1] = value
    end
    redis.call('hset', KEYS[1], unpack(fields))
    redis.call('pexpire', KEYS[1], {stored})
    redis.call('pexpire', KEYS[2], {stored})
end
""".replace("{stored}", str(STORED))

# ARGV: permit, interval, burst, most in flight, lease, failures, open, longest advice, short wait, probe wait
# Returns {verdict, advised wait, whether expired permits opened the circuit}.
TAKE: Final[LockScript] = script_of(
    _CLOCK
    + _READ
    + """
local interval, lease, failures = tonumber(ARGV[2]), tonumber(ARGV[5]), tonumber(ARGV[6])
local opened = 0
local gone = redis.call('zrangebyscore', KEYS[2], '-inf', string.format('%.0f', now - lease), 'withscores')
for place = 1, #gone, 2 do
    redis.call('zrem', KEYS[2], gone[place])
    if tonumber(gone[place + 1]) >= state.succeeded_at then state.failures = state.failures + 1 end
    if state.probe == gone[place] then state.probe = '' end
end
if state.open_until == 0 and state.failures >= failures then
    state.open_until = now + ARGV[7]
    opened = 1
end
local allowance = (ARGV[3] - 1) * interval
local since = string.format('%.0f', state.succeeded_at)
local undecided = state.failures + redis.call('zcount', KEYS[2], since, '+inf')
local verdict, earliest = 0, 0
if now < state.open_until then
    verdict, earliest = 1, state.open_until
elseif state.probe ~= '' then
    verdict, earliest = 1, now + ARGV[10]
elseif now < state.paused_until then
    verdict, earliest = 2, state.paused_until
elseif redis.call('zcard', KEYS[2]) >= tonumber(ARGV[4]) then
    verdict, earliest = 3, now + ARGV[9]
elseif state.open_until == 0 and undecided >= failures then
    verdict, earliest = 4, now + ARGV[9]
elseif state.full_at - now > allowance then
    verdict, earliest = 5, state.full_at - allowance
end
if verdict ~= 0 then
    state.advised = math.max(earliest, math.min(state.advised + interval, now + ARGV[8]))
    write('failures', 'open_until', 'probe', 'advised')
    return {verdict, state.advised - now, opened}
end
state.full_at = math.max(state.full_at, now) + interval
redis.call('zadd', KEYS[2], string.format('%.0f', now), ARGV[1])
if state.open_until > 0 then state.probe = ARGV[1] end
write('failures', 'open_until', 'probe', 'full_at')
return {0, 0, opened}
"""
)

# ARGV: permit, result (0 success, 1 failure, 2 unsent), pause, allowance of the pace, failures, open
# Returns 0 for no change, 1 if the circuit opened, 2 if it closed.
FINISH: Final[LockScript] = script_of(
    _CLOCK
    + _READ
    + """
local is_ours = redis.call('zrem', KEYS[2], ARGV[1]) == 1
if tonumber(ARGV[3]) > 0 then state.paused_until = math.max(state.paused_until, now + ARGV[3]) end
local is_probe = ARGV[1] ~= '' and state.probe == ARGV[1]
if is_probe then state.probe = '' end
local was_open, change = state.open_until > 0, 0
if not was_open or is_probe then
    if ARGV[2] == '0' then
        state.open_until, state.failures, state.succeeded_at = 0, 0, now
        if was_open then
            change = 2
            state.full_at = math.max(state.full_at, now + ARGV[4])
        end
    elseif ARGV[2] == '1' and is_ours then
        if not was_open then state.failures = state.failures + 1 end
        if was_open or state.failures >= tonumber(ARGV[5]) then
            state.open_until = now + ARGV[6]
            if not was_open then change = 1 end
        end
    end
end
write('failures', 'succeeded_at', 'open_until', 'probe', 'full_at', 'paused_until')
return change
"""
)
