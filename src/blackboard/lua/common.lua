-- SPDX-License-Identifier: Apache-2.0
-- Embedded in front of every script. `event`, and the functions whose first word is set or give, write; all others only read.
-- A list of ranges is text: "0-8,16-20", each [first, last). Chunk numbers are whole and below 2^32.
-- Cost: each chunk costs 1, unless the key `profile` holds M+1 doubles: the cost of all chunks before place
-- floor(j*N/M), for j = 0 … M, M at most 4096. Between two places it is interpolated.
local RUN, PLAN, PROFILE, LOAD, BEATS, WORKERS, SLOTS, QUEUES, CLAIMS, DONE, NODES, ATTEMPTS, DELAYED, FAILED, LEADER,
  RESULT, EVENTS, SUSPECTS, HOSTS, AGES, COPIES, AT_WORK, SLOWEST, HELD_SUSPECTS = unpack(KEYS)
local POOL = '-'
-- A job counts as broken when this many first chunks failed, and then this many probes from all over the plan.
local FIRST_CHUNKS, PROBES = 20, 10

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function event(kind, text)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', 2000, '*', 'kind', kind, 'text', string.sub(text, 1, 400))
end

-- "1 chunk", "2 chunks"
local function number_of(count, what) return string.format('%d %s%s', count, what, count == 1 and '' or 's') end

local function parse(text)
  local list = {}
  for first, last in string.gmatch(text or '', '(%d+)%-(%d+)') do
    list[#list + 1] = {tonumber(first), tonumber(last)}
  end
  return list
end

local function text_of(list)
  local words = {}
  for i, range in ipairs(list) do words[i] = string.format('%d-%d', range[1], range[2]) end
  return table.concat(words, ',')
end

-- One list after the other. If the second begins where the first ends, the two ranges become one.
local function joined(left, right)
  if not left or left == '' then return right or '' end
  if not right or right == '' then return left end
  local seam = string.match(left, '%d+$')
  if string.sub(right, 1, #seam + 1) == seam .. '-' then
    return string.sub(left, 1, -#seam - 1) .. string.sub(right, #seam + 2)
  end
  return left .. ',' .. right
end

-- The parts of `list` that are not in `minus`. Both lists are short.
local function without(list, minus)
  for _, cut in ipairs(minus) do
    local rest = {}
    for _, range in ipairs(list) do
      if cut[2] <= range[1] or cut[1] >= range[2] then
        rest[#rest + 1] = range
      else
        if range[1] < cut[1] then rest[#rest + 1] = {range[1], cut[1]} end
        if range[2] > cut[2] then rest[#rest + 1] = {cut[2], range[2]} end
      end
    end
    list = rest
  end
  return list
end

-- The leader, if it has a heartbeat on the board; else nil.
local function present_leader()
  if redis.call('STRLEN', LEADER) > 1024 then return nil end  -- no worker has such a name
  local leader = redis.call('GET', LEADER)
  return leader and redis.call('HEXISTS', BEATS, leader) == 1 and leader or nil
end

-- The fields of the hash `run` if the run is running; else nil and the refusal. A field that is not a number ends the
-- script before it writes anything.
local function running(generation)
  local f = redis.call('HMGET', RUN, 'generation', 'state', 'chunks', 'done', 'failed', 'slots', 'node_limit',
    'byte_limit', 'node_bytes', 'computed', 'busy', 'retries', 'steps', 'failures', 'first_claim', 'last_end', 'active',
    'longest', 'max_failed', 'halt', 'halt_at', 'halting', 'ends_early')
  if f[1] ~= generation then return nil, 'GONE' end
  if f[2] ~= 'running' then return nil, 'ENDED' end
  local function number(i) return tonumber(f[i]) or error('a number is missing in the hash run') end
  return {
    chunks = number(3), done = number(4), failed = number(5), slots = number(6),
    node_limit = number(7), byte_limit = number(8), node_bytes = number(9),
    computed = number(10), busy = number(11), retries = number(12),
    steps = number(13),                     -- M of the profile; 0: chunks are alike
    failures = number(14),                  -- failed attempts that were counted; 0: the keys about failures are empty
    first_claim = f[15], last_end = tonumber(f[16] or 0),
    active = tonumber(f[17] or 0),          -- grows with each sign that a worker computes
    longest = tonumber(f[18] or 0),         -- seconds of the longest chunk so far
    max_failed = tonumber(f[19] or -1),     -- with more failed chunks the run ends; -1: any number
    halt = f[20], halt_at = tonumber(f[21] or 0),  -- see set_halt
    halting = f[22],                        -- soon or now: no chunk is started any more
    ends_early = f[23] == '1',              -- see fail.lua
  }
end

-- What the worker holds according to the board; else nil and the refusal. A worker has claims as long as it has a heartbeat.
local function claims_of(worker, number)
  local seen, held = string.match(redis.call('HGET', CLAIMS, worker) or '', '^(%d+);(.*)$')
  if not seen then return nil, 'FENCED' end
  if number < tonumber(seen) then return nil, 'STALE' end
  return held
end

-- Cost of the chunks before `chunk`.
local profile
local function cost_before(chunk, run)
  if run.steps < 1 then return chunk end
  profile = profile or redis.call('GET', PROFILE)
  local step = math.min(math.floor(chunk * run.steps / run.chunks), run.steps - 1)
  local low, high = struct.unpack('<dd', profile, step * 8 + 1)
  local from, to = math.floor(step * run.chunks / run.steps), math.floor((step + 1) * run.chunks / run.steps)
  if to <= from then return low end
  return low + (high - low) * (chunk - from) / (to - from)
end

local function cost_of(list, run)
  local sum = 0
  for _, range in ipairs(list) do sum = sum + cost_before(range[2], run) - cost_before(range[1], run) end
  return sum
end

-- The first border in (first, last] with at least `cost` before it; `last` if the cost of all is less.
local function border_at(first, last, cost, run)
  if run.steps < 1 then return math.max(first + 1, math.min(last, math.ceil(first + cost))) end
  local target = cost_before(first, run) + cost
  local scale = run.steps / run.chunks
  local low, high = math.floor(first * scale), math.min(math.floor(last * scale), run.steps - 1)
  while low < high do  -- the first place of the profile with the target before it
    local middle = math.floor((low + high) / 2)
    if struct.unpack('<d', profile, middle * 8 + 9) >= target then high = middle else low = middle + 1 end
  end
  -- Between two places cost grows linearly, except for rounding.
  local from, to = struct.unpack('<dd', profile, low * 8 + 1)
  local border = math.ceil((low + math.min(math.max((target - from) / math.max(to - from, 1e-300), 0), 1)) / scale)
  border = math.max(first + 1, math.min(last, border))
  for _ = 1, 8 do  -- bounded, whatever bytes the profile holds
    if border < last and cost_before(border, run) < target then
      border = border + 1
    elseif border > first + 1 and cost_before(border - 1, run) >= target then
      border = border - 1
    else
      break
    end
  end
  return border
end

-- Lowers `border` to the border of a large node, but keeps more than half of [first, border).
local function round_down(first, border)
  local half, step = first + (border - first) / 2, 1
  while math.floor(border / (step * 2)) * step * 2 > half do step = step * 2 end
  return math.floor(border / step) * step
end

-- The alignment of a cut that is to leave about `chunks` on one side: a power of two, at most an eighth of `chunks`.
local function alignment(chunks)
  local step = 1
  while step * 16 <= chunks do step = step * 2 end
  return step
end

-- The ranges of slot `slot`: one stretch in each round, all rounds of similar cost, cut at borders of nodes. A claim takes
-- from one stretch only, and with thousands of slots claims must be few, so stretches then have several chunks.
local function slot_ranges(slot, run)
  local least = math.max(1, math.min(16, math.floor(run.slots / 1250)))
  local rounds = math.max(1, math.min(16, math.floor(run.chunks / (run.slots * least))))
  local stretches, total = rounds * run.slots, cost_before(run.chunks, run)
  local align = alignment(run.chunks / stretches)
  local function edge(k)
    if k == 0 then return 0 end
    if k == stretches then return run.chunks end
    local place = run.steps < 1 and math.floor(k * run.chunks / stretches)
      or border_at(0, run.chunks, total * k / stretches, run)
    return math.floor(place / align) * align
  end
  local list = {}
  for round = 0, rounds - 1 do
    local k = round * run.slots + slot
    local first, last = edge(k), edge(k + 1)
    if #list > 0 and list[#list][2] == first then
      list[#list][2] = last  -- there is only one slot
    elseif first < last then
      list[#list + 1] = {first, last}
    end
  end
  return list
end

-- Seconds for one unit of cost: the worker's own rate, else the mean of the run, else 1.
local function rate_or_guess(rate, run)
  if rate > 0 and rate < 1e300 then return rate end
  if run.computed > 0 and run.busy > 0 then
    return run.busy / run.computed * run.chunks / math.max(cost_before(run.chunks, run), 1e-300)
  end
  return 1
end

-- Returns the number of chunks in the queue.
local function set_queue(worker, text, rate, run)
  local chunks, cost = 0, 0
  for first, last in string.gmatch(text, '(%d+)%-(%d+)') do
    chunks = chunks + last - first
    if run.steps > 0 then cost = cost + cost_before(tonumber(last), run) - cost_before(tonumber(first), run) end
  end
  redis.call('HSET', QUEUES, worker, text)
  redis.call('ZADD', LOAD, string.format('%.17g', (run.steps > 0 and cost or chunks) * rate), worker)
  return chunks
end

local function give_to_pool(text)
  if text ~= '' then redis.call('HSET', QUEUES, POOL, joined(redis.call('HGET', QUEUES, POOL), text)) end
end

-- The number of chunks in [first, last) that are not done.
local function open_chunks(first, last)
  return last - first - redis.call('BITCOUNT', DONE, first, last - 1, 'BIT')
end

-- Sets (bit 1) or clears (bit 0) the bits of a node in whole bytes: a node of 8 chunks or more begins and ends at a byte.
local function set_done(first, size, bit)
  if size < 8 then
    redis.call('BITFIELD', DONE, 'SET', 'u' .. size, first, bit * (2 ^ size - 1))
  else
    -- One piece for all writes: the copies that Lua and the append-only file keep for a while stay small.
    local bytes = math.min(size / 8, 32768)
    local piece = string.rep(string.char(bit * 255), bytes)
    for from = first / 8, (first + size) / 8 - bytes, bytes do redis.call('SETRANGE', DONE, from, piece) end
  end
end

-- Entries (level, index, frame) from ARGV[from] on. Nil if one is malformed.
local function entries_from(from)
  local list = {}
  for i = from, #ARGV, 3 do
    local level, index = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if not (level and index and ARGV[i + 2]) or level > 32 then return nil end
    local size = 2 ^ level
    list[#list + 1] = {name = ARGV[i] .. ':' .. ARGV[i + 1], first = index * size, last = (index + 1) * size,
      size = size, frame = ARGV[i + 2]}
  end
  return list
end
