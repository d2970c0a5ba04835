-- Puts a breaker's name on the list of all, which `kaizen breaker list` shows.
-- KEYS: 1 the list (set), in a slot of its own
-- ARGV: 1 name
-- Reply: one number, how many names are new: 0 or 1
return {redis.call('SADD', KEYS[1], ARGV[1])}
