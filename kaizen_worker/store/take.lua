-- Takes or renews a claim.
-- KEYS: 1 claim
-- ARGV: 1 token, 2 seconds, 3 value of a claim that is offered
-- Reply: 1 ours, 0 another worker's
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
