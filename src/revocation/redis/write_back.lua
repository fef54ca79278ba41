-- Joins registers with what the log has of them, and writes those that say more. KEYS[3...] their keys; from ARGV[3]
-- on, for each: a mark, its digest, its version, its state, the second it expires. Returns the mark of
-- the last it wrote, empty if it wrote none.

local head = read_head()
local last = ''
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 5
  local mark, digest = ARGV[at], ARGV[at + 1]
  local joined = {version = tonumber(ARGV[at + 2]), state = ARGV[at + 3], expires = tonumber(ARGV[at + 4])}
  local known = read_register(KEYS[i])
  local says_more = true
  if known then
    local ours_wins = joined.version > known.version
      or (joined.version == known.version and joined.state == 'R' and known.state == 'L')
    says_more = ours_wins or joined.expires > known.expires
    if not ours_wins then
      joined.version, joined.state = known.version, known.state
    end
    joined.expires = math.max(joined.expires, known.expires)
  end
  if says_more then
    write(head, KEYS[i], mark, digest, joined)
    last = mark
  end
end
if last ~= '' then
  save(head)
  redis.call('HSET', KEYS[1], 'returned', digits(now_us))
end
return last
