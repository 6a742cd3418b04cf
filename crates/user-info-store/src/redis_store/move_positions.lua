-- Moves positions, if this master is still the one that the data went to and nobody else moved them.
--
-- KEYS   the hash of positions
-- ARGV   'cluster' or 'single', the lineage as it was before the data was written, the lineage that the hash names ('' for
--        none), '1' to forget what the hash holds, then of each position its field, its value before and its new value
-- Reply  'ok', 'moved' or 'conflict'
local line = lineage(ARGV[1])
if line ~= ARGV[2] then
  return 'moved'
end
local stored = redis.call('HGET', KEYS[1], 'lineage') or ''
if stored ~= ARGV[3] then
  return 'conflict'
end
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[1])
end
for at = 5, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[at]) or '') ~= ARGV[at + 1] then
    return 'conflict'
  end
end
redis.call('HSET', KEYS[1], 'lineage', line)
for at = 5, #ARGV, 3 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
end
return 'ok'
