-- Replaces a tenant's topics by those of a finished cycle, if they still are the ones it started from.
-- KEYS: 1 snapshot (hash), 2 live (hash), 3 tenant metrics, 4 rollup metrics
-- ARGV: 1 version it started from, 2 series of topics, 3 number of topics, then pairs of field and value
-- Reply: 1 published, 0 another cycle was faster
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
local before = tonumber(redis.call('HGET', KEYS[3], ARGV[2]) or '0')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'version', tonumber(version) + 1, unpack(ARGV, 4))
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('HINCRBY', KEYS[4], ARGV[2], tonumber(ARGV[3]) - before)
return 1
