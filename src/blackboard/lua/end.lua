#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Ends a run as failed: bad input, or a step of the job outside a chunk. A second call changes nothing.
-- ARGV     generation, exit code, error
-- Returns  OK
-- Refusals GONE ENDED
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
end_run(ARGV[2], ARGV[3])
return {'OK'}
