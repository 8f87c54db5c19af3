#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Removes a run with all its keys, unless workers are at work on it.
-- ARGV     forced (0 1), then of workers that are gone: worker, its last heartbeat…
-- Returns  OK
-- Refusals GONE, BUSY number of workers
local state = redis.call('HGET', RUN, 'state')
if not state then return {'GONE'} end
local gone, beats, workers = {}, redis.call('HGETALL', BEATS), 0
for i = 2, #ARGV, 2 do gone[ARGV[i]] = ARGV[i + 1] end
for i = 1, #beats, 2 do
  if gone[beats[i]] ~= beats[i + 1] then workers = workers + 1 end
end
if state == 'running' and workers > 0 and ARGV[1] ~= '1' then return {'BUSY', workers} end
redis.call('UNLINK', unpack(KEYS))
return {'OK'}
