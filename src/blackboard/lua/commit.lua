#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Adds nodes and takes their ranges out of the caller's claims. An entry is accepted only if none of its chunks is done;
-- otherwise it is refused whole, and those of its chunks that are not done go to the pool. Any worker may send any entry,
-- so the entries of a fenced worker are treated alike; its reply is FENCED.
-- ARGV     generation, worker, request number, held ranges (afterwards), rate, chunks computed, busy seconds,
--          seconds since the last chunk ended (-1 none), seconds of the longest chunk, its number ('' if not worth a
--          report), then entries: level, index, frame
-- Returns  OK done failed halting ('' soon now) [names of refused entries…], or the same with FENCED. A name that ends
--          in !: the node on the board has other bytes
-- Refusals GONE ENDED STALE
local generation, worker, number, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local rate, computed, busy, since_end = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local longest = tonumber(ARGV[9])
local run, refusal = running(generation)
if not run then return {refusal} end
local board
board, refusal = claims_of(worker, number)
if refusal == 'STALE' then return {'STALE'} end
local entries = entries_from(11)
if not entries then return redis.error_reply('ERR stint: malformed entry') end
if not (computed >= 0 and computed < 2 ^ 53 and busy >= 0 and busy < 1e15) then computed, busy = 0, 0 end

-- A done chunk is neither delayed nor failed. Each chunk that ever failed is in `attempts`.
local function forget_failures(entry)
  local names = {}
  if entry.size <= 64 then
    for chunk = entry.first, entry.last - 1 do names[#names + 1] = string.format('%d', chunk) end
  else
    names = redis.call('HKEYS', ATTEMPTS)
  end
  for _, name in ipairs(names) do
    local chunk = tonumber(name)
    if chunk >= entry.first and chunk < entry.last and redis.call('HEXISTS', ATTEMPTS, name) == 1 then
      run.failed = run.failed - forget_failure(name)
    end
  end
end

local reply, pooled, gone = {refusal or 'OK', 0, 0, ''}, {}, {}
local failed, again, taken = run.failed, 0, 0
for _, entry in ipairs(entries) do
  gone[#gone + 1] = {entry.first, entry.last}
  local border = math.min(entry.last, run.chunks)  -- a name beyond the plan is refused
  local open = entry.first < border and open_chunks(entry.first, border) or 0
  if open < entry.size then
    local there = redis.call('HGET', NODES, entry.name)
    local differs = there and there ~= entry.frame
    reply[#reply + 1] = entry.name .. (differs and '!' or '')
    if differs then event('differs', 'node ' .. entry.name .. ' of ' .. worker) end
    again = again + entry.size
    if open > 0 then pooled[#pooled + 1] = {entry.first, border} end
  else
    redis.call('HSET', NODES, entry.name, entry.frame)
    set_done(entry.first, entry.size, 1)
    run.done = run.done + entry.size
    taken = taken + 1
    run.node_bytes = run.node_bytes + #entry.frame
    if run.failures > 0 then forget_failures(entry) end
  end
end
run.computed, run.busy = run.computed + computed, run.busy + busy
redis.call('HSET', RUN, 'done', run.done, 'node_bytes', run.node_bytes, 'computed', run.computed,
  'busy', string.format('%.9f', run.busy), 'active', run.active + 1)
if longest > run.longest and longest < 1e15 then redis.call('HSET', RUN, 'longest', string.format('%.6f', longest)) end
if ARGV[10] ~= '' and longest < 1e15 then
  redis.call('ZADD', SLOWEST, ARGV[9], ARGV[10])
  redis.call('ZREMRANGEBYRANK', SLOWEST, 0, -11)
end
if run.failed ~= failed then redis.call('HSET', RUN, 'failed', run.failed) end
if again > 0 then redis.call('HINCRBY', RUN, 'again', again) end
if since_end >= 0 then
  redis.call('HSET', RUN, 'last_end', string.format('%.6f', math.max(run.last_end, now() - since_end)))
end
if run.failures > 0 then
  -- A chunk that was sent is no longer held; a refused one waits in the pool.
  local mine, open = suspects_of(worker), {}
  if #mine > 0 then
    for _, range in ipairs(gone) do mine = suspects_without(mine, range[1], range[2]) end
    for _, each in ipairs(mine) do
      if open_chunks(each.first, each.last) > 0 then open[#open + 1] = each end
    end
    set_suspects_of(worker, open)
  end
  local host = host_of(worker)
  if taken > 0 and redis.call('HGET', HOSTS, host) ~= 'benched' then redis.call('HDEL', HOSTS, host) end
end
if #pooled > 0 then give_to_pool(text_of(pooled)) end
if board then settle(worker, ARGV[3], held, board, gone, rate, run) end
look_at_halt(run)
reply[2], reply[3], reply[4] = run.done, run.failed, run.halting or ''
return reply
