-- How much waits in the streams of many tenants together.
-- KEYS: pairs of 1 stream, 2 dead letters
-- ARGV: 1 consumer group
-- Reply: {entries, read and not acknowledged, ms since the epoch of the oldest entry (-1: none), dead letters}
-- Invariants: reads only; a stream without the group has nothing pending; cost is four cheap commands a tenant.
local entries, pending, oldest, dead = 0, 0, -1, 0
for i = 1, #KEYS, 2 do
  local depth = redis.call('XLEN', KEYS[i])
  dead = dead + redis.call('XLEN', KEYS[i + 1])
  if depth > 0 then
    entries = entries + depth
    local summary = redis.pcall('XPENDING', KEYS[i], ARGV[1])
    if not summary.err then pending = pending + summary[1] end
    local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1][1]
    local at = tonumber(string.match(first, '^%d+'))
    if oldest < 0 or at < oldest then oldest = at end
  end
end
return {entries, pending, oldest, dead}
