#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Takes an expired run off the list of runs, with the keys that are left of it. Changes nothing if the hash of the run
-- exists.
-- ARGV     the list of runs (key), run id
-- Returns  OK
-- Refusals BUSY (the run exists)
if redis.call('EXISTS', RUN) == 1 then return {'BUSY'} end
redis.call('UNLINK', unpack(KEYS))
redis.call('ZREM', ARGV[1], ARGV[2])
return {'OK'}
