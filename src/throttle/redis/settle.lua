-- Takes back an attempt that was no failure. KEYS as for `reserve.lua`. ARGV[1] the present millisecond, if not the
-- server's; [2] the source; [3] 'proven' or 'unasked'; [4] '1' if the source was known; [5] [6] [7] what a failure costs
-- each counter; [8] [9] [10] the blocks that the attempt had set; [11] for how long a source stays known, [12] how many
-- are.

for i = 2, #KEYS do
  local kept = redis.call('GET', KEYS[i])
  if kept and not (i == 3 and ARGV[4] == '1') then
    local debt, last, blocked = string.match(kept, '^(%d+) (%d+) (%d+)$')
    debt = math.max(tonumber(debt or 0) - tonumber(ARGV[3 + i]), 0)
    if debt == 0 or (i == 2 and ARGV[3] == 'proven') then
      redis.call('DEL', KEYS[i])
    else
      if blocked == ARGV[6 + i] then
        blocked = '0'
      end
      redis.call('SET', KEYS[i], string.format('%.0f %s %s', debt, last, blocked), 'KEEPTTL')
    end
  end
end
if ARGV[3] ~= 'proven' then
  return redis.status_reply('OK')
end

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local known, lasts, most = KEYS[1], tonumber(ARGV[11]), tonumber(ARGV[12])
redis.call('HSET', known, ARGV[2], string.format('%.0f', now + lasts))
redis.call('EXPIRE', known, string.format('%.0f', math.ceil(lasts / 1000)))

-- Only where there are too many is it looked at which may go.
if redis.call('HLEN', known) > most then
  local all, sources = redis.call('HGETALL', known), {}
  for i = 1, #all, 2 do
    sources[#sources + 1] = {name = all[i], last = tonumber(all[i + 1])}
  end
  table.sort(sources, function(a, b) return a.last > b.last end)
  for i = most + 1, #sources do
    redis.call('HDEL', known, sources[i].name)
  end
end
return redis.status_reply('OK')
