-- Notes when sessions were last seen, those that are still there. KEYS in pairs: the user's sessions, and when they
-- were seen; ARGV in pairs: the session's name, and the second.

for i = 1, #KEYS, 2 do
  local name, at = ARGV[i], ARGV[i + 1]
  if redis.call('HEXISTS', KEYS[i], name) == 1 then
    local known = redis.call('HGET', KEYS[i + 1], name)
    if not known or tonumber(known) < tonumber(at) then
      redis.call('HSET', KEYS[i + 1], name, at)
      local ttl = redis.call('TTL', KEYS[i])
      if ttl > 0 then
        redis.call('EXPIRE', KEYS[i + 1], ttl)
      end
    end
  end
end
return redis.status_reply('OK')
