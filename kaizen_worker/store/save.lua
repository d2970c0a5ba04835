-- Stores one object if it still is what the writer read, and counts what that changes, in one step.
-- KEYS: 1 objects (hash), 2 order (sorted set), 3 changes (stream), 4 tenant metrics (hash), and where it lies on the same
--       server 5 rollup metrics (hash)
-- ARGV: 1 id, 2 the value read ('' for none), 3 the new value ('' deletes), 4 rank, 5 longest change stream (0: no entry),
--       then pairs of series and increment
-- Reply: 1 stored, 0 somebody else changed it: read again
-- Invariants: the counters move with the object or not at all; storing what stands there already counts nothing.
local present = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if present ~= ARGV[2] then return 0 end
if present == ARGV[3] then return 1 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
end
if tonumber(ARGV[5]) > 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', 'id', ARGV[1])
end
for i = 6, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1])
  if KEYS[5] then redis.call('HINCRBY', KEYS[5], ARGV[i], ARGV[i + 1]) end
end
return 1
