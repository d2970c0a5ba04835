-- Claims a run: moves a job's last due time on, unless another beat has done so.
-- KEYS: 1 runs, 2 owed
-- ARGV: 1 job, 2 the last due time that the caller knows or '', 3 the due time to claim,
--       4 when it is to be sent again unless it is done, or '' where nobody owes it
-- Reply: {1, the claimed time}, or {0, the last due time as it stands, '' where there is none}
local last = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if last ~= ARGV[2] then return {0, last} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1]) end
return {1, ARGV[3]}
