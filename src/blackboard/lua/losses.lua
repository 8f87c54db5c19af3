-- SPDX-License-Identifier: Apache-2.0
-- Embedded after common.lua in front of every script: what happens to the chunks of a worker that is gone, and to failed
-- chunks. A suspect is a range that a worker held when it died; suspects never overlap. Waiting suspects are in `suspects`,
-- "first-last" → deaths; suspects that a worker computes again are in `held_suspects`, worker → "deaths:first-last,…". So
-- a request reads only what its worker holds, however many have died. The first death may have any cause, so the
-- suspect waits behind all other work, in halves. From the second death on (from the first, if there is at most one retry) it
-- is computed alone on its rank. Only a chunk that was alone is charged with the death: its neighbours never pay. One death
-- without a reported cause fails no chunk, even without retries: a lost rank was seldom killed by the chunk that it computed.

-- The waiting suspects, in the order in which claim hands them out.
local function waiting_suspects()
  local list, all = {}, redis.call('HGETALL', SUSPECTS)
  for i = 1, #all, 2 do
    local first, last = string.match(all[i], '^(%d+)%-(%d+)$')
    list[#list + 1] = {name = all[i], first = tonumber(first), last = tonumber(last),
      deaths = tonumber(string.match(all[i + 1], '^%d+'))}
  end
  table.sort(list, function(a, b) return a.deaths < b.deaths or (a.deaths == b.deaths and a.first < b.first) end)
  return list
end

local function suspects_in(text)
  local list = {}
  for deaths, first, last in string.gmatch(text, '(%d+):(%d+)%-(%d+)') do
    list[#list + 1] = {first = tonumber(first), last = tonumber(last), deaths = tonumber(deaths)}
  end
  return list
end

-- Waiting suspects first, then held ones.
local function all_suspects()
  local list = waiting_suspects()
  for _, text in ipairs(redis.call('HVALS', HELD_SUSPECTS)) do
    for _, each in ipairs(suspects_in(text)) do list[#list + 1] = each end
  end
  return list
end

local function suspects_of(worker) return suspects_in(redis.call('HGET', HELD_SUSPECTS, worker) or '') end

local function set_suspects_of(worker, list)
  local texts = {}
  for i, each in ipairs(list) do texts[i] = string.format('%d:%d-%d', each.deaths, each.first, each.last) end
  if #texts > 0 then
    redis.call('HSET', HELD_SUSPECTS, worker, table.concat(texts, ','))
  else
    redis.call('HDEL', HELD_SUSPECTS, worker)
  end
end

-- The number of deaths from which on a suspect is computed alone.
local function alone_from(run) return math.max(1, math.min(2, run.retries)) end

local function let_wait(first, last, deaths)
  if first < last then redis.call('HSET', SUSPECTS, string.format('%d-%d', first, last), deaths) end
end

-- `list` without [first, last), and the maximum number of deaths of the parts removed.
local function suspects_without(list, first, last)
  local rest, deaths = {}, 0
  for _, each in ipairs(list) do
    local cut = math.min(each.last, last) > math.max(each.first, first)
    if cut then deaths = math.max(deaths, each.deaths) end
    for _, part in ipairs(cut and {{each.first, first}, {last, each.last}} or {{each.first, each.last}}) do
      if part[1] < part[2] then rest[#rest + 1] = {first = part[1], last = part[2], deaths = each.deaths} end
    end
  end
  return rest, deaths
end

-- Takes [first, last) out of all suspects; returns the maximum number of deaths of its parts.
local function cut_suspects(first, last)
  local most, deaths, rest = 0, 0, nil
  for _, each in ipairs(waiting_suspects()) do
    rest, deaths = suspects_without({each}, first, last)
    if deaths > 0 then
      redis.call('HDEL', SUSPECTS, each.name)
      for _, part in ipairs(rest) do let_wait(part.first, part.last, part.deaths) end
    end
    most = math.max(most, deaths)
  end
  local all = redis.call('HGETALL', HELD_SUSPECTS)
  for i = 1, #all, 2 do
    rest, deaths = suspects_without(suspects_in(all[i + 1]), first, last)
    if deaths > 0 then set_suspects_of(all[i], rest) end
    most = math.max(most, deaths)
  end
  return most
end

-- The claims on the board that the worker neither holds nor has just sent (`gone`): the list that goes back to its
-- queue. Suspect parts of them go back to `suspects` instead.
local function given_back(worker, board, held, gone, run)
  local back = without(without(parse(board), parse(held)), gone)
  if #back == 0 or run.failures == 0 then return back end
  local mine = suspects_of(worker)
  if #mine == 0 then return back end
  local rest = mine
  for _, range in ipairs(back) do
    for _, each in ipairs(mine) do
      let_wait(math.max(range[1], each.first), math.min(range[2], each.last), each.deaths)
    end
    rest = suspects_without(rest, range[1], range[2])
  end
  set_suspects_of(worker, rest)
  for _, each in ipairs(mine) do back = without(back, {{each.first, each.last}}) end
  return back
end

-- Records a request: what the worker holds after it. Claims on the board that the worker neither holds nor has just sent
-- (`gone`) go back to its queue.
local function settle(worker, request, held, board, gone, rate, run)
  redis.call('HSET', CLAIMS, worker, request .. ';' .. held)
  if held == '' then redis.call('ZREM', AGES, worker) end
  local back = text_of(given_back(worker, board, held, gone, run))
  if back ~= '' then
    set_queue(worker, joined(back, redis.call('HGET', QUEUES, worker)), rate_or_guess(rate, run), run)
  end
end

-- A worker is gone: its claims and its queue go to the pool; the lead becomes free in the same step.
local function let_go(worker)
  local held = parse(string.match(redis.call('HGET', CLAIMS, worker) or '0;', ';(.*)$'))
  for _, each in ipairs(suspects_of(worker)) do
    let_wait(each.first, each.last, each.deaths)
    held = without(held, {{each.first, each.last}})
  end
  set_suspects_of(worker, {})
  give_to_pool(joined(text_of(held), redis.call('HGET', QUEUES, worker)))
  redis.call('HDEL', CLAIMS, worker)
  redis.call('HDEL', QUEUES, worker)
  redis.call('HDEL', BEATS, worker)
  redis.call('HDEL', WORKERS, worker)
  redis.call('HDEL', AT_WORK, worker)
  redis.call('ZREM', LOAD, worker)
  redis.call('ZREM', AGES, worker)
  if redis.call('GET', LEADER) == worker then redis.call('DEL', LEADER) end
end

local function end_run(exit, error)
  redis.call('HSET', RUN, 'state', 'failed', 'exit', exit, 'error', error, 'finished', string.format('%.3f', now()))
  event('state', 'failed: ' .. error)
end

-- A worker died in a step of the job outside any chunk. Other workers would die there, so the third death ends the run.
local function died_in_step(worker, how)
  event('died', worker .. ': ' .. how)
  if redis.call('HINCRBY', RUN, 'step_deaths', 1) > 2 then
    end_run(70, how .. ', the third such death of this run; mend the job, and the same command goes on')
  end
end

-- The number that a halt rule counts.
local function counted(of, done, failed) return of == 'fail' and failed or of == 'success' and done or done + failed end

-- Sets when the run halts: `rule` is how;of;count (soon or now; fail, success or done), or '' for never. Chunks that failed
-- or succeeded before do not count.
local function set_halt(rule)
  local f = redis.call('HMGET', RUN, 'halt', 'done', 'failed')
  if (f[1] or '') == rule then return end
  if rule == '' then
    redis.call('HDEL', RUN, 'halt', 'halt_at')
  else
    local of, count = string.match(rule, ';(%a+);(%d+)$')
    redis.call('HSET', RUN, 'halt', rule, 'halt_at', counted(of, tonumber(f[2]), tonumber(f[3])) + count)
  end
end

-- After a change of done or failed: starts to halt if the rule says so.
local function look_at_halt(run)
  if run.halting or not run.halt then return end
  local how, of = string.match(run.halt, '^(%a+);(%a+);')
  if counted(of, run.done, run.failed) < run.halt_at then return end
  run.halting = how
  redis.call('HSET', RUN, 'halting', how)
  event('halt', (string.gsub(run.halt, ';', ' ')))
end

local function host_of(worker) return string.match(worker, '^(.*)/') or worker end

-- The chunk of this name is no longer delayed or failed. Returns 1 if it had failed for good, else 0.
local function forget_failure(name)
  redis.call('HDEL', ATTEMPTS, name)
  redis.call('ZREM', DELAYED, name)
  return redis.call('HDEL', FAILED, name)
end

-- The last attempt at a chunk failed. A chunk that two workers hold may fail for good twice; it counts once.
local function fail_for_good(chunk, attempts, worker, error, run, detail)
  local name = string.format('%d', chunk)
  redis.call('HSET', ATTEMPTS, name, attempts .. ';' .. worker)
  redis.call('ZREM', DELAYED, name)
  local new = redis.call('HSET', FAILED, name,
    cjson.encode({error = error, host = host_of(worker), worker = worker, attempts = attempts, detail = detail}))
  run.failed = run.failed + new
  redis.call('HSET', RUN, 'failed', run.failed)
  event('failed', 'chunk ' .. name .. ' on ' .. worker .. ': ' .. error)
  if run.max_failed >= 0 and run.failed > run.max_failed then
    end_run(1, string.format('%s failed, more than --max-failed allows; the last, chunk %s: %s', number_of(run.failed, 'chunk'), name,
      error))
  end
  look_at_halt(run)
end

-- A worker died while it held these ranges; `open` of their chunks are not done.
local function accuse(worker, held, open, charged, run)
  for _, range in ipairs(held) do
    local first, last = redis.call('BITPOS', DONE, 0, range[1], range[2] - 1, 'BIT'), range[2]
    if first >= 0 then
      if open == 1 then last = first + 1 end
      local deaths = math.max(1, cut_suspects(first, last) + (charged and 1 or 0))
      if charged and open == 1 and deaths > math.max(run.retries, 1) then
        fail_for_good(first, deaths, worker, 'its rank died while it computed this chunk, ' .. number_of(deaths, 'time'), run)
      else
        local middle = math.ceil((first + last) / 2)
        let_wait(first, middle, deaths)
        let_wait(middle, last, deaths)
      end
    end
  end
  redis.call('HSET', CLAIMS, worker, '0;')
  redis.call('HINCRBY', RUN, 'failures', 1)
end

-- Whether the worker's host gets no work: its chunks failed one after another while other hosts succeeded, and a worker of
-- another host is present.
local function is_benched(worker, run)
  if run.failures == 0 or redis.call('HGET', HOSTS, host_of(worker)) ~= 'benched' then return false end
  for _, other in ipairs(redis.call('HKEYS', BEATS)) do
    if redis.call('HGET', HOSTS, host_of(other)) ~= 'benched' then return true end
  end
  return false
end

-- Queues failed, delayed and suspect chunks again, uncharged: all of them, or the failed and delayed ones in the list of
-- ranges `chosen`. Returns how many of them had failed for good.
local function revive(chosen)
  local pooled, failed = {}, 0
  for _, name in ipairs(redis.call('HKEYS', ATTEMPTS)) do
    local chunk = tonumber(name)
    if not chosen or #without({{chunk, chunk + 1}}, chosen) == 0 then
      failed = failed + forget_failure(name)
      pooled[#pooled + 1] = {chunk, chunk + 1}
    end
  end
  if not chosen then
    for _, each in ipairs(all_suspects()) do pooled[#pooled + 1] = {each.first, each.last} end
    redis.call('DEL', SUSPECTS, HELD_SUSPECTS, HOSTS)
  end
  table.sort(pooled, function(a, b) return a[1] < b[1] end)
  give_to_pool(text_of(pooled))
  redis.call('HINCRBY', RUN, 'failed', string.format('%d', -failed))
  return failed
end

-- A call starts to compute the run: records the time, and the number of chunks done.
local function note_call()
  redis.call('HSET', RUN, 'call_begun', string.format('%.3f', now()), 'call_done', redis.call('HGET', RUN, 'done') or 0)
end

-- A run that had ended is running again, under a new generation: no earlier worker may continue it.
local function reopen()
  local workers = redis.call('HKEYS', BEATS)
  table.sort(workers)
  for _, worker in ipairs(workers) do let_go(worker) end
  redis.call('DEL', LEADER, RESULT, AGES, COPIES, AT_WORK)
  if redis.call('EXISTS', SLOTS) == 0 then  -- the run was finished, so all slots had been taken
    redis.call('SET', SLOTS, string.rep(string.char(255), math.ceil(tonumber(redis.call('HGET', RUN, 'slots')) / 8)))
  end
  redis.call('HDEL', RUN, 'exit', 'error', 'first_error', 'probes', 'step_deaths', 'halt', 'halt_at', 'halting')
  redis.call('HSET', RUN, 'state', 'running', 'generation', string.format('%d', now() * 1e6))
  event('state', 'running')
end
