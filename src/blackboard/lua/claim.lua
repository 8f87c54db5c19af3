#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Returns the next range for a worker. Looks in this order: retries that are due, the pool, its own queue, a free slot, a
-- steal from the highest load; if there is nothing: a suspect; then a copy of the oldest claim of a worker that takes much
-- longer than any chunk did so far. Claims on the board that the caller does not hold go back to the front of its queue.
-- If the first chunks all failed, the next ones come from all over the plan (see fail.lua).
-- ARGV     generation, worker, request number, held ranges, rate (seconds a unit of cost, 0 unknown),
--          wanted cost, least chunks, least seconds worth stealing, lease (seconds), may steal (0 1),
--          seconds after which a claim may be copied (-1 never)
-- Returns  OK done failed queued [first last attempt source]
-- Refusals GONE ENDED FENCED STALE, FULL done failed, HALT done failed how (soon now)
local generation, worker, number, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local rate, want, least = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local least_steal, lease, may_steal = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1'
local copy_after = tonumber(ARGV[11])
local run, refusal = running(generation)
if not run then return {refusal} end
local board
board, refusal = claims_of(worker, number)
if not board then return {refusal} end
if run.halting then
  if board ~= held then settle(worker, ARGV[3], held, board, {}, rate, run) end
  return {'HALT', run.done, run.failed, run.halting}
end
if redis.call('HLEN', NODES) >= run.node_limit or run.node_bytes >= run.byte_limit then
  return {'FULL', run.done, run.failed}
end

local queues = redis.call('HMGET', QUEUES, worker, POOL)
local own, pool = queues[1] or '', queues[2] or ''
if board ~= held then own = joined(text_of(given_back(worker, board, held, {}, run)), own) end
local speed = rate_or_guess(rate, run)
local workers = redis.call('HLEN', BEATS)
local total = cost_before(run.chunks, run)
local remaining = run.chunks - run.done - run.failed
-- Towards the end claims shrink, so that all workers end together: to a quarter of an even share of the remaining chunks.
-- Thousands of workers claim more than that if needed, so that all together send at most 5,000 claims a second.
local floor = workers > 1250 and workers / 5000 / speed or 0
want = math.min(want, math.max(floor, remaining * total / run.chunks / (4 * workers)))
least = math.min(least, math.max(1, math.floor(remaining / (2 * workers))))

-- The first contiguous chunks in [first, last) that are not done. Nil: all are done.
local function open_part(first, last)
  local from = redis.call('BITPOS', DONE, 0, first, last - 1, 'BIT')
  if from < 0 then return nil end
  local taken = redis.call('BITPOS', DONE, 1, from, last - 1, 'BIT')
  return from, taken >= 0 and taken or last
end

local probed = run.ends_early and run.done == 0 and run.failures >= FIRST_CHUNKS
  and redis.call('HLEN', ATTEMPTS) >= FIRST_CHUNKS and (redis.call('HGET', RUN, 'probes') or '')
local probe = probed and select(2, string.gsub(probed, ';', ''))  -- the number of probes so far
if probe and probe >= PROBES then probe = nil end

-- One chunk from a new place in `text`, and the rest of the text. Only called while no chunk is done.
local function pick(text)
  local list, size = parse(text), 0
  for _, range in ipairs(list) do size = size + range[2] - range[1] end
  local at = math.floor(size * (((probe + 1) * 0.6180339887498949) % 1))
  for _, range in ipairs(list) do
    if at < range[2] - range[1] then
      local chunk = range[1] + at
      return chunk, chunk + 1, text_of(without(list, {{chunk, chunk + 1}}))
    end
    at = at - (range[2] - range[1])
  end
  return nil, nil, ''
end

-- From the front of `text`: the first range that is not done, up to the wanted cost, and the rest of the text. Looks at no
-- more than 256 ranges; the next claim continues from there.
local function take(text)
  if probe then return pick(text) end
  local at = 1
  for _ = 1, 256 do
    local _, to, first, last = string.find(text, '^(%d+)%-(%d+),?', at)
    if not first then return nil, nil, '' end
    at, last = to + 1, tonumber(last)
    first = redis.call('BITPOS', DONE, 0, first, last - 1, 'BIT')
    if first >= 0 then
      local border = border_at(first, last, want, run)
      -- border_at returns the first border beyond the wanted cost; stay below it if possible
      if border > first + 1 and cost_before(border, run) - cost_before(first, run) > want then border = border - 1 end
      if border < last then border = round_down(first, border) end
      border = math.min(last, math.max(border, first + least))
      local taken = redis.call('BITPOS', DONE, 1, first, border - 1, 'BIT')
      if taken >= 0 then border = taken end
      local rest = string.sub(text, at)
      if border < last then rest = joined(string.format('%d-%d', border, last), rest) end
      return first, border, rest
    end
  end
  return nil, nil, string.sub(text, at)
end

local time = now()

-- The seconds by which `worker` is late: the age of its last claim, less the seconds that all its claims take at `at_rate`.
-- It is expected to be late by as much again before it reaches the chunks in its queue.
local function lateness(worker, at_rate)
  local since = redis.call('ZSCORE', AGES, worker)
  local holds = parse(string.match(redis.call('HGET', CLAIMS, worker) or '', ';(.*)$'))
  if not since or #holds == 0 then return 0 end
  return math.max(0, time - tonumber(since) - cost_of(holds, run) * at_rate)
end

-- Takes from the back of `list` the part that lets thief and victim end together; half if the thief's speed is unknown.
-- `seconds`: the victim's time for the list. Nil if the part saves less than `least_steal` seconds, or would take the thief
-- twice as long as the victim.
local function part_of(list, seconds, victim)
  local cost = cost_of(list, run)
  local victim_rate = seconds / math.max(cost, 1e-300)
  local late = lateness(victim, victim_rate)
  local share = math.min(cost, (late + seconds) / (victim_rate + (rate > 0 and rate or victim_rate)))
  local stolen, got = {}, 0
  while #list > 0 and share > 0 do
    local range = list[#list]
    local worth = cost_of({range}, run)
    if worth <= share then
      table.insert(stolen, 1, range)
      table.remove(list)
      share, got = share - worth, got + worth
    else
      local border = border_at(range[1], range[2], worth - share, run)
      if border == range[2] then border = range[2] - 1 end
      local align = alignment(range[2] - border)
      border = math.max(range[1], math.floor(border / align) * align)
      local piece = {border, range[2]}
      worth = cost_of({piece}, run)
      if late + got * victim_rate < least_steal or #stolen == 0 or worth <= 1.5 * share then
        table.insert(stolen, 1, piece)
        got = got + worth
        if border > range[1] then list[#list] = {range[1], border} else table.remove(list) end
      end
      break
    end
  end
  if #stolen == 0 or late + got * victim_rate < least_steal or got * rate > 2 * (late + seconds) then return nil end
  return stolen, victim_rate
end

local first, last, source
local retry, pool_changed, victim, victim_queue, victim_rate, suspect, copied
local slots, mine, seen_done, suspect_alone, idle = {}, {}, {}, false, false

if run.failures > 0 then
  mine = suspects_of(worker)
  for _, each in ipairs(mine) do suspect_alone = suspect_alone or each.deaths >= alone_from(run) end
  idle = suspect_alone or is_benched(worker, run)
end
if idle then may_steal, copy_after = false, -1 end

if run.failures > 0 and not idle then
  local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', time, 'WITHSCORES', 'LIMIT', 0, 16)
  for i = 1, #due, 2 do
    -- First only on another worker; after one more lease on any.
    local by = string.match(redis.call('HGET', ATTEMPTS, due[i]) or '', ';(.*)$')
    if by ~= worker or workers == 1 or time > tonumber(due[i + 1]) + lease then
      retry, source, first = due[i], 'retry', tonumber(due[i])
      last = first + 1
      break
    end
  end
end
if not first and not idle and pool ~= '' then
  first, last, pool = take(pool)
  pool_changed, source = true, 'pool'
end
if not first and not idle and own ~= '' then
  first, last, own = take(own)
  source = 'own'
end
while not first and not idle and own == '' and #slots < 64 do  -- some slots may be empty, or all done
  local slot = redis.call('BITPOS', SLOTS, 0, #slots > 0 and slots[#slots] + 1 or 0, run.slots - 1, 'BIT')
  if slot < 0 then break end
  slots[#slots + 1] = slot
  first, last, own = take(text_of(slot_ranges(slot, run)))
  source = 'slot'
end
if not first and own == '' and may_steal then
  local top = redis.call('ZREVRANGE', LOAD, 0, 1, 'WITHSCORES')
  local of = top[1] == worker and 3 or 1
  local seconds = tonumber(top[of + 1] or 0)
  if seconds > 0 then
    local list = parse(redis.call('HGET', QUEUES, top[of]))
    local stolen
    stolen, victim_rate = part_of(list, seconds, top[of])
    if stolen then
      victim, victim_queue = top[of], list
      first, last, own = take(text_of(stolen))
      source = 'steal'
    end
  end
end

if not first and not idle and run.failures > 0 then
  for _, each in ipairs(waiting_suspects()) do
    local from, to = open_part(each.first, each.last)
    if not from and #seen_done < 1000 then seen_done[#seen_done + 1] = each.name end  -- the maximum of arguments in Lua
    if from and (held == '' or each.deaths < alone_from(run)) then
      suspect, first, last, source = each, from, to, 'suspect'
      break
    end
  end
end
if not first and copy_after >= 0 and held == '' and own == '' then
  local slow = time - math.max(copy_after, 2 * run.longest)
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', AGES, '-inf', slow, 'LIMIT', 0, 4)) do
    for _, range in ipairs(parse(string.match(redis.call('HGET', CLAIMS, other) or '0;', ';(.*)$'))) do
      local name = string.format('%d-%d', range[1], range[2])
      local from, to = open_part(range[1], range[2])
      local is_suspect = false
      for _, each in ipairs(run.failures > 0 and suspects_of(other) or {}) do
        is_suspect = is_suspect or (each.first < range[2] and each.last > range[1])
      end
      if not first and other ~= worker and from and not is_suspect and redis.call('HEXISTS', COPIES, name) == 0 then
        copied, first, last, source = name, from, to, 'copy'
      end
    end
  end
end

-- All is decided; the writes begin here. (given_back may have written before: a range is in `suspects` before it leaves
-- `held_suspects`, so that an error in between loses nothing.)
if idle and not suspect_alone and own ~= '' then  -- on a benched host the queue would wait in vain
  give_to_pool(own)
  own = ''
end
if pool_changed then redis.call('HSET', QUEUES, POOL, pool) end
if retry then redis.call('ZREM', DELAYED, retry) end
for _, slot in ipairs(slots) do redis.call('SETBIT', SLOTS, slot, 1) end
if victim then
  set_queue(victim, text_of(victim_queue), victim_rate, run)
  redis.call('HINCRBY', RUN, 'steals', 1)
  event('steal', worker .. ' from ' .. victim)
end
if #seen_done > 0 then redis.call('HDEL', SUSPECTS, unpack(seen_done)) end
if suspect then
  redis.call('HDEL', SUSPECTS, suspect.name)
  let_wait(last, suspect.last, suspect.deaths)
  mine[#mine + 1] = {first = first, last = last, deaths = suspect.deaths}
  set_suspects_of(worker, mine)
end
if copied then
  redis.call('HSET', COPIES, copied, worker)
  redis.call('HINCRBY', RUN, 'copies', 1)
  event('copy', string.format('%s by %s', copied, worker))
end
if probe and first and source ~= 'retry' and source ~= 'suspect' and source ~= 'copy' then
  redis.call('HSET', RUN, 'probes', string.format('%s%d;', probed, first))
end
local queued = set_queue(worker, own, speed, run)
if not run.first_claim then redis.call('HSET', RUN, 'first_claim', string.format('%.6f', time)) end
if not first then
  redis.call('HSET', CLAIMS, worker, ARGV[3] .. ';' .. held)
  return {'OK', run.done, run.failed, queued}
end
redis.call('HSET', CLAIMS, worker, ARGV[3] .. ';' .. joined(held, string.format('%d-%d', first, last)))
redis.call('ZADD', AGES, string.format('%.6f', time), worker)
local attempt = 1 + (suspect and suspect.deaths or 0)
if run.failures > 0 and last == first + 1 then
  attempt = attempt + tonumber(string.match(redis.call('HGET', ATTEMPTS, string.format('%d', first)) or '0;', '^(%d+)'))
end
return {'OK', run.done, run.failed, queued, first, last, attempt, source}
