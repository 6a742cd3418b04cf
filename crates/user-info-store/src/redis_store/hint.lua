-- Says whether a user may have a name, unless something newer was said about it.
--
-- KEYS   the hash of the name
-- ARGV   the user, the mark: twice the offset of the profile's fact, plus one if the user has the name
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or -1)
local mark = tonumber(ARGV[2])
if mark <= before then
  return 0
end
if mark % 2 == 1 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
elseif before >= 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
