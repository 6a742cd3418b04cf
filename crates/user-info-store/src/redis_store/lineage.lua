-- Which history of data this master carries, in the words of `lineage.rs`: replication id, the one before it, node, epoch,
-- slots. Prepended to the scripts below.
local function lineage(kind)
  local replication = redis.call('INFO', 'replication')
  local current = string.match(replication, 'master_replid:(%x+)')
  local former = string.match(replication, 'master_replid2:(%x+)')
  local role = string.match(replication, 'role:(%a+)')
  local node, epoch, slots = '-', '-', '-'
  if kind == 'cluster' then
    for line in string.gmatch(redis.call('CLUSTER', 'NODES'), '[^\n]+') do
      if string.find(line, 'myself', 1, true) then
        local words = {}
        for word in string.gmatch(line, '%S+') do
          words[#words + 1] = word
        end
        node, epoch = words[1], words[7]
        slots = table.concat(words, ',', 9)
      end
    end
  end
  return current .. ' ' .. node .. ' ' .. epoch .. ' ' .. slots, former, role
end
