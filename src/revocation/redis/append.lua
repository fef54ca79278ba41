-- Writes one register. KEYS[3] its key; ARGV[3] a version it must exceed, [4] a mark, [5] its digest, [6] its state,
-- [7] the second it expires. Returns it as text, and the mark.

local head = read_head()
local known = read_register(KEYS[3])
local version = math.max(now_us, head.version + 1, tonumber(ARGV[3]) + 1)
local expires = tonumber(ARGV[7])
if known then
  version = math.max(version, known.version + 1)
  expires = math.max(expires, known.expires)
end
write(head, KEYS[3], ARGV[4], ARGV[5], {version = version, state = ARGV[6], expires = expires})
save(head)
trim()
return {ARGV[5] .. ' ' .. digits(version) .. ' ' .. ARGV[6] .. ' ' .. digits(expires), ARGV[4]}
