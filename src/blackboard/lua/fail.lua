#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- One attempt at a chunk failed: it is delayed, or has failed for good after retries+1 attempts. Counts only for a chunk in
-- the caller's claims that is not done. A crash counts as a death of a suspect that was alone, not as an attempt.
-- A host whose chunks fail one after another, while other hosts succeed at least half as often, is benched: it gets no more
-- work, and its failures are forgotten. Not if each chunk is tried only once, since there the chunks may be at fault.
-- If the first 20 chunks of a run fail with one error and none succeeds, 10 chunks from all over the plan are tried (see
-- claim.lua), since only the first chunks may be bad. If these fail with the same error, the run ends; but not if only one
-- of several hosts has failed, which may be the only one that cannot read the input.
-- ARGV     generation, worker, request number, held ranges (afterwards), chunk, error, delay (seconds), crash (0 1), detail
-- Returns  OK counted (0 1) for good (0 1) attempts, first failure of the run (0 1), host benched (0 1), halting ('' soon
--          now)
-- Refusals GONE ENDED FENCED STALE
local generation, worker, number, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local chunk, error, delay, crash = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8] == '1'
local fails_in_a_row = 10
local run, refusal = running(generation)
if not run then return {refusal} end
local board
board, refusal = claims_of(worker, number)
if not board then return {refusal} end
local mine = #without({{chunk, chunk + 1}}, parse(board)) == 0
if not mine or redis.call('GETBIT', DONE, chunk) == 1 then return {'OK', 0, 0, 0, 0, 0, run.halting or ''} end

settle(worker, ARGV[3], held, board, {{chunk, chunk + 1}}, 0, run)
local first = redis.call('HINCRBY', RUN, 'failures', 1) == 1 and 1 or 0
redis.call('HINCRBY', RUN, 'active', 1)
local deaths = cut_suspects(chunk, chunk + 1)
local failed_before = tonumber(string.match(redis.call('HGET', ATTEMPTS, ARGV[5]) or '0;', '^(%d+)'))
local attempts = 1 + (crash and deaths or failed_before)

local host = host_of(worker)
local tally = redis.call('HGET', HOSTS, host) or ''
local in_a_row, done_then = string.match(tally, '^(%d+);(%d+)$')
in_a_row, done_then = 1 + (in_a_row or 0), done_then or string.format('%d', run.done)
if run.retries > 0 and in_a_row >= fails_in_a_row and 2 * (run.done - tonumber(done_then)) >= in_a_row then
  redis.call('HSET', HOSTS, host, 'benched')
  event('bench', string.format('%s: %d chunks failed one after another while others succeeded: %s', host, in_a_row, error))
  local pooled = {{chunk, chunk + 1}}
  run.failed = run.failed - forget_failure(ARGV[5])
  local names = redis.call('HKEYS', ATTEMPTS)
  table.sort(names, function(a, b) return tonumber(a) < tonumber(b) end)
  for _, name in ipairs(names) do
    if host_of(string.match(redis.call('HGET', ATTEMPTS, name), ';(.*)$')) == host then
      run.failed = run.failed - forget_failure(name)
      pooled[#pooled + 1] = {tonumber(name), tonumber(name) + 1}
    end
  end
  redis.call('HSET', RUN, 'failed', run.failed)
  give_to_pool(text_of(pooled))
  return {'OK', 1, 0, attempts, first, 1, run.halting or ''}
end
if tally ~= 'benched' then redis.call('HSET', HOSTS, host, in_a_row .. ';' .. done_then) end

local for_good = attempts > run.retries
if for_good then
  fail_for_good(chunk, attempts, worker, error, run, ARGV[9])
elseif crash then
  let_wait(chunk, chunk + 1, attempts)
  event('retry', 'chunk ' .. ARGV[5] .. ' on ' .. worker .. ': ' .. error)
else
  redis.call('HSET', ATTEMPTS, ARGV[5], attempts .. ';' .. worker)
  redis.call('ZADD', DELAYED, string.format('%.6f', now() + delay), ARGV[5])
  event('retry', 'chunk ' .. ARGV[5] .. ' on ' .. worker .. ': ' .. error)
end
-- Whether the failures speak for all hosts: they come from at least two hosts, or there is only one host.
local function hosts_agree()
  local host
  for _, tried in ipairs(redis.call('HVALS', ATTEMPTS)) do
    local other = host_of(string.match(tried, ';(.*)$'))
    if host and other ~= host then return true end
    host = other
  end
  for _, name in ipairs(redis.call('HKEYS', BEATS)) do
    if host_of(name) ~= host then return false end
  end
  return true
end

local function probes_failed()
  local count = 0
  for name in string.gmatch(redis.call('HGET', RUN, 'probes') or '', '%d+') do
    count = count + redis.call('HEXISTS', ATTEMPTS, name)
  end
  return count >= PROBES
end

if run.done == 0 and run.ends_early then
  local kind = string.gsub(error, '%d+', '#')  -- "cannot open 17.txt" and "… 18.txt" are one error
  local first_error = redis.call('HGET', RUN, 'first_error')
  if not first_error then
    first_error = kind
    redis.call('HSET', RUN, 'first_error', kind)
  elseif first_error ~= kind then
    redis.call('HSET', RUN, 'first_error', '')  -- the errors differ
  end
  if first_error == kind and redis.call('HLEN', ATTEMPTS) >= FIRST_CHUNKS and probes_failed() and hosts_agree() then
    end_run(1, string.format('the first %d chunks and %d from all over the plan failed with one error: %s; mend it, and the same ' ..
      'command goes on', FIRST_CHUNKS, PROBES, error))
  end
end
return {'OK', 1, for_good and 1 or 0, attempts, first, 0, run.halting or ''}
