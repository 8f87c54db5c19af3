#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- The leader replaces nodes by the parents that it made of them. Changes nothing if one of the nodes is missing.
-- ARGV     generation, worker, lift (0 1: raise the limit of nodes), number of names, names to remove…,
--          then entries: level, index, frame
-- Returns  OK
-- Refusals GONE ENDED STALE (not the leader, a name is missing, or the two sides do not cover the same chunks)
local worker, lift, count = ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('GET', LEADER) ~= worker then return {'STALE'} end
local entries = entries_from(5 + count)
if not entries then return redis.error_reply('ERR stint: malformed entry') end
local balance, bytes, seen, put = 0, 0, {}, {}  -- put: size → first chunk → true
for _, entry in ipairs(entries) do
  balance = balance + entry.size
  bytes = bytes + #entry.frame
  put[entry.size] = put[entry.size] or {}
  put[entry.size][entry.first] = true
end
for i = 5, 4 + count do
  local length = redis.call('HSTRLEN', NODES, ARGV[i])
  if length == 0 or seen[ARGV[i]] then return {'STALE'} end
  local level, index = string.match(ARGV[i], '^(%d+):(%d+)$')
  local size, inside = 2 ^ tonumber(level), false
  local first = tonumber(index) * size
  for put_size, firsts in pairs(put) do
    inside = inside or (put_size >= size and firsts[first - first % put_size])
  end
  if not inside then return {'STALE'} end
  seen[ARGV[i]] = true
  balance, bytes = balance - size, bytes - length
end
if balance ~= 0 then return {'STALE'} end

for i = 5, 4 + count do redis.call('HDEL', NODES, ARGV[i]) end
for _, entry in ipairs(entries) do redis.call('HSET', NODES, entry.name, entry.frame) end
redis.call('HINCRBY', RUN, 'node_bytes', bytes)
if lift then
  local limit = math.max(1, math.min(run.node_limit * 2, 2 ^ 53))
  redis.call('HSET', RUN, 'node_limit', limit, 'byte_limit', math.max(1, math.min(run.byte_limit * 2, 2 ^ 53)))
  event('lift', string.format('%d nodes', limit))
end
if count > 0 then event('fold', string.format('%d nodes into %d', count, #entries)) end
return {'OK'}
