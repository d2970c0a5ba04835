-- Takes a turn at a source, or ends one. A turn is nobody else's for as long as the key lives; Redis' clock counts.
-- KEYS: 1 pace
-- ARGV: 1 token of a turn that will be ended, or 'over' for one that only counts from its beginning,
--       2 milliseconds (over 0) until the next turn, 3 'take' or 'end'
-- Reply: take: 0 granted, else milliseconds after which to ask again; end: 0
-- Invariants: one turn is granted at a time; the end of a turn shortens its own wait only, and lengthens anybody's.
local AGAIN = 100
local left = redis.call('PTTL', KEYS[1])
local holder = left > 0 and redis.call('GET', KEYS[1]) or nil
if ARGV[3] == 'take' then
  if holder == 'over' then return left end
  if holder then return math.min(left, AGAIN) end -- it may end at any moment
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
elseif not holder or left < tonumber(ARGV[2]) or (holder == ARGV[1] and holder ~= 'over') then
  redis.call('SET', KEYS[1], 'over', 'PX', ARGV[2])
end
return 0
