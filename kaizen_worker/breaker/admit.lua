-- Decides on one call: opens the way to half-open when the time is up, takes back expired leases, grants one.
-- KEYS: as in record.lua
-- ARGV: 1 token of the lease to grant ('' only looks: nothing is written), 2 permitted calls, 3 length of a lease,
--       4 recovery time-out
-- Reply: as in record.lua, code 0 rejected, 1 admitted, 2 admitted as a probe
-- Invariants: never more unexpired leases than permitted calls; a token holds one lease at most.
local REJECTED, ADMITTED, PROBE = 0, 1, 2
local token, permitted, lease, base = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
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
  if not looks then reclaim() end
  local held = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. exact(now), '+inf', 'WITHSCORES')
  if #held < 2 * permitted then return probe() end
  return REJECTED, math.min(tonumber(held[2]) - now, lease, base)
end

if not looks then create() end
local code, retry_after = decide()
if not looks then save() end
return reply(code, retry_after)
