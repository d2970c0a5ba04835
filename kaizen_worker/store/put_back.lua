-- Puts one dead letter back into the stream.
-- KEYS: 1 dead letters, 2 stream
-- ARGV: 1 id of the dead letter
-- Reply: 1 put back, 0 there is none under that id
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
redis.call('XADD', KEYS[2], '*', letter[2][1], letter[2][2])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
