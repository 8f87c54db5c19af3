#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Holds what lies on the board against itself, and mends it. No script leaves it wrong; a server does that loses some
-- of what it had written and keeps what came later (see src/cli/aof_repair.hpp). The nodes are what is believed:
-- of two that overlap the larger, which was made of the smaller; then bits and counts follow from them. And when nobody
-- knows of the chunks that are left, all of them go to the pool; claim skips what is done.
-- ARGV     generation, worker
-- Returns  OK mended (0 1)
-- Refusals GONE ENDED STALE (not the leader)
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('GET', LEADER) ~= ARGV[2] then return {'STALE'} end
local nodes = {}
for _, name in ipairs(redis.call('HKEYS', NODES)) do
  local level, index = string.match(name, '^(%d+):(%d+)$')
  local size = 2 ^ tonumber(level)
  nodes[#nodes + 1] = {name = name, first = tonumber(index) * size, size = size}
end
table.sort(nodes, function(a, b) return a.first < b.first or (a.first == b.first and a.size > b.size) end)
local good, bad, last, covered, bytes = {}, {}, 0, 0, 0
for _, node in ipairs(nodes) do
  if node.first < last or node.first + node.size > run.chunks then
    bad[#bad + 1] = node
  else
    good[#good + 1] = node
    last, covered = node.first + node.size, covered + node.size
    bytes = bytes + redis.call('HSTRLEN', NODES, node.name)
  end
end
local whole = #bad == 0 and covered == run.done and redis.call('BITCOUNT', DONE) == covered and bytes == run.node_bytes
  and redis.call('HLEN', FAILED) == run.failed

local known = redis.call('ZCARD', DELAYED) > 0 or redis.call('HLEN', SUSPECTS) > 0
  or redis.call('BITPOS', SLOTS, 0, 0, run.slots - 1, 'BIT') >= 0 or run.done + run.failed == run.chunks
for _, text in ipairs(redis.call('HVALS', QUEUES)) do known = known or text ~= '' end
for _, text in ipairs(redis.call('HVALS', CLAIMS)) do known = known or string.match(text, ';(.*)$') ~= '' end
if whole and known then return {'OK', 0} end

if not whole then
  for _, node in ipairs(bad) do redis.call('HDEL', NODES, node.name) end
  redis.call('DEL', DONE)
  redis.call('SETBIT', DONE, math.max(run.chunks, 1) - 1, 0)
  for _, node in ipairs(good) do set_done(node.first, node.size, 1) end
  for _, name in ipairs(redis.call('HKEYS', FAILED)) do
    if redis.call('GETBIT', DONE, name) == 1 then redis.call('HDEL', FAILED, name) end
  end
  redis.call('HSET', RUN, 'done', string.format('%d', covered), 'node_bytes', bytes, 'failed', redis.call('HLEN', FAILED))
end
give_to_pool(string.format('0-%d', run.chunks))
event('mend', string.format('%d nodes taken out, %d chunks are done', #bad, covered))
return {'OK', 1}
