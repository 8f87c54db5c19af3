#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- One attempt at a chunk failed: later again, or failed for good after retries+1 attempts. Counts only for a chunk in
-- the caller's claims that is not done.
-- ARGV     generation, worker, request number, held ranges (afterwards), chunk, error, host, delay (seconds)
-- Returns  OK counted (0 1) for good (0 1) attempts, first failure of the run (0 1)
-- Refusals GONE ENDED FENCED STALE
local generation, worker, number, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local chunk, delay = tonumber(ARGV[5]), tonumber(ARGV[8])
local run, refusal = running(generation)
if not run then return {refusal} end
local board
board, refusal = claims_of(worker, number)
if not board then return {refusal} end
local mine = #without({{chunk, chunk + 1}}, parse(board)) == 0
if not mine or redis.call('GETBIT', DONE, chunk) == 1 then return {'OK', 0, 0, 0, 0} end

local attempts = 1 + tonumber(string.match(redis.call('HGET', ATTEMPTS, ARGV[5]) or '0;', '^(%d+)'))
local for_good = attempts > run.retries
redis.call('HSET', ATTEMPTS, ARGV[5], string.format('%d;%s', attempts, worker))
if for_good then
  local new = redis.call('HSET', FAILED, ARGV[5],
    cjson.encode({error = ARGV[6], host = ARGV[7], worker = worker, attempts = attempts}))
  redis.call('HINCRBY', RUN, 'failed', new)  -- a chunk that two workers hold may fail for good twice
  redis.call('ZREM', DELAYED, ARGV[5])
else
  redis.call('ZADD', DELAYED, string.format('%.6f', now() + delay), ARGV[5])
end
redis.call('HSET', CLAIMS, worker, ARGV[3] .. ';' .. held)
local back = text_of(without(without(parse(board), parse(held)), {{chunk, chunk + 1}}))
if back ~= '' then set_queue(worker, joined(back, redis.call('HGET', QUEUES, worker)), rate_or_guess(0, run), run) end
event(for_good and 'failed' or 'retry', 'chunk ' .. ARGV[5] .. ' on ' .. worker .. ': ' .. ARGV[6])
redis.call('HINCRBY', RUN, 'failures', 1)
return {'OK', 1, for_good and 1 or 0, attempts, run.failures == 0 and 1 or 0}
