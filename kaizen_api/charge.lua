-- Charges one gap to the people who ask for it, if they may still drive searches today.
-- KEYS: 1 people of each gap (hash), 2 gaps of each person (hash: how many)
-- ARGV: 1 gap, 2 gaps that one person may drive, 3 how many of the people must have driven fewer, 4 seconds both live,
--       5 msgpack of the people, 6... the people
-- Reply: 1 it is charged, now or before; 0 it is not to be searched, and nothing was written
-- Invariants: a person's number is that of the gaps charged to him; a gap is charged once, however often it is
--             asked for.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
local free = 0
for i = 6, #ARGV do
  if tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or 0) < tonumber(ARGV[2]) then free = free + 1 end
end
if free < tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
for i = 6, #ARGV do redis.call('HINCRBY', KEYS[2], ARGV[i], 1) end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end
return 1
