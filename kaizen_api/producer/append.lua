-- Appends a batch of records once each: the mark "seen" is set with the append or not at all.
-- KEYS: 1 stream, 2 seen now, 3 seen before, 4 seen next (a host whose clock is ahead), 5 tenant metrics,
--       6 rollup metrics, 7 tenants (set)
-- ARGV: 1 tenant, 2 longest stream, 3 seconds a seen set lives, 4 series of accepted, 5 series of duplicates,
--       then pairs of id and encoded record
-- Reply: {accepted, index of each duplicate...}; or {-1, depth} when the stream has no room for the batch: nothing taken
-- Invariants: a record was appended if and only if its id is seen; the counters move with it.
local depth = redis.call('XLEN', KEYS[1])
local offered = (#ARGV - 5) / 2
if depth + offered > tonumber(ARGV[2]) then return {-1, depth} end
redis.call('SADD', KEYS[7], ARGV[1])
local reply = {0}
for i = 6, #ARGV, 2 do
  local id = ARGV[i]
  if redis.call('SISMEMBER', KEYS[3], id) == 1 or redis.call('SISMEMBER', KEYS[4], id) == 1
      or redis.call('SADD', KEYS[2], id) == 0 then
    reply[#reply + 1] = (i - 6) / 2
  else
    redis.call('XADD', KEYS[1], '*', 'r', ARGV[i + 1])
    reply[1] = reply[1] + 1
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
local duplicates = #reply - 1
for _, metrics in ipairs({KEYS[5], KEYS[6]}) do
  if reply[1] > 0 then redis.call('HINCRBY', metrics, ARGV[4], reply[1]) end
  if duplicates > 0 then redis.call('HINCRBY', metrics, ARGV[5], duplicates) end
end
return reply
