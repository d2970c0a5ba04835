-- Appends a batch of records once each: the mark "seen" is set with the append or not at all.
-- KEYS: 1 stream, 2 seen now, 3 seen before, 4 seen next (a host whose clock is ahead), 5 tenant metrics, and where they
--       lie on the same server 6 rollup metrics, 7 tenants (set)
-- ARGV: 1 tenant, 2 longest stream, 3 seconds the oldest in it may wait, 4 seconds a seen set lives,
--       5 series of accepted, 6 series of duplicates, 7 msgpack of two arrays: 1 to 1000 ids, and the sizes of their
--       records in bytes; 8 the encoded records, one after the other
-- Reply: {accepted, index of each duplicate...}; or nothing was taken: {-1, depth} the stream has no room for the batch,
--        {-2, age in seconds} its oldest waits for too long
-- Invariants: a record was appended if and only if its id is seen; the counters move with it.
local ids, sizes = unpack(cmsgpack.unpack(ARGV[7]))
local depth = redis.call('XLEN', KEYS[1])
if depth + #ids > tonumber(ARGV[2]) then return {-1, depth} end
if depth > 0 then
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  local age = redis.call('TIME')[1] - string.match(oldest, '^%d+') / 1000
  if age > tonumber(ARGV[3]) then return {-2, age} end
end

local seen = {}
for k = 2, 4 do
  for i, member in ipairs(redis.call('SMISMEMBER', KEYS[k], unpack(ids))) do
    if member == 1 then seen[ids[i]] = true end
  end
end

if KEYS[7] then redis.call('SADD', KEYS[7], ARGV[1]) end
local reply, fresh, from = {0}, {}, 1
for i, id in ipairs(ids) do
  if seen[id] then
    reply[#reply + 1] = i - 1
  else
    seen[id] = true
    fresh[#fresh + 1] = id
    redis.call('XADD', KEYS[1], '*', 'r', string.sub(ARGV[8], from, from + sizes[i] - 1))
  end
  from = from + sizes[i]
end
reply[1] = #fresh
if #fresh > 0 then redis.call('SADD', KEYS[2], unpack(fresh)) end
redis.call('EXPIRE', KEYS[2], ARGV[4])
local duplicates = #reply - 1
for _, metrics in ipairs({KEYS[5], KEYS[6]}) do
  if reply[1] > 0 then redis.call('HINCRBY', metrics, ARGV[5], reply[1]) end
  if duplicates > 0 then redis.call('HINCRBY', metrics, ARGV[6], duplicates) end
end
return reply
