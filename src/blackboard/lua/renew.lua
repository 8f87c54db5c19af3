#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A heartbeat. The worker takes the lead if no present worker has it. Returns all heartbeats to the leader, and the leader's
-- heartbeat to every other worker. Thousands of workers call this all the time: it reads what it returns, and no more.
-- ARGV     generation, worker, computes (0 1), what the worker does: JSON
-- Returns  OK leader, leader's beat, counters (chunks done failed computed again steals reaped busy active failures,
--          workers, halting ('' soon now)),
--          for the leader also a list: worker, beat…
-- Refusals GONE ENDED FENCED
local worker = ARGV[2]
local f = redis.call('HMGET', RUN, 'generation', 'state', 'chunks', 'done', 'failed', 'computed', 'again', 'steals',
  'reaped', 'busy', 'active', 'failures', 'halting')
if f[1] ~= ARGV[1] then return {'GONE'} end
if f[2] ~= 'running' then return {'ENDED'} end
if redis.call('HEXISTS', BEATS, worker) == 0 then return {'FENCED'} end
local beat = redis.call('HINCRBY', BEATS, worker, 1)
if ARGV[3] == '1' then f[11] = redis.call('HINCRBY', RUN, 'active', 1) end
redis.call('HSET', AT_WORK, worker, string.format('%.3f;', now()) .. ARGV[4])
local leader = present_leader()
if not leader then
  leader = worker
  redis.call('SET', LEADER, worker)
  event('lead', worker)
end
local counters = {unpack(f, 3, 12)}
counters[11] = redis.call('HLEN', BEATS)
counters[12] = f[13] or ''
if leader == worker then return {'OK', leader, beat, counters, redis.call('HGETALL', BEATS)} end
return {'OK', leader, tonumber(redis.call('HGET', BEATS, leader) or 0), counters}
