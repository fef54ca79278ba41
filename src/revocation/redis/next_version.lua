-- Gives out the next version of the log's sequence. ARGV[3] a version it must exceed. Returns it as text.

local head = read_head()
local version = digits(math.max(now_us, head.version + 1, tonumber(ARGV[3]) + 1))
redis.call('HSET', KEYS[1], 'version', version)
return version
