-- Hands a consumer its next interactions: what it holds already, else what others lost, else new ones. One round trip,
-- and one text for all of them, for a client takes longer to read many small replies than the server to join them.
-- KEYS: 1 stream
-- ARGV: 1 group, 2 consumer, 3 how many at most, 4 milliseconds after which what another consumer holds is lost
-- Reply: {msgpack of two arrays: stream ids, and the sizes of their records in bytes; the records, one after the other}
-- Invariants: a group that is not there is made, from the beginning, so that what was appended before it counts too.
local stream, group, consumer, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

-- those that were deleted while they were pending say nothing, and must not hide what comes after them
local function whole(entries)
  local kept = {}
  for _, entry in ipairs(entries) do
    if entry and entry[2] then kept[#kept + 1] = entry end
  end
  return kept
end

local function read(from)
  local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, from)
  if reply and reply.err then
    if not string.find(reply.err, 'NOGROUP', 1, true) then return nil, reply end
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
    return read(from)
  end
  return whole(reply and reply[1][2] or {})
end

local entries, failed = read('0')
if failed then return failed end
if #entries == 0 then
  entries = whole(redis.call('XAUTOCLAIM', stream, group, consumer, ARGV[4], '0', 'COUNT', count)[2])
end
if #entries == 0 then entries = read('>') end

local ids, sizes, records = {}, {}, {}
for _, entry in ipairs(entries) do
  ids[#ids + 1] = entry[1]
  records[#records + 1] = entry[2][2]
  sizes[#sizes + 1] = #entry[2][2]
end
return {cmsgpack.pack({ids, sizes}), table.concat(records)}
