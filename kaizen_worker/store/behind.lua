-- Whether a tenant's log holds what its detector has not seen, or what that found is not saved.
-- KEYS: 1 log, 2 snapshot, 3 detector (hash)
-- ARGV: none
-- Reply: 1 it does, 0 it does not, or nothing is known yet of what is usual
if redis.call('HEXISTS', KEYS[3], 'found') == 1 then return 1 end
if redis.call('HEXISTS', KEYS[2], 'baseline') == 0 then return 0 end
local cursor = redis.call('HGET', KEYS[3], 'cursor') or '0-0'
return redis.call('XRANGE', KEYS[1], '(' .. cursor, '+', 'COUNT', 1)[1] and 1 or 0
