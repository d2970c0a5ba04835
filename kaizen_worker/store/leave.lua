-- Drops a consumer's name, unless it holds something: that would go with it.
-- KEYS: 1 stream
-- ARGV: 1 group, 2 consumer
-- Reply: 1 dropped, 0 it holds something
if redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])[1] then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
