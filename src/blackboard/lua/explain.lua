#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Returns where one chunk is; only reads.
-- ARGV     chunk
-- Returns  OK name value …: `state` (done failed delayed suspect claimed queued pooled slot unknown; the first that
--          holds), and what goes with it: node, worker, attempts, error (JSON), due (seconds from now), deaths
-- Refusals GONE, ENDED (no such chunk, or the run is done and keeps nothing about single chunks)
local chunk, name = tonumber(ARGV[1]), ARGV[1]
local f = redis.call('HMGET', RUN, 'chunks', 'slots', 'steps')
if not f[1] then return {'GONE'} end
local run = {chunks = tonumber(f[1]), slots = tonumber(f[2]), steps = tonumber(f[3])}
if not chunk or chunk >= run.chunks or redis.call('EXISTS', DONE) == 0 then return {'ENDED'} end
local function has(text)
  return #without({{chunk, chunk + 1}}, parse(text)) == 0
end
local story = {'OK'}
local function tell(what, value)
  story[#story + 1] = what
  story[#story + 1] = value
end

local attempts, last = string.match(redis.call('HGET', ATTEMPTS, name) or '', '^(%d+);(.*)$')
if attempts then
  tell('attempts', attempts)
  tell('last', last)
end
local suspected
for _, each in ipairs(all_suspects()) do
  if each.first <= chunk and each.last > chunk then suspected = each end
end
if suspected then tell('deaths', tostring(suspected.deaths)) end
if redis.call('GETBIT', DONE, chunk) == 1 then
  tell('state', 'done')
  for level = 0, 32 do
    local node = string.format('%d:%d', level, math.floor(chunk / 2 ^ level))
    if redis.call('HEXISTS', NODES, node) == 1 then tell('node', node) end
  end
  return story
end
local error = redis.call('HGET', FAILED, name)
if error then
  tell('state', 'failed')
  tell('error', error)
  return story
end
local holders, claimed = redis.call('HGETALL', CLAIMS), false
for i = 1, #holders, 2 do
  if has(string.match(holders[i + 1], ';(.*)$')) then
    claimed = true
    tell('state', 'claimed')
    tell('worker', holders[i])
    local since = redis.call('ZSCORE', AGES, holders[i])
    if since then tell('since', string.format('%.3f', now() - tonumber(since))) end
  end
end
if claimed then return story end
local due = redis.call('ZSCORE', DELAYED, name)
if due then
  tell('state', 'delayed')
  tell('due', string.format('%.3f', tonumber(due) - now()))
  return story
end
if suspected then
  tell('state', 'suspect')
  return story
end
local queues = redis.call('HGETALL', QUEUES)
for i = 1, #queues, 2 do
  if has(queues[i + 1]) then
    tell('state', queues[i] == POOL and 'pooled' or 'queued')
    if queues[i] ~= POOL then tell('worker', queues[i]) end
    return story
  end
end
for slot = 0, math.min(run.slots, redis.call('STRLEN', SLOTS) * 8) - 1 do
  if redis.call('GETBIT', SLOTS, slot) == 0 and has(text_of(slot_ranges(slot, run))) then
    tell('state', 'slot')
    tell('slot', tostring(slot))
    return story
  end
end
tell('state', 'unknown')
return story
