#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Removes a run with all its keys, unless workers compute it. Works also if one of the keys has the wrong type.
-- ARGV     forced (0 1), then for each worker that is known to be gone: worker, its last heartbeat…
-- Returns  OK
-- Refusals GONE, BUSY number of workers
if redis.call('EXISTS', unpack(KEYS)) == 0 then return {'GONE'} end
local function is_hash(key) return redis.call('TYPE', key).ok == 'hash' end
local state = is_hash(RUN) and redis.call('HGET', RUN, 'state')
local ended = state == 'done' or state == 'partial' or state == 'failed' or state == 'cancelled'
local gone, beats, workers = {}, is_hash(BEATS) and redis.call('HGETALL', BEATS) or {}, 0
for i = 2, #ARGV, 2 do gone[ARGV[i]] = ARGV[i + 1] end
for i = 1, #beats, 2 do
  if gone[beats[i]] ~= beats[i + 1] then workers = workers + 1 end
end
if not ended and workers > 0 and ARGV[1] ~= '1' then return {'BUSY', workers} end
redis.call('UNLINK', unpack(KEYS))
return {'OK'}
