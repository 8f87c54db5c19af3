#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A node whose bytes cannot be read is taken out, and its chunks are computed again. Only if these bytes still stand
-- there: a late call cannot take a good node.
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
if first + size > run.chunks then return {'OK'} end  -- it stood for nothing
set_done(first, size, 0)
redis.call('HINCRBY', RUN, 'done', string.format('%d', -size))
redis.call('HINCRBY', RUN, 'node_bytes', -#ARGV[4])
redis.call('HINCRBY', RUN, 'again', string.format('%d', size))
give_to_pool(string.format('%d-%d', first, first + size))
event('reject', 'node ' .. name)
return {'OK'}
