-- Applies facts to what is kept of one user: each only if it is newer than the one that decided the same thing before.
--
-- KEYS   the user's record, then the sets that are touched
-- ARGV   mark of a profile fact or '', the profile ('' for none), then for each set: which count of the record it is
--        (2 to 6), how many members, and of each member its name and its mark
-- Reply  false, or, where a profile fact was given: {1, the profile before} if it was newer, {0, the profile in force, its
--        mark} if it was older, {} if it was the very one in force.
--
-- A mark is twice the offset of a fact, plus one if it says "is there".

local HEADER = '<BI8I8I8I8I8i8'
local HEADER_BYTES = 49
local NEVER = -1

local record = KEYS[1]
local header = redis.call('GETRANGE', record, 0, HEADER_BYTES - 1)
local fields = {1, 0, 0, 0, 0, 0, NEVER}
if header ~= '' then
  fields = {struct.unpack(HEADER, header)}
  if fields[1] ~= 1 then
    return redis.error_reply('DAMAGED the record of a user has an unknown form')
  end
end

local writes = {}
local moved = false
local at = 3
for key = 2, #KEYS do
  local count, members = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  local names = {}
  for index = 1, members do
    names[index] = ARGV[at + 2 * index - 2]
  end
  local stored = redis.call('HMGET', KEYS[key], unpack(names))
  local changed = {}
  for index = 1, members do
    local text = ARGV[at + 2 * index - 1]
    local mark, before = tonumber(text), tonumber(stored[index] or NEVER)
    if mark > before then
      changed[#changed + 1] = names[index]
      changed[#changed + 1] = text
      local delta = mark % 2 - (before == NEVER and 0 or before % 2)
      if delta ~= 0 then
        fields[count] = fields[count] + delta
        moved = true
      end
    end
  end
  at = at + 2 * members
  if fields[count] < 0 then
    return redis.error_reply('DRIFT a count would fall below zero')
  end
  if #changed > 0 then
    writes[#writes + 1] = {KEYS[key], changed}
  end
end

for _, write in ipairs(writes) do
  redis.call('HSET', write[1], unpack(write[2]))
end

local reply = false
if ARGV[1] ~= '' then
  local mark = tonumber(ARGV[1])
  local before = fields[7]
  if mark == before then
    reply = {}
  else
    local profile = redis.call('GETRANGE', record, HEADER_BYTES, -1)
    if mark > before then
      fields[7] = mark
      redis.call('SET', record, struct.pack(HEADER, unpack(fields)) .. ARGV[2])
      return {1, profile}
    end
    reply = {0, profile, string.format('%.0f', before)}
  end
end
if moved then
  redis.call('SETRANGE', record, 0, struct.pack(HEADER, unpack(fields)))
end
return reply
