-- How many calls there were of late over all processes, and how many of them failed or were slow. Kept only where shares
-- are watched: then each admission brings the tally of its process.
-- KEYS: as in record.lua
-- ARGV: as in admit.lua, 5 to 15
-- Reply: none of its own; `take_tally` answers whether the breaker opens
-- Fields of the record: tally_generation, tally_start, calls, failed, slow (of this half of the window), and the same
--   with _before (of the half before). The window so reaches back from half its length to all of it.
-- Invariants: a tally counts only for the state that its calls were admitted in; no order of the operator is in force.
local WINDOW = {'tally_generation', 'tally_start', 'calls', 'failed', 'slow',
                'calls_before', 'failed_before', 'slow_before'}

local function turned(half)
  local stored = redis.call('HMGET', KEYS[1], unpack(WINDOW))
  local window = {}
  for i, name in ipairs(WINDOW) do window[name] = tonumber(stored[i] or '0') end
  local age = now - window.tally_start
  if window.tally_generation ~= record.generation or age < 0 or age >= 2 * half then -- another state, another clock, too old
    window = {tally_start = now, calls = 0, failed = 0, slow = 0, calls_before = 0, failed_before = 0, slow_before = 0}
  elseif age >= half then
    window = {tally_start = window.tally_start + half, calls = 0, failed = 0, slow = 0,
              calls_before = window.calls, failed_before = window.failed, slow_before = window.slow}
  end
  window.tally_generation = record.generation
  return window
end

-- Takes the tally in, and answers whether the shares are such that the breaker opens.
local function take_tally()
  if record.state ~= 'closed' or forced() ~= '' or tonumber(ARGV[5]) ~= record.generation then return false end
  local window = turned(tonumber(ARGV[12]) / 2)
  for i, name in ipairs({'calls', 'failed', 'slow'}) do window[name] = window[name] + tonumber(ARGV[5 + i]) end
  local fields = {}
  for _, name in ipairs(WINDOW) do
    fields[#fields + 1] = name
    fields[#fields + 1] = exact(window[name])
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  local calls = window.calls + window.calls_before
  local function reached(name, share)
    return share > 0 and window[name] + window[name .. '_before'] >= share * calls
  end
  return calls >= tonumber(ARGV[11]) and (reached('failed', tonumber(ARGV[9])) or reached('slow', tonumber(ARGV[10])))
end

