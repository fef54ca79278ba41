-- Adds a session. KEYS[1] the user's sessions, KEYS[2] when they were last seen; ARGV[1] the session's name, [2] what is
-- kept of it, [3] when that was last seen, [4] the second it expires, [5] the present second, [6] how many are kept.

local sessions, seen, now, most = KEYS[1], KEYS[2], tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('HSET', sessions, ARGV[1], ARGV[2])
redis.call('HSET', seen, ARGV[1], ARGV[3])

-- Only where there are too many is it looked at which may go.
if redis.call('HLEN', sessions) > most then
  local kept = {}
  local all = redis.call('HGETALL', sessions)
  for i = 1, #all, 2 do
    local version, expires = string.match(all[i + 1], '^(%d+) %d+ (%d+)')
    if expires and tonumber(expires) > now then
      kept[#kept + 1] = {name = all[i], version = tonumber(version)}
    else
      redis.call('HDEL', sessions, all[i])
      redis.call('HDEL', seen, all[i])
    end
  end
  table.sort(kept, function(a, b) return a.version > b.version end)
  for i = most + 1, #kept do
    redis.call('HDEL', sessions, kept[i].name)
    redis.call('HDEL', seen, kept[i].name)
  end
end

local expires = math.max(tonumber(ARGV[4]), now + math.max(redis.call('TTL', sessions), 0))
redis.call('EXPIREAT', sessions, string.format('%.0f', expires))
redis.call('EXPIREAT', seen, string.format('%.0f', expires))
return redis.status_reply('OK')
