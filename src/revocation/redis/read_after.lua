-- What comes after a number? ARGV[3] that number, [4] how many entries at most, [5] the server's own name for this run
-- of it, empty if that is not known. Returns, of one moment: incarnation, number and mark of the log's end; the mark at
-- the number asked for, empty if there is no such entry; for how many microseconds there has been this log on this
-- server, and for how many nobody has given anything back to it; the entries.

local head = read_head()

-- Another server, or the same one started again, may lack what the last one had.
if ARGV[5] ~= '' and redis.call('HGET', KEYS[1], 'server') ~= ARGV[5] then
  redis.call('HSET', KEYS[1], 'server', ARGV[5], 'since', digits(now_us))
end

-- A moment kept in the head; one that lies ahead, because the clock went back, is from now on the present.
local function moment(name)
  local at = tonumber(redis.call('HGET', KEYS[1], name) or '0')
  if at > now_us then
    redis.call('HSET', KEYS[1], name, digits(now_us))
    return now_us
  end
  return at
end

local begun = math.max(moment('born'), moment('since'))
local disturbed = math.max(begun, moment('returned'))
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
return {head.incarnation, head.seq, head.mark, anchor, now_us - begun, now_us - disturbed, entries}
