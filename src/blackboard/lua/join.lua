#!lua
-- SPDX-License-Identifier: Apache-2.0
-- A worker joins. It takes the slot in the request if that is free, and the lead if no present worker has it.
-- ARGV     generation ('' any), worker, who it is (JSON), slot (-1 none), program
-- Returns  OK generation leader
-- Refusals GONE ENDED PROGRAM
local worker, slot = ARGV[2], tonumber(ARGV[4])
local f = redis.call('HMGET', RUN, 'generation', 'program')
if not f[1] then return {'GONE'} end
local generation = ARGV[1] == '' and f[1] or ARGV[1]
local run, refusal = running(generation)
if not run then return {refusal} end
if f[2] ~= ARGV[5] then return {'PROGRAM'} end
local leader = present_leader()
if redis.call('HEXISTS', BEATS, worker) == 1 then return {'OK', generation, leader or ''} end

local queue = ''
local take = slot >= 0 and slot < run.slots and redis.call('GETBIT', SLOTS, slot) == 0
if take then
  queue = text_of(slot_ranges(slot, run))
  redis.call('SETBIT', SLOTS, slot, 1)
end
redis.call('HSET', BEATS, worker, 1)
redis.call('HSET', WORKERS, worker, ARGV[3])
redis.call('HSET', AT_WORK, worker, string.format('%.3f;', now()))
redis.call('HSET', CLAIMS, worker, '0;')
set_queue(worker, queue, rate_or_guess(0, run), run)
if not leader then
  redis.call('SET', LEADER, worker)
  leader = worker
end
event('join', worker)
return {'OK', generation, leader}
