-- Moves a tenant's detector on to a place in the log, if it still stands where the writer found it.
-- KEYS: 1 detector (hash)
-- ARGV: 1 the cursor that was read ('' for none), 2 the new cursor, 3 state, 4 what was found and has to be saved, or ''
-- Reply: 1 moved, 0 somebody else was faster: nothing was done
-- Invariants: what was found stands here until it is saved, so it is saved whoever dies, and found once.
if (redis.call('HGET', KEYS[1], 'cursor') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'state', ARGV[3])
if ARGV[4] == '' then redis.call('HDEL', KEYS[1], 'found') else redis.call('HSET', KEYS[1], 'found', ARGV[4]) end
return 1
