-- The head of `admit`: the answer that nearly every call gets, before anything else is looked at.
-- KEYS, ARGV: as in record.lua and admit.lua; answers where there is a token and no tally. Nothing is written.
-- Reply: the first four numbers of record.lua's; the others are 0 in this state, but for first_failure, which nobody asks.
if ARGV[4] ~= '' and not ARGV[5] then
  local calm = redis.call('HMGET', KEYS[1], 'state', 'override', 'generation', 'failures')
  if calm[1] == 'closed' and calm[2] == '' then return {1, 0, tonumber(calm[3]), tonumber(calm[4])} end
end

