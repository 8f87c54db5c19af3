#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Compares the keys of the run with each other, and repairs them. No script leaves them inconsistent; a server does that
-- loses a part of what it had written and keeps later parts (see src/cli/aof_repair.hpp), and so may a user who writes keys
-- by hand. The nodes decide: of two that overlap the larger stays, since it was made of the smaller; bits and counts
-- follow from the nodes. Ranges that absent workers queue or hold go to the pool. If something was inconsistent or
-- unreadable, or chunks are open and no key lists any, all chunks go to the pool; claim skips those that are done.
-- ARGV     generation, worker
-- Returns  OK repaired (0 1)
-- Refusals GONE ENDED STALE (not the leader)
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('GET', LEADER) ~= ARGV[2] then return {'STALE'} end

-- The nodes, sorted by their first chunks. Names that no script writes are bad.
local function sorted_nodes()
  local nodes, bad = {}, {}
  for _, name in ipairs(redis.call('HKEYS', NODES)) do
    local level, index = string.match(name, '^(%d%d?):(%d+)$')
    level, index = tonumber(level), tonumber(index)
    if level and level <= 32 and index < 2 ^ 32 and string.format('%d:%d', level, index) == name then
      nodes[#nodes + 1] = {name = name, first = index * 2 ^ level, size = 2 ^ level}
    else
      bad[#bad + 1] = name
    end
  end
  table.sort(nodes, function(a, b) return a.first < b.first or (a.first == b.first and a.size > b.size) end)
  return nodes, bad
end

local nodes, bad = sorted_nodes()
local good, last, covered, bytes = {}, 0, 0, 0
local exact = redis.call('STRLEN', DONE) == math.ceil(math.max(run.chunks, 1) / 8)
for _, node in ipairs(nodes) do
  if node.first < last or node.first + node.size > run.chunks then
    bad[#bad + 1] = node.name
  else
    good[#good + 1] = node
    last, covered = node.first + node.size, covered + node.size
    bytes = bytes + redis.call('HSTRLEN', NODES, node.name)
    exact = exact and open_chunks(node.first, last) == 0
  end
end
exact = exact and redis.call('BITCOUNT', DONE) == covered

-- A failed chunk is valid if its name is a chunk number, its attempts are counted, and no node covers it.
local function in_a_node(chunk)
  local low, high = 1, #good
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if good[middle].first <= chunk then low = middle else high = middle - 1 end
  end
  return good[low] and good[low].first <= chunk and chunk < good[low].first + good[low].size
end
local not_failed, failed = {}, 0
for _, name in ipairs(redis.call('HKEYS', FAILED)) do
  local chunk = tonumber(name)
  local is_chunk = chunk and chunk >= 0 and chunk < run.chunks and string.format('%d', chunk) == name
    and redis.call('HEXISTS', ATTEMPTS, name) == 1
  if is_chunk and not in_a_node(chunk) then failed = failed + 1 else not_failed[#not_failed + 1] = name end
end
local whole = #bad == 0 and #not_failed == 0 and exact and covered == run.done and bytes == run.node_bytes
  and failed == run.failed

-- Whether a text is a valid list of ranges within the plan.
local function readable(text)
  local list = parse(text)
  for _, range in ipairs(list) do
    if range[1] >= range[2] or range[2] > run.chunks then return false end
  end
  return text_of(list) == text
end
local known = redis.call('ZCOUNT', DELAYED, '-inf', now() + 86400) > 0 or redis.call('HLEN', SUSPECTS) > 0
  or redis.call('BITPOS', SLOTS, 0, 0, run.slots - 1, 'BIT') >= 0 or covered + failed == run.chunks
local ghosts, unreadable = {}, {}
for _, key in ipairs({QUEUES, CLAIMS}) do
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local text = key == QUEUES and all[i + 1] or string.match(all[i + 1], '^%d+;(.*)$')
    if not text or not readable(text) then
      unreadable[#unreadable + 1] = {key, all[i]}
    elseif all[i] ~= POOL and redis.call('HEXISTS', BEATS, all[i]) == 0 then
      ghosts[#ghosts + 1] = all[i]
    else
      known = known or text ~= ''
    end
  end
end
if whole and known and #ghosts == 0 and #unreadable == 0 then return {'OK', 0} end

for _, each in ipairs(unreadable) do redis.call('HDEL', each[1], each[2]) end
for _, worker in ipairs(ghosts) do let_go(worker) end
if not whole then
  for _, name in ipairs(bad) do redis.call('HDEL', NODES, name) end
  for _, name in ipairs(not_failed) do redis.call('HDEL', FAILED, name) end
  redis.call('DEL', DONE)
  redis.call('SETBIT', DONE, math.max(run.chunks, 1) - 1, 0)
  for _, node in ipairs(good) do set_done(node.first, node.size, 1) end
  redis.call('HSET', RUN, 'done', string.format('%d', covered), 'node_bytes', bytes, 'failed', failed)
end
if not whole or not known or #unreadable > 0 then give_to_pool(string.format('0-%d', run.chunks)) end
event('mend', string.format('%s taken out; done: %s', number_of(#bad, 'node'), number_of(covered, 'chunk')))
return {'OK', 1}
