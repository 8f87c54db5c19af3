#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A heartbeat. Takes the lead if nobody has it. The leader is told all heartbeats, the others the leader's.
-- ARGV     generation, worker, computes (0 1), what has been at work there for long: JSON, '' nothing
-- Returns  OK leader, leader's beat, counters (chunks done failed computed again steals reaped busy active failures,
--          workers, halting ('' soon now)),
--          for the leader also a list: worker, beat…
-- Refusals GONE ENDED FENCED
local worker = ARGV[2]
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('HEXISTS', BEATS, worker) == 0 then return {'FENCED'} end
local beat = redis.call('HINCRBY', BEATS, worker, 1)
if ARGV[3] == '1' then redis.call('HINCRBY', RUN, 'active', 1) end
if ARGV[4] ~= '' then
  redis.call('HSET', AT_WORK, worker, string.format('%.3f;', now()) .. ARGV[4])
else
  redis.call('HDEL', AT_WORK, worker)
end
local leader = redis.call('GET', LEADER)
if not leader then
  leader = worker
  redis.call('SET', LEADER, worker)
  event('lead', worker)
end
local counters = redis.call('HMGET', RUN, 'chunks', 'done', 'failed', 'computed', 'again', 'steals', 'reaped', 'busy', 'active',
  'failures')
counters[11] = redis.call('HLEN', BEATS)
counters[12] = run.halting or ''
if leader == worker then return {'OK', leader, beat, counters, redis.call('HGETALL', BEATS)} end
return {'OK', leader, tonumber(redis.call('HGET', BEATS, leader) or 0), counters}
