-- Taints a key or clears it, unless something newer was said about it.
--
-- KEYS   the hash of taints
-- ARGV   the key, the mark: twice the offset of the record, plus one if it is bad, and the taint
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local before = stored and tonumber(string.match(stored, '^%d+')) or -1
if tonumber(ARGV[2]) > before then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
  return 1
end
return 0
