#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- A worker leaves: what it still holds goes to the pool, and nothing is charged. In good order, or since it dies in a
-- step of the job that belongs to no chunk: the third such death ends the run.
-- ARGV     generation, worker, how it dies ('' it does not)
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
