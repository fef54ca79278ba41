-- What comes after a number? ARGV[3] that number, [4] how many entries at most. Returns, of one moment: incarnation,
-- number and mark of the log's end; the mark at the number asked for, empty if there is no such entry; the log's age
-- in microseconds; the entries.

local head = read_head()
local after = tonumber(ARGV[3])
local anchor = ''
local entries = {}
if after == head.seq then
  anchor = head.mark
elseif after < head.seq then
  if after == 0 then
    anchor = NO_MARK
  else
    local id = digits(after) .. '-0'
    local found = redis.call('XRANGE', KEYS[2], id, id)
    if found[1] then
      anchor = found[1][2][4]
    end
  end
  if tonumber(ARGV[4]) > 0 then
    entries = redis.call('XRANGE', KEYS[2], digits(after + 1) .. '-0', '+', 'COUNT', ARGV[4])
  end
end
return {head.incarnation, head.seq, head.mark, anchor, now_us - head.born, entries}
