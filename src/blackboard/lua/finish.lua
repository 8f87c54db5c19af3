#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Stores the result and ends the run, if the result was made of all nodes on the board and each chunk is done or
-- failed. A partial run keeps its nodes, so that a rerun gives the bits of a run without failures. A done run loses its
-- plan at once, unless the field keep_plan says that another run may take over from it, and expires later.
-- ARGV     generation, worker, done, failed, result frame, seconds to keep a done run, number of names, names of the
--          nodes used…, then fields for the run: name, value
-- Returns  OK state
-- Refusals GONE ENDED STALE
local worker, count = ARGV[2], tonumber(ARGV[7])
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('GET', LEADER) ~= worker or run.done ~= tonumber(ARGV[3]) or run.failed ~= tonumber(ARGV[4])
  or run.done + run.failed ~= run.chunks or redis.call('HLEN', NODES) ~= count then
  return {'STALE'}
end
local seen, covered = {}, 0
for i = 8, 7 + count do
  if seen[ARGV[i]] or redis.call('HEXISTS', NODES, ARGV[i]) == 0 then return {'STALE'} end
  seen[ARGV[i]] = true
  covered = covered + 2 ^ tonumber(string.match(ARGV[i], '^%d+'))
end
if covered ~= run.done or redis.call('BITCOUNT', DONE) ~= covered then return {'STALE'} end  -- see mend

local state = run.failed > 0 and 'partial' or 'done'
redis.call('SET', RESULT, ARGV[5])
for i = 8 + count, #ARGV, 2 do redis.call('HSET', RUN, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', RUN, 'state', state, 'finished', string.format('%.3f', now()))
redis.call('UNLINK', LOAD, BEATS, WORKERS, SLOTS, QUEUES, CLAIMS, DELAYED, LEADER, SUSPECTS, HELD_SUSPECTS, HOSTS, AGES, COPIES, AT_WORK)
event('state', state)
if state == 'done' then
  redis.call('UNLINK', PROFILE, DONE, NODES, ATTEMPTS, FAILED)
  if redis.call('HGET', RUN, 'keep_plan') ~= '1' then redis.call('UNLINK', PLAN) end
  for _, key in ipairs({RUN, PLAN, RESULT, EVENTS, SLOWEST}) do redis.call('EXPIRE', key, ARGV[6]) end
end
return {'OK', state}
