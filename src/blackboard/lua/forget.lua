#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Takes a run off the list of runs if its time is over: nothing is removed of a run that is there. What is left of one
-- that lost its hash goes with it.
-- ARGV     the list of runs (key), run id
-- Returns  OK
-- Refusals BUSY (the run is there)
if redis.call('EXISTS', RUN) == 1 then return {'BUSY'} end
redis.call('UNLINK', unpack(KEYS))
redis.call('ZREM', ARGV[1], ARGV[2])
return {'OK'}
