#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Makes a run and its plan, or finds the run. A failed or cancelled run is running again, under a new generation. So is a
-- running one whose program changes: the program belongs to the generation, and no worker of the old program may continue
-- it. Its failed chunks are then queued again. Retries, maximum of failed chunks and the halt rule belong to a call, not to
-- the run: a call that finds no worker sets them.
-- The owner is the world that makes the run, or that continues it while no worker is present; the owner shows the result. If
-- two worlds start at the same moment, the second finds no worker either; so a new owner stays the owner for a minute,
-- whether its workers have joined or not.
-- ARGV     fresh (0 1), accept program (0 1), run id, job, program, identity, options, plan frame, profile, chunks,
--          slots, retries, node limit, byte limit, maximum of failed chunks (-1 any number), when to halt (see set_halt),
--          the calling world (JSON), an owner that is known to be gone ('' none), whether the run ends if all first chunks
--          fail with one error (0 1)
-- Returns  OK CREATED | OK EXISTS | OK REOPENED
-- Refusals IDENTITY PROGRAM
-- States   none → running; running, done, partial → the same; failed, cancelled → running; any → running when fresh
local fresh, accept = ARGV[1] == '1', ARGV[2] == '1'
local program, identity = ARGV[5], ARGV[6]
local old = fresh and {} or redis.call('HMGET', RUN, 'identity', 'program', 'state')
local chunks, slots = tonumber(ARGV[10]), tonumber(ARGV[11])
local seconds_to_join = 60
local function own()
  redis.call('HSET', RUN, 'owner', ARGV[17], 'owned_at', string.format('%.3f', now()))
  note_call()
end
if not (chunks >= 0 and chunks <= 2 ^ 32 and slots >= 1 and slots <= 2 ^ 32 and #ARGV[9] % 8 == 0) then
  return redis.error_reply('ERR stint: a run of ' .. ARGV[10] .. ' chunks and ' .. ARGV[11] .. ' slots cannot be')
end

if old[1] and not fresh then
  if old[1] ~= identity then return {'IDENTITY'} end
  if old[2] ~= program and not accept then return {'PROGRAM'} end
  -- A halting run whose workers have all left counts as cancelled.
  local nobody = redis.call('HLEN', BEATS) == 0
  local again = old[3] == 'failed' or old[3] == 'cancelled' or (old[3] == 'running' and old[2] ~= program)
    or (old[3] == 'running' and nobody and redis.call('HEXISTS', RUN, 'halting') == 1)
  if old[2] ~= program then
    redis.call('HSET', RUN, 'program', program)
    event('program', old[2] .. ' -> ' .. program)
  end
  if again or nobody then redis.call('HSET', RUN, 'retries', ARGV[12], 'max_failed', ARGV[15], 'ends_early', ARGV[19]) end
  if again then
    reopen()
    revive()
  end
  if again or nobody then
    set_halt(ARGV[16])
    local owner = redis.call('HMGET', RUN, 'owner', 'owned_at')
    local waits = owner[1] and owner[1] ~= ARGV[18] and now() - tonumber(owner[2]) < seconds_to_join
    if again or not waits then own() end
  end
  if not again then return {'OK', 'EXISTS'} end
  return {'OK', 'REOPENED'}
end

local time = now()
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', RUN, 'run', ARGV[3], 'job', ARGV[4], 'program', program, 'identity', identity, 'options', ARGV[7],
  'chunks', ARGV[10], 'slots', ARGV[11], 'steps', math.max(#ARGV[9] / 8 - 1, 0), 'retries', ARGV[12],
  'node_limit', ARGV[13], 'byte_limit', ARGV[14], 'max_failed', ARGV[15], 'ends_early', ARGV[19], 'generation', string.format('%d', time * 1e6), 'state', 'running', 'created', string.format('%.3f', time), 'done', 0, 'failed', 0,
  'node_bytes', 0, 'computed', 0, 'busy', 0, 'again', 0, 'steals', 0, 'reaped', 0, 'failures', 0)
redis.call('SET', PLAN, ARGV[8])
if ARGV[9] ~= '' then redis.call('SET', PROFILE, ARGV[9]) end
-- The bitmaps get their full length now: BITPOS finds no clear bit after the end of a string.
redis.call('SETBIT', DONE, math.max(chunks, 1) - 1, 0)
redis.call('SETBIT', SLOTS, slots - 1, 0)
own()
set_halt(ARGV[16])
event('state', 'running')
return {'OK', 'CREATED'}
