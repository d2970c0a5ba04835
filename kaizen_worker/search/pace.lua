-- Takes a turn at a source, or ends one. A turn is nobody else's for as long as the key lives; Redis' clock counts.
-- KEYS: 1 pace
-- ARGV: 1 token, 2 milliseconds (over 0) until the next turn, 3 'take' or 'end'
-- Reply: take: 0 granted, else milliseconds until it is worth asking again; end: 0
-- Invariants: one turn is granted at a time; the end of a turn shortens its own wait only, and lengthens anybody's.
local left = redis.call('PTTL', KEYS[1])
local free = left <= 0
if ARGV[3] == 'take' and not free then return left end
if ARGV[3] == 'take' or free or redis.call('GET', KEYS[1]) == ARGV[1] or left < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 0
