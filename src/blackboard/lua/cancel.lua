#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Ends a run at the request of its user. Done chunks stay: the same command continues the run.
-- ARGV     (none)
-- Returns  OK
-- Refusals GONE, ENDED state
local state = redis.call('HGET', RUN, 'state')
if not state then return {'GONE'} end
if state ~= 'running' then return {'ENDED', state} end
redis.call('HSET', RUN, 'state', 'cancelled', 'finished', string.format('%.3f', now()))
event('state', 'cancelled')
return {'OK'}
