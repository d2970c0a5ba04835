-- Takes the runs that were sent and not done in time; whoever takes them sends them again.
-- KEYS: 1 runs, 2 owed
-- ARGV: 1 now, 2 and 3 how long at least and at most until the taken ones are sent once more, 4 the longest any waits
-- Reply: job, due time, job, due time, …
-- In between it is as long as the run is late, so that messages do not pile up while no worker takes them. What waits
-- longer than 4 is from a clock that was put back since.
local now, least, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {}
local late = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
local astray = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('(%.0f', now + ARGV[4]), '+inf')
for _, jobs in ipairs({late, astray}) do
  for _, job in ipairs(jobs) do
    local due = redis.call('HGET', KEYS[1], job)
    local wait = math.min(math.max(now - tonumber(due), least), most)
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + wait), job)
    table.insert(found, job)
    table.insert(found, due)
  end
end
return found
