#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Nodes in, their ranges out of the caller's claims. An entry is taken only if none of its chunks is done; else it is
-- refused whole and those of its chunks that are not done go to the pool. Who sends it does not matter for counting, so
-- a fenced worker's entries are looked at too, and it is told that it is fenced.
-- ARGV     generation, worker, request number, held ranges (afterwards), rate, chunks computed, busy seconds,
--          seconds since the last chunk ended (-1 none), then entries: level, index, frame
-- Returns  OK done failed [names of refused entries…] | FENCED done failed [names…]
-- Refusals GONE ENDED STALE
local generation, worker, number, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local rate, computed, busy = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local run, refusal = running(generation)
if not run then return {refusal} end
local board
board, refusal = claims_of(worker, number)
if refusal == 'STALE' then return {'STALE'} end
local entries = entries_from(9)
if not entries then return redis.error_reply('ERR stint: malformed entry') end

local refused, again, bytes, pooled, gone = {}, 0, 0, {}, {}
local troubled = redis.call('ZCARD', DELAYED) > 0 or redis.call('HLEN', ATTEMPTS) > 0 or run.failed > 0
for _, entry in ipairs(entries) do
  gone[#gone + 1] = {entry.first, entry.last}
  local size = entry.last - entry.first
  local taken = entry.last > run.chunks and size or redis.call('BITCOUNT', DONE, entry.first, entry.last - 1, 'BIT')
  if taken > 0 then
    refused[#refused + 1] = entry.name
    again = again + size
    if taken < size then pooled[#pooled + 1] = {entry.first, entry.last} end
  else
    redis.call('HSET', NODES, entry.name, entry.frame)
    set_done(entry.first, entry.last, 255)
    run.done = run.done + size
    bytes = bytes + #entry.frame
    if troubled then
      for _, key in ipairs({DELAYED, FAILED, ATTEMPTS}) do
        local names = key == DELAYED and redis.call('ZRANGE', key, 0, -1) or redis.call('HKEYS', key)
        for _, name in ipairs(names) do
          local chunk = tonumber(name)
          if chunk >= entry.first and chunk < entry.last then
            redis.call(key == DELAYED and 'ZREM' or 'HDEL', key, name)
            if key == FAILED then run.failed = run.failed - 1 end
          end
        end
      end
    end
  end
end
redis.call('HSET', RUN, 'done', run.done, 'failed', run.failed)
redis.call('HINCRBY', RUN, 'node_bytes', bytes)
redis.call('HINCRBY', RUN, 'computed', computed)
redis.call('HINCRBYFLOAT', RUN, 'busy', string.format('%.9f', busy))
if tonumber(ARGV[8]) >= 0 then redis.call('HSET', RUN, 'last_end', string.format('%.6f', now() - tonumber(ARGV[8]))) end
if again > 0 then redis.call('HINCRBY', RUN, 'again', again) end
give_to_pool(text_of(pooled))
if board then
  local back = text_of(without(without(parse(board), parse(held)), gone))
  redis.call('HSET', CLAIMS, worker, ARGV[3] .. ';' .. held)
  if back ~= '' then
    set_queue(worker, joined(back, redis.call('HGET', QUEUES, worker)), rate_or_guess(rate, run), run)
  end
end
return {refusal or 'OK', run.done, run.failed, unpack(refused)}
