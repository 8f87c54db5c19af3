#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- An orderly goodbye: what the worker still holds goes to the pool, and nothing is charged.
-- ARGV     generation, worker
-- Returns  OK
-- Refusals GONE ENDED FENCED
local worker = ARGV[2]
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
if redis.call('HEXISTS', BEATS, worker) == 0 then return {'FENCED'} end
let_go(worker)
event('leave', worker)
return {'OK'}
