#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Queues failed chunks again: all of them, or those in a list. A run that had ended is running again, under a new
-- generation, and its result is dropped; the nodes stay, so the bits are those of a run without failures.
-- ARGV     program, ranges ('' all), retries, maximum of failed chunks, when to halt (see set_halt), whether the run ends
--          if all first chunks fail (0 1). '' leaves program, retries, maximum and the last as they are
-- Returns  OK number of chunks that had failed and are queued again
-- Refusals GONE, ENDED (the run is done: no chunk failed)
local f = redis.call('HMGET', RUN, 'state', 'program', 'slots')
if not f[1] then return {'GONE'} end
if f[1] == 'done' then return {'ENDED'} end
if ARGV[1] ~= '' and ARGV[1] ~= f[2] then
  redis.call('HSET', RUN, 'program', ARGV[1])
  event('program', f[2] .. ' -> ' .. ARGV[1])
end
if ARGV[3] ~= '' then redis.call('HSET', RUN, 'retries', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', RUN, 'max_failed', ARGV[4]) end
if ARGV[6] ~= '' then redis.call('HSET', RUN, 'ends_early', ARGV[6]) end
local chosen
if ARGV[2] ~= '' then chosen = parse(ARGV[2]) end
if f[1] ~= 'running' then reopen() end
local chunks = revive(chosen)
if f[1] ~= 'running' or redis.call('HLEN', BEATS) == 0 then note_call() end
if f[1] ~= 'running' then set_halt(ARGV[5]) end
return {'OK', chunks}
