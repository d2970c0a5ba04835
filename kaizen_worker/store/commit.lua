-- Commits one batch: saves it, counts it and acknowledges it in one step, so that each interaction takes effect once.
-- KEYS: 1 stream, 2 log, 3 recent (list), 4 live (hash), 5 tenant metrics, 6 rollup metrics
-- ARGV: 1 group, 2 consumer, 3 encoded batch, 4 longest recent list, 5 number of interactions n,
--       then n stream ids, n topics ('' for none), n triples (time in us or '', 1 for an error, level in millionths or '')
--       joined by ':', then the names of the series: ok, error, recent count, errors, time sum, time count, level sum,
--       level count
-- Reply: 1 committed, 0 another consumer has taken over a part: nothing was done, read again; an error KAIZEN where a
--        triple is none or over 15 digits: nothing was done
-- Invariants: only what is pending for this consumer is committed; the sums equal what stands in the recent list.
local n = tonumber(ARGV[5])
for i = 1, n do
  local id = ARGV[5 + i]
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1]
  if not pending or pending[2] ~= ARGV[2] then return 0 end
end

-- nothing is undone when a script fails, so what could fail is looked at before the first write
for i = 1, n do
  local time, level = string.match(ARGV[5 + 2 * n + i], '^(%d*):[01]:(%d*)$')
  if not time or #time > 15 or #level > 7 then return redis.error_reply('KAIZEN no measurable record ' .. ARGV[5 + i]) end
end

local series = {}
for i = 1, 8 do series[i] = ARGV[5 + 3 * n + i] end
local change = {0, 0, 0, 0, 0, 0, 0, 0}

local function weigh(value, sign)
  local time, failed, level = string.match(value, '^(%d*):(%d):(%d*)$')
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
  return failed
end

for i = 1, n do
  local value = ARGV[5 + 2 * n + i]
  local outcome = weigh(value, 1) == '1' and 2 or 1
  change[outcome] = change[outcome] + 1
  redis.call('RPUSH', KEYS[3], value)
  if ARGV[5 + n + i] ~= '' then redis.call('HINCRBY', KEYS[4], ARGV[5 + n + i], 1) end
end
for _ = 1, redis.call('LLEN', KEYS[3]) - tonumber(ARGV[4]) do
  weigh(redis.call('LPOP', KEYS[3]), -1)
end
for i = 1, 8 do
  if change[i] ~= 0 then
    local step = string.format('%.0f', change[i])
    redis.call('HINCRBY', KEYS[5], series[i], step)
    redis.call('HINCRBY', KEYS[6], series[i], step)
  end
end

redis.call('XADD', KEYS[2], '*', 'b', ARGV[3])
for i = 1, n do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[5 + i])
  redis.call('XDEL', KEYS[1], ARGV[5 + i])
end
return 1
