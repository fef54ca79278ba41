-- Put before every script of the log: its clock, its head, and how a register is written.
-- KEYS[1] the head (a hash), KEYS[2] the stream, KEYS[3...] registers. ARGV[1] a name for the log, should it be new;
-- ARGV[2] how many seconds a register outlives its expiry.

local NO_MARK = '0000000000000000'
local KEPT = tonumber(ARGV[2])

local time = redis.call('TIME')
local now_secs = tonumber(time[1])
local now_us = now_secs * 1000000 + tonumber(time[2])

-- tostring() would write a version as 1.7e+15.
local function digits(number)
  return string.format('%.0f', number)
end

-- Where the log ends. A log without a head is a new one, whatever else is left of an old one.
local function read_head()
  local found = redis.call('HMGET', KEYS[1], 'incarnation', 'seq', 'mark', 'version')
  if not found[1] then
    found = {ARGV[1], '0', NO_MARK, '0'}
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 'incarnation', found[1], 'seq', found[2], 'mark', found[3], 'version', found[4],
      'born', digits(now_us))
  end
  return {incarnation = found[1], seq = tonumber(found[2]), mark = found[3], version = tonumber(found[4])}
end

-- The version, state and expiry a register's key holds.
local function read_register(key)
  local text = redis.call('GET', key)
  if not text then
    return nil
  end
  local version, state, expires = string.match(text, '^(%d+) ([RL]) (%d+)$')
  return {version = tonumber(version), state = state, expires = tonumber(expires)}
end

-- Writes a register and the entry that tells of it, numbered on from `head`, which it moves and which is to be saved.
local function write(head, key, mark, digest, register)
  local text = digits(register.version) .. ' ' .. register.state .. ' ' .. digits(register.expires)
  head.seq = head.seq + 1
  head.mark = mark
  head.version = math.max(head.version, register.version)
  redis.call('SET', key, text, 'EXAT', digits(math.max(register.expires, now_secs) + KEPT))
  redis.call('XADD', KEYS[2], digits(head.seq) .. '-0', 'r', digest .. ' ' .. text, 'm', mark)
end

-- Keeps where `head` is now.
local function save(head)
  redis.call('HSET', KEYS[1], 'seq', digits(head.seq), 'mark', head.mark, 'version', digits(head.version))
end

-- Takes at most two entries off the stream's old end, if what they tell of has expired: each append adds only one.
local function trim()
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 3)
  local keep_from = nil
  for i = 1, #oldest - 1 do
    local expires = tonumber(string.match(oldest[i][2][2], '(%d+)$'))
    if expires + KEPT >= now_secs then
      break
    end
    keep_from = oldest[i + 1][1]
  end
  if keep_from then
    redis.call('XTRIM', KEYS[2], 'MINID', keep_from)
  end
end
