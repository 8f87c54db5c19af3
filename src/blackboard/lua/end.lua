#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Ends a run as failed: bad input, or a step of the job outside a chunk. The first word stays.
-- ARGV     generation, exit code, error
-- Returns  OK
-- Refusals GONE ENDED
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
redis.call('HSET', RUN, 'state', 'failed', 'exit', ARGV[2], 'error', ARGV[3])
event('state', 'failed: ' .. ARGV[3])
return {'OK'}
