-- Moves one interaction to the dead letters and counts it, if this consumer still holds it. Beyond the limit the oldest
-- make room, and are counted too.
-- KEYS: 1 stream, 2 dead letters, 3 tenant metrics, and where it lies on the same server 4 rollup metrics
-- ARGV: 1 group, 2 consumer, 3 stream id, 4 encoded record, 5 reason, 6 attempts, 7 the series it counts in, 8 most dead
--       letters, 9 the series of those that made room
-- Reply: how many made room; -1: another consumer has it
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)[1]
if not pending or pending[2] ~= ARGV[2] then return -1 end
redis.call('XADD', KEYS[2], '*', 'r', ARGV[4], 'reason', ARGV[5], 'attempts', ARGV[6])
local left = redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[8])
if left > 0 then
  redis.call('HINCRBY', KEYS[3], ARGV[9], left)
  if KEYS[4] then redis.call('HINCRBY', KEYS[4], ARGV[9], left) end
end
redis.call('HINCRBY', KEYS[3], ARGV[7], 1)
if KEYS[4] then redis.call('HINCRBY', KEYS[4], ARGV[7], 1) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
return left
