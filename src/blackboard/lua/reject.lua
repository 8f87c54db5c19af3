#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Removes a node whose bytes cannot be read; its chunks are computed again. Only if the node still has these bytes: a late
-- call cannot remove a good node.
-- ARGV     generation, level, index, the bytes
-- Returns  OK
-- Refusals GONE ENDED STALE
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
local name = ARGV[2] .. ':' .. ARGV[3]
if redis.call('HGET', NODES, name) ~= ARGV[4] then return {'STALE'} end
local size = 2 ^ tonumber(ARGV[2])
local first = tonumber(ARGV[3]) * size
redis.call('HDEL', NODES, name)
if first + size > run.chunks then return {'OK'} end  -- it covered no chunk of the plan
set_done(first, size, 0)
redis.call('HINCRBY', RUN, 'done', string.format('%d', -size))
redis.call('HINCRBY', RUN, 'node_bytes', -#ARGV[4])
redis.call('HINCRBY', RUN, 'again', string.format('%d', size))
give_to_pool(string.format('%d-%d', first, first + size))
event('reject', 'node ' .. name)
return {'OK'}
