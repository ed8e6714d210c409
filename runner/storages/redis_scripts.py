"""The steps on a Redis server that must be one: Lua, which the server runs without anything in between.

What is kept, under names that begin with the storage's prefix:

    PREFIX:store         hash: `format`, and `clock`, the last time given out
    PREFIX:chats         sorted set: every chat's key by the time of its last write, in microseconds
    PREFIX:writes        hash: chat key -> the random words, of 16 letters, of the log's first and its last eight writes
    PREFIX:log:KEY       list: the entries, each its content and its meta with a NUL between
    PREFIX:leases        hash: key -> epoch, owner, counter, since, process, each on its own line
    PREFIX:shared        hash: key -> version, a blank, the text

The first write's word tells a log from its replacement. By the last ones a write that is asked for again, because its
reply was lost, is known to have been made.

Times come from the server and only grow, whatever its clock does; epochs are such times. Nothing expires, so a server
that evicts only what may expire evicts nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = b"1"


class Script:
    """A script, and the name by which a server that has seen it knows it."""

    def __init__(self, *parts: str) -> None:
        self.text = "".join(parts).encode()
        self.digest = sha1(self.text).hexdigest().encode()  # noqa: S324 - how Redis names scripts, not a secret

    def call(self, keys: Sequence[bytes], *arguments: bytes) -> ScriptCall:
        """The command that runs it on these keys, for stored data of our format."""
        return ScriptCall(self, (b"%d" % len(keys), *keys, FORMAT, *arguments))


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script with its keys and arguments."""

    script: Script
    words: tuple[bytes, ...]

    @property
    def short(self) -> tuple[bytes, ...]:
        """The command for a server that has seen the script."""
        return (b"EVALSHA", self.script.digest, *self.words)

    @property
    def whole(self) -> tuple[bytes, ...]:
        """The command for one that has not."""
        return (b"EVAL", self.script.text, *self.words)


Command: TypeAlias = tuple[bytes, ...] | ScriptCall


_GUARD = """
local format = redis.call('HGET', KEYS[1], 'format')
if format and format ~= ARGV[1] then return {'format', format} end
"""

_TICK = """
local function tick()
  local now = redis.call('TIME')
  local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
  local last = tonumber(redis.call('HGET', KEYS[1], 'clock') or '0')
  if time <= last then time = last + 1 end
  local text = string.format('%.0f', time)
  redis.call('HSET', KEYS[1], 'clock', text, 'format', ARGV[1])
  return text
end
"""

WRITE = Script(
    _GUARD,
    _TICK,
    """
-- KEYS: store, chats, writes, leases, log
-- ARGV: format, key, lease held ('' for none), length expected ('' for any), 'replace', 'free' or '', its word,
-- entries...
local words = redis.call('HGET', KEYS[3], ARGV[2])
if words and string.find(words, ARGV[6], 1, true) then return {'ok'} end
if ARGV[3] ~= '' then
  local lease = redis.call('HGET', KEYS[4], ARGV[2])
  if not lease or string.sub(lease, 1, #ARGV[3]) ~= ARGV[3] then return {'lease'} end
end
local length = redis.call('LLEN', KEYS[5])
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= length then return {'length', length} end
redis.call('ZSCORE', KEYS[2], ARGV[2])
-- from here on nothing can fail half-way: every key is of its type, and the first command asks for memory
local time = #ARGV > 6 and tick()
if ARGV[5] == 'replace' then
  redis.call('DEL', KEYS[5])
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
  length = 0
end
if time then
  for first = 7, #ARGV, 1000 do
    redis.call('RPUSH', KEYS[5], unpack(ARGV, first, math.min(first + 999, #ARGV)))
  end
  if length == 0 or not words then words = ARGV[6] end
  words = string.sub(words, 1, 16) .. string.sub(string.sub(words, 17) .. ARGV[6], -128)
  redis.call('HSET', KEYS[3], ARGV[2], words)
  redis.call('ZADD', KEYS[2], time, ARGV[2])
end
if ARGV[5] == 'free' then redis.call('HDEL', KEYS[4], ARGV[2]) end
return {'ok'}
""",
)

TAKE = Script(
    _GUARD,
    _TICK,
    """
-- KEYS: store, leases, writes
-- ARGV: format, key, owner, beginning of the lease that may be replaced ('' for none), the rest of the new lease
local lease = redis.call('HGET', KEYS[2], ARGV[2])
local owner = lease and string.match(lease, '^%d+\\n([^\\n]*)\\n')
local replaced = lease and ARGV[4] ~= '' and string.sub(lease, 1, #ARGV[4]) == ARGV[4]
if lease and owner ~= ARGV[3] and not replaced then return {'held', lease} end
if owner ~= ARGV[3] then
  lease = tick() .. '\\n' .. ARGV[3] .. '\\n0\\n' .. ARGV[5]
  redis.call('HSET', KEYS[2], ARGV[2], lease)
end
local words = redis.call('HGET', KEYS[3], ARGV[2])
if not words then return {'held', lease} end
-- a server that was started again, or replaced, may have lost the last entries of a log: to us it is another log
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)')
if not run then return {'held', lease} end
return {'held', lease, run .. string.sub(words, 1, 16)}
""",
)

RENEW = Script(
    _GUARD,
    """
-- KEYS: store, leases; ARGV: format, key, lease held
local lease = redis.call('HGET', KEYS[2], ARGV[2])
if not lease or string.sub(lease, 1, #ARGV[3]) ~= ARGV[3] then return {'no'} end
local counter, rest = string.match(string.sub(lease, #ARGV[3] + 1), '^(%d+)(.*)$')
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. string.format('%.0f', tonumber(counter) + 1) .. rest)
return {'ok'}
""",
)

DROP = Script(
    _GUARD,
    """
-- KEYS: store, leases; ARGV: format, key, owner
local lease = redis.call('HGET', KEYS[2], ARGV[2])
if not lease or string.match(lease, '^%d+\\n([^\\n]*)\\n') ~= ARGV[3] then return {'no'} end
redis.call('HDEL', KEYS[2], ARGV[2])
return {'ok'}
""",
)

DROP_UNCHANGED = Script(
    _GUARD,
    """
-- KEYS: store, leases; ARGV: format, beginning of the lease
local leases = redis.call('HGETALL', KEYS[2])
for index = 1, #leases, 2 do
  if string.sub(leases[index + 1], 1, #ARGV[2]) == ARGV[2] then redis.call('HDEL', KEYS[2], leases[index]) end
end
return {'ok'}
""",
)

PUT_IF = Script(
    _GUARD,
    """
-- KEYS: store, shared; ARGV: format, key, version expected ('' for none), the value ('' deletes)
local value = redis.call('HGET', KEYS[2], ARGV[2])
local version = value and string.match(value, '^%w+') or ''
if version ~= ARGV[3] then return {'no'} end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
  redis.call('HSET', KEYS[1], 'format', ARGV[1])
end
return {'ok'}
""",
)
