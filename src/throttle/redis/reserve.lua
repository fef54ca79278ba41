-- Counts an attempt as a failure, or says how long it has to wait. KEYS[1] the sources known to the account; then the
-- counters: KEYS[2] account and source, KEYS[3] account, KEYS[4] source (where it has an address). ARGV[1] the present
-- millisecond, if not the server's; [2] the source; [3] the first delay, [4] the longest, [5] after how long a counter is
-- forgotten; [6] [7] [8] the allowances of the counters. As in `rule.rs`.
-- Returns {known, wait, the source's wait}, or {known, and until when each counter is blocked now}.

local first, longest, forget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local until_known = tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or 0)
local known = until_known > now
local counters, wait, source_wait = {}, 0, 0
for i = 2, #KEYS do
  if not (known and i == 3) then
    local debt, last, blocked = 0, 0, 0
    local kept = redis.call('GET', KEYS[i])
    if kept then
      local d, l, b = string.match(kept, '^(%d+) (%d+) (%d+)$')
      if d and math.abs(now - tonumber(l)) < forget then
        debt, last, blocked = tonumber(d), tonumber(l), tonumber(b)
      end
    end
    counters[i] = {debt = debt, last = last}
    local this = math.min(math.max(blocked - now, 0), longest)
    wait = math.max(wait, this)
    if i == 4 then
      source_wait = this
    end
  end
end
if wait > 0 then
  return {known and 1 or 0, wait, source_wait}
end

local blocks = {0, 0, 0}
for i = 2, #KEYS do
  local counter = counters[i]
  if counter then
    local allowance = tonumber(ARGV[4 + i])
    local cost = math.max(math.floor(forget / allowance), 1)
    local debt = math.max(counter.debt - math.max(now - counter.last, 0), 0) + cost
    local beyond = math.ceil(debt / cost) - allowance
    local blocked = 0
    if beyond >= 0 then
      blocked = now + math.min(first * 2 ^ beyond, longest)
    end
    blocks[i - 1] = blocked
    redis.call('SET', KEYS[i], string.format('%.0f %.0f %.0f', debt, now, blocked), 'PX', ARGV[5])
  end
end
return {known and 1 or 0, blocks[1], blocks[2], blocks[3]}
