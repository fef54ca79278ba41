-- What does the log know of some digests? KEYS[1] the head, KEYS[2...] registers. Returns, of one moment: incarnation
-- (empty if there is no log), and each register's text (empty where there is none).

local found = {}
for i = 2, #KEYS do
  found[i - 1] = redis.call('GET', KEYS[i]) or ''
end
return {redis.call('HGET', KEYS[1], 'incarnation') or '', found}
