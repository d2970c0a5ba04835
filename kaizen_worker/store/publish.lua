-- Replaces a tenant's topics by those of a finished cycle, if they still are the ones it started from.
-- KEYS: 1 snapshot (hash), 2 live (hash), 3 decisions (hash), 4 tenant metrics, and where it lies on the same server
--       5 rollup metrics
-- ARGV: 1 version it started from, 2 series of topics, 3 number of topics that people see, 4 SHA-1 of what the number
--       rests on: of the SHA-1s of the decisions, sorted and joined; then pairs of field and value
-- Reply: 1 published, 0 another cycle was faster, 2 people decided something meanwhile: count again
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
local decisions = {}
for i, value in ipairs(redis.call('HVALS', KEYS[3])) do decisions[i] = redis.sha1hex(value) end
table.sort(decisions)
if redis.sha1hex(table.concat(decisions)) ~= ARGV[4] then return 2 end
local before = tonumber(redis.call('HGET', KEYS[4], ARGV[2]) or '0')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'version', tonumber(version) + 1, unpack(ARGV, 5))
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
if KEYS[5] then redis.call('HINCRBY', KEYS[5], ARGV[2], tonumber(ARGV[3]) - before) end
return 1
