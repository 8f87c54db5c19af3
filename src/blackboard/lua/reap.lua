#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Gives up one worker that was silent for a lease, if its heartbeat still is what the caller saw, or that is known to
-- be gone (beat ''). Its chunks go to the pool.
-- ARGV     generation, worker, beat seen ('' known to be gone)
-- Returns  OK
-- Refusals GONE ENDED STALE (it is not there, or its heart has beaten)
local worker = ARGV[2]
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
local beat = redis.call('HGET', BEATS, worker)
if not beat or (ARGV[3] ~= '' and beat ~= ARGV[3]) then return {'STALE'} end
local open = 0
for _, range in ipairs(parse(string.match(redis.call('HGET', CLAIMS, worker) or '0;', ';(.*)$'))) do
  open = open + open_chunks(range[1], range[2])
end
redis.call('HINCRBY', RUN, 'again', open)
redis.call('HINCRBY', RUN, 'reaped', 1)
let_go(worker)
event('reap', string.format('%s with %d chunks in hand', worker, open))
return {'OK'}
