#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A worker leaves: its claims and its queue go to the pool, and no attempt is charged. Either in good order, or because it
-- dies in a step of the job outside any chunk: the third such death ends the run.
-- ARGV     generation, worker, how it dies ('' in good order)
-- Returns  OK
-- Refusals GONE ENDED FENCED
local worker = ARGV[2]
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('HEXISTS', BEATS, worker) == 0 then return {'FENCED'} end
let_go(worker)
redis.call('HSET', RUN, 'left', string.format('%.3f', now()))
if (ARGV[3] or '') ~= '' then died_in_step(worker, ARGV[3]) else event('leave', worker) end
return {'OK'}
