-- Decides on one call: opens the way to half-open when the time is up, takes back expired leases, grants one.
-- KEYS: as in record.lua
-- ARGV: 1 permitted calls, 2 length of a lease, 3 recovery time-out, 4 token of the lease to grant ('' only looks: nothing
--       is written); and where the process has a tally to tell: 5 generation that it is of, 6 calls that ended, of these
--       7 failed, 8 slow; 9 share of failures and 10 of slow calls that open it (0: not watched), 11 of how many calls at
--       least, 12 length of the window, 13 multiplier, 14 longest recovery, 15 stretch (1 to 1 + jitter)
-- Reply: as in record.lua, code 0 rejected, 1 admitted, 2 admitted as a probe
-- Invariants: never more unexpired leases than permitted calls; a token holds one lease at most, and gives it back by
--   asking again: whoever does not know what became of a question asks with its token.
local REJECTED, ADMITTED, PROBE = 0, 1, 2
local permitted, lease, base, token = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local looks = token == ''

local function reclaim()
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', exact(now))
  for _, holder in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. exact(now + lease), '+inf')) do
    redis.call('ZADD', KEYS[2], exact(now + lease), holder) -- the clock stepped back
  end
end

local function probe()
  if not looks then
    redis.call('ZADD', KEYS[2], exact(now + lease), token)
    redis.call('PEXPIRE', KEYS[2], KEEP)
  end
  return PROBE, 0
end

local function decide()
  if forced() == 'open' then return REJECTED, 0 end
  if record.state == 'closed' then return ADMITTED, 0 end -- as it is while forced closed
  if record.state == 'open' then
    if left('open') > 0 then return REJECTED, 0 end
    if looks then return PROBE, 0 end
    enter('half_open')
  end
  if not looks then
    reclaim()
    redis.call('ZREM', KEYS[2], token)
  end
  local held = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. exact(now), '+inf', 'WITHSCORES')
  if #held < 2 * permitted then return probe() end
  return REJECTED, math.min(tonumber(held[2]) - now, lease, base)
end

-- An order that has ended is forgotten, so that `calm` answers again.
local function forget_order()
  if record.override ~= '' and forced() == '' then record.override, changed = '', true end
end

if not looks then
  create()
  forget_order()
  if ARGV[5] and take_tally() then
    trip(base, tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), 0)
  end
end
local code, retry_after = decide()
if not looks then save() end
return reply(code, retry_after)
