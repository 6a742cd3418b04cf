-- Fills sets of one kind with members and their marks, as a store would.
--
-- ARGV   the kind, how many members each set has, how many members all have
local kind, in_each, members = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for number = 1, members do
  local key = 'ui:1:{' .. (1000000 + math.floor((number - 1) / in_each)) .. '}f'
  local member = string.format('%d%03d', 1700000000000000 + number * 1234567, number % 1000)
  local mark = string.format('%d', (17000000 + number) * 2 + 1)
  if kind == 'hash' then
    redis.call('HSET', key, member, mark)
  elseif kind == 'sorted set' then
    redis.call('ZADD', key, mark, member)
  elseif kind == 'set and hash' then
    redis.call('SADD', key, member)
    redis.call('HSET', key .. 'm', member, mark)
  else
    redis.call('SADD', key, member)
  end
end
