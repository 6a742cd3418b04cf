-- How this master stands, and the positions that it keeps.
--
-- KEYS   the hash of positions
-- ARGV   'cluster' or 'single'
-- Reply  lineage, former replication id, role, eviction policy, fields and values of the hash
local line, former, role = lineage(ARGV[1])
local policy = string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:(%S+)')
return {line, former, role, policy or '', redis.call('HGETALL', KEYS[1])}
