#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Gives up a worker that was silent for a lease, if its heartbeat is still the one that the caller saw, or one that is known
-- to be gone (beat ''). Its chunks go to the pool; the chunks that it held become suspects if they may have killed it. If it
-- led, is charged, and no open chunk is left, it died while it made the result: the third such death ends the run.
-- ARGV     generation, worker, beat seen ('' known to be gone), blame (0 none, 1 suspect, 2 charged)
-- Returns  OK
-- Refusals GONE ENDED STALE (it is not there, or has sent another heartbeat)
local worker = ARGV[2]
local run, refusal = running(ARGV[1])
if not run then return {refusal} end
local beat = redis.call('HGET', BEATS, worker)
if not beat or (ARGV[3] ~= '' and beat ~= ARGV[3]) then return {'STALE'} end
local open, held = 0, parse(string.match(redis.call('HGET', CLAIMS, worker) or '0;', ';(.*)$'))
for _, range in ipairs(held) do open = open + open_chunks(range[1], range[2]) end
redis.call('HINCRBY', RUN, 'again', open)
redis.call('HINCRBY', RUN, 'reaped', 1)
event('reap', string.format('%s with %s in hand: %s', worker, number_of(open, 'chunk'), text_of(held)))
local led = redis.call('GET', LEADER) == worker
if ARGV[4] ~= '0' and open > 0 then accuse(worker, held, open, ARGV[4] == '2', run) end
let_go(worker)
if ARGV[4] == '2' and led and run.done + run.failed == run.chunks then
  died_in_step(worker, 'the rank that led died while it merged or finished the result')
end
return {'OK'}
