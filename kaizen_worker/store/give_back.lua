-- Gives a claim back, if it still is ours.
-- KEYS: 1 claim
-- ARGV: 1 token
-- Reply: 1 given back, 0 it ran out
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
