#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Removes a run with all its keys, unless workers are at work on it.
-- ARGV     forced (0 1)
-- Returns  OK
-- Refusals GONE, BUSY number of workers
local state = redis.call('HGET', RUN, 'state')
if not state then return {'GONE'} end
local workers = redis.call('HLEN', BEATS)
if state == 'running' and workers > 0 and ARGV[1] ~= '1' then return {'BUSY', workers} end
redis.call('UNLINK', unpack(KEYS))
return {'OK'}
