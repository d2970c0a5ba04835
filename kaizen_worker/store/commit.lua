-- Commits one batch: saves it, counts it and acknowledges it in one step, so that each interaction takes effect once.
-- KEYS: 1 stream, 2 log, 3 recent (list), 4 live (hash), 5 tenant metrics, and where they lie on the same server
--       6 rollup metrics, 7 tenants by what was committed (sorted set), 8 exemplars
-- ARGV: 1 group, 2 consumer, 3 encoded batch, 4 longest recent list, 5 msgpack of four arrays: n stream ids; n topics
--       ('' for none); n triples (time in us or '', 1 for an error, level in millionths or '') joined by ':'; the names of
--       the series: ok, error, recent count, errors, time sum, time count, level sum, level count; 6 the topics as the log
--       keeps them; 7 msgpack array of further series, each followed by what to add to it; 8 tenant;
--       9 msgpack array of buckets, each followed by its exemplar
-- Reply: 1 committed, 0 another consumer has taken over a part: nothing was done, read again; an error KAIZEN where a
--        triple is none or over 15 digits: nothing was done
-- Invariants: only what is pending for this consumer is committed; the sums equal what stands in the recent list.
local ids, topics, triples, series = unpack(cmsgpack.unpack(ARGV[5]))
local n = #ids
local PART = 1000 -- arguments of one command at most: Lua's stack is short

local held = {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], ids[1], ids[n], n, ARGV[2])) do
  held[pending[1]] = true
end
for _, id in ipairs(ids) do
  if not held[id] then -- it is not, or this consumer holds others in between
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1]
    if not pending or pending[2] ~= ARGV[2] then return 0 end
  end
end

local change = {0, 0, 0, 0, 0, 0, 0, 0}

local function weigh(time, failed, level, sign)
  change[3] = change[3] + sign
  change[4] = change[4] + sign * tonumber(failed)
  if time ~= '' then
    change[5] = change[5] + sign * tonumber(time)
    change[6] = change[6] + sign
  end
  if level ~= '' then
    change[7] = change[7] + sign * tonumber(level)
    change[8] = change[8] + sign
  end
end

-- nothing is undone when a script fails, so what could fail is looked at before the first write
for i, triple in ipairs(triples) do
  local time, failed, level = string.match(triple, '^(%d*):([01]):(%d*)$')
  if not time or #time > 15 or #level > 7 then return redis.error_reply('KAIZEN no measurable record ' .. ids[i]) end
  weigh(time, failed, level, 1)
  local outcome = failed == '1' and 2 or 1
  change[outcome] = change[outcome] + 1
end

local function in_parts(values, call)
  for from = 1, n, PART do call(unpack(values, from, math.min(from + PART - 1, n))) end
end

in_parts(triples, function(...) redis.call('RPUSH', KEYS[3], ...) end)
local surplus = redis.call('LLEN', KEYS[3]) - tonumber(ARGV[4])
if surplus > 0 then
  for _, triple in ipairs(redis.call('LPOP', KEYS[3], surplus)) do
    local time, failed, level = string.match(triple, '^(%d*):(%d):(%d*)$')
    weigh(time, failed, level, -1)
  end
end
for i, name in ipairs(series) do
  if change[i] ~= 0 then
    local step = string.format('%.0f', change[i])
    redis.call('HINCRBY', KEYS[5], name, step)
    if KEYS[6] then redis.call('HINCRBY', KEYS[6], name, step) end
  end
end

local further = cmsgpack.unpack(ARGV[7])
for i = 1, #further, 2 do
  redis.call('HINCRBY', KEYS[5], further[i], further[i + 1])
  if KEYS[6] then redis.call('HINCRBY', KEYS[6], further[i], further[i + 1]) end
end

local exemplars = cmsgpack.unpack(ARGV[9])
-- pcall, for an exemplar that is not kept does no harm, and an error here would leave half a commit
if KEYS[8] and #exemplars > 0 then redis.pcall('HSET', KEYS[8], unpack(exemplars)) end

if KEYS[7] then redis.call('ZINCRBY', KEYS[7], n, ARGV[8]) end

local grown = {}
for _, topic in ipairs(topics) do grown[topic] = (grown[topic] or 0) + 1 end
for topic, step in pairs(grown) do
  if topic ~= '' then redis.call('HINCRBY', KEYS[4], topic, step) end
end

redis.call('XADD', KEYS[2], '*', 'b', ARGV[3], 't', ARGV[6])
in_parts(ids, function(...) redis.call('XACK', KEYS[1], ARGV[1], ...) end)
in_parts(ids, function(...) redis.call('XDEL', KEYS[1], ...) end)
return 1
