-- The head of both scripts: reads the record of one breaker and says how it may change.
-- KEYS: 1 record (hash), 2 leases of probes (sorted set, token -> expiry). Both in one slot, both kept KEEP after a write.
-- Record: state closed|open|half_open, generation, failures in a row, first_failure, open_until, open_for, opened (openings
--   in a row), successes of probes, override ''|open|closed, override_until, override_for. Times and lengths in µs.
-- Reply: code, state, generation, failures, first_failure, retry_after, opened, successes, leases, override, override_left,
--   entered (the state changed), created (there was no record). Integers only: they read the same in every client.
-- Invariants: TIME is the only clock. Every change of state takes a generation that was never used, even if the record was
--   lost in between or the clock stepped back. A span never has more left than it began with. Leases exist only half-open.
local KEEP = 60 * 24 * 3600 * 1000 -- ms; longer than any span, so no state is forgotten before its time
local STATES = {closed = 0, open = 1, half_open = 2}
local OVERRIDES = {[''] = 0, open = 1, closed = 2}
local NUMBERS = {'generation', 'failures', 'first_failure', 'open_until', 'open_for', 'opened', 'successes',
                 'override_until', 'override_for'}

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local entered, created, changed = 0, 0, false

local stored = redis.call('HMGET', KEYS[1], 'state', 'override', unpack(NUMBERS))
local record = {state = stored[1] or 'closed', override = stored[2] or ''}
for i, name in ipairs(NUMBERS) do record[name] = tonumber(stored[i + 2] or '0') end

local function exact(number) return string.format('%.0f', number) end

local function create()
  if stored[1] then return end
  record.generation = now
  created, changed = 1, true
end

local function save()
  if not changed then return end
  local fields = {'state', record.state, 'override', record.override}
  for _, name in ipairs(NUMBERS) do
    fields[#fields + 1] = name
    fields[#fields + 1] = exact(record[name])
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], KEEP)
end

local function enter(state)
  record.state = state
  record.generation = math.max(record.generation + 1, now)
  record.successes = 0
  if state == 'closed' then record.failures, record.first_failure, record.opened = 0, 0, 0 end
  redis.call('DEL', KEYS[2])
  entered, changed = 1, true
end

local function left(span)
  local rest = record[span .. '_until'] - now
  if rest > record[span .. '_for'] then -- the clock stepped back
    rest = record[span .. '_for']
    record[span .. '_until'] = now + rest
    changed = true
  end
  return math.max(rest, 0)
end

-- Longer the longer it has been failing; the floor is what the service asked for.
local function trip(base, multiplier, longest, stretch, floor)
  local wait = math.min(base * multiplier ^ record.opened, longest) * stretch
  record.open_for = math.floor(math.max(wait, floor))
  record.open_until = now + record.open_for
  record.opened = record.opened + 1
  enter('open')
end

local function forced() return left('override') > 0 and record.override or '' end

local function reply(code, retry_after)
  local override = forced()
  if override == 'open' then retry_after = left('override')
  elseif record.state == 'open' and override == '' then retry_after = left('open') end
  local leases = record.state == 'half_open' and redis.call('ZCOUNT', KEYS[2], '(' .. exact(now), '+inf') or 0
  return {code, STATES[record.state], record.generation, record.failures, record.first_failure, retry_after or 0,
          record.opened, record.successes, leases, OVERRIDES[override], override ~= '' and left('override') or 0,
          entered, created}
end
