#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Ends a run that is halting, once no worker holds a chunk and the leader has shown every result. Done chunks
-- stay: the same command continues the run.
-- ARGV     generation, worker, done, failed, exit code, what happened, then fields for the run: name, value
-- Returns  OK
-- Refusals GONE ENDED STALE
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if not run.halting or redis.call('GET', LEADER) ~= ARGV[2] or run.done ~= tonumber(ARGV[3])
  or run.failed ~= tonumber(ARGV[4]) then
  return {'STALE'}
end
for _, claims in ipairs(redis.call('HVALS', CLAIMS)) do
  if not string.find(claims, ';$') then return {'STALE'} end
end
redis.call('HSET', RUN, 'state', 'cancelled', 'exit', ARGV[5], 'error', ARGV[6], 'finished', string.format('%.3f', now()))
for i = 7, #ARGV, 2 do redis.call('HSET', RUN, ARGV[i], ARGV[i + 1]) end
event('state', ARGV[6])
return {'OK'}
