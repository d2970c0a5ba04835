-- Takes the outcome of one call, or an order of the operator, and moves the breaker on.
-- KEYS: as in record.lua
-- ARGV: 1 failure threshold, 2 success threshold, 3 recovery time-out, 4 multiplier, 5 longest recovery,
--       6 outcome success|failure|ignore or order open|closed|auto, 7 generation of the permit (0: the present one),
--       8 token of its lease, 9 stretch (1 to 1 + jitter), 10 least length of an opening, or the length of an order
-- Reply: as in record.lua, code 3 counted, 4 stale (admitted in an earlier state), 5 lease lost (it expired, or there was
--        none), 6 overridden
-- Invariants: only results of the present generation count; a probe counts once, and only while its lease lasts.
local COUNTED, STALE, LEASE_LOST, OVERRIDDEN = 3, 4, 5, 6
local threshold, needed = tonumber(ARGV[1]), tonumber(ARGV[2])
local outcome, generation, token, span = ARGV[6], tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[10])

local function open_up() trip(tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[9]), span) end

local function count()
  if outcome == 'failure' then
    record.failures = record.failures + 1
    if record.failures == 1 then record.first_failure = now end
    changed = true
    if record.failures >= threshold then open_up() end
  elseif outcome == 'success' and record.failures > 0 then
    record.failures, record.first_failure, changed = 0, 0, true
  end
  return COUNTED
end

local function conclude()
  local expiry = redis.call('ZSCORE', KEYS[2], token)
  redis.call('ZREM', KEYS[2], token)
  if not expiry or tonumber(expiry) <= now then return LEASE_LOST end
  if outcome == 'failure' then open_up() end
  if outcome == 'success' then
    record.successes, changed = record.successes + 1, true
    if record.successes >= needed then enter('closed') end
  end
  return COUNTED
end

local function obey()
  if outcome == 'closed' and record.state ~= 'closed' then enter('closed') end
  if outcome == 'closed' then record.failures, record.first_failure = 0, 0 end
  record.override = outcome == 'auto' and '' or outcome
  record.override_for = outcome == 'auto' and 0 or span
  record.override_until = now + record.override_for
  changed = true
  return COUNTED
end

local function take()
  if outcome == 'open' or outcome == 'closed' or outcome == 'auto' then return obey() end
  if forced() ~= '' then
    redis.call('ZREM', KEYS[2], token)
    return OVERRIDDEN
  end
  if generation ~= 0 and generation ~= record.generation or record.state == 'open' then return STALE end
  if record.state == 'closed' then return count() end
  return conclude()
end

-- A late result must not make a record whose generation it then would not have.
if generation == 0 then create() end
local code = take()
save()
return reply(code)
