-- Notes that a run was done: nobody owes it any more, unless a later one has taken its place.
-- KEYS: 1 runs, 2 owed, 3 done
-- ARGV: 1 job, 2 due time, 3 now
-- Reply: 1 it was owed, 0 it was not
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
return 1
