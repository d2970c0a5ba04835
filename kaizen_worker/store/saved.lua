-- What was found up to a place in the log is saved: forgets it.
-- KEYS: 1 detector (hash)
-- ARGV: 1 cursor
-- Reply: 1 forgotten, 0 the detector stands elsewhere: what is there was found by somebody else
if redis.call('HGET', KEYS[1], 'cursor') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'found')
