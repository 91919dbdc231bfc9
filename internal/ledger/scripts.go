package ledger

import "github.com/redis/go-redis/v9"

// Every script takes all of the job's keys in the order of jobKeys:
// KEYS = job, items, attempts, queued, events, asks; those that Ledger.run carries
// out have the mark of its deletion besides.
// Each returns an array whose first element is a code; negative codes are
// refusals and leave everything as it was.

// Codes that scripts return.
const (
	codeOK       = 1
	codeNoChange = 0
	codeMissing  = -1 // no such job, subtask or attempt
	codeStale    = -2 // the record changed since it was read
	codeStopped  = -3 // the job has ended or was canceled
	codeSettled  = -4 // the subtask has its outcome
	codeOverCap  = -5 // the job's cost cap leaves no room
	codeDeleting = -6 // the job is being deleted
)

// lua holds what the scripts share. What they compare of a subtask or attempt is
// the first field of that name in its JSON, where no text can look like one, for
// quotes in texts are escaped: to decode all of it costs more than all the rest.
const lua = `
local job, items, attempts, queued, events, asks, deleting = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local settled = {succeeded=true, rejected=true, failed=true, canceled=true}
local ended = {succeeded=true, partial=true, failed=true, canceled=true}
local function stateOf(sub) return sub:match('"state":"(%a+)"') end
local function revisionOf(sub) return sub:match('"revision":(%d+)') end
local function event(kind, subtask, detail, now)
  redis.call('XADD', events, 'MAXLEN', '~', 2000, '*', 'type', kind, 'subtask', subtask, 'detail', detail, 'at', now)
end
`

// createScript writes a new job's record, unless there is one.
// ARGV: head JSON, fingerprint, now, then tasks that are about to be queued.
// Returns {1} or {0, existing fingerprint}, {-6}.
var createScript = redis.NewScript(lua + `
local there = redis.call('HGET', job, 'fingerprint')
if there then return {0, there} end
if redis.call('EXISTS', deleting) == 1 then return {-6} end
redis.call('HSET', job, 'head', ARGV[1], 'fingerprint', ARGV[2], 'created', ARGV[3],
  'state', 'queued', 'set', 0, 'spent', 0, 'left', 0, 'accept', 0, 'assemble', 1, 'change', 0)
for i = 4, #ARGV do redis.call('SADD', queued, ARGV[i]) end
event('queued', '', '', ARGV[3])
return {1}
`)

// beginScript freezes the plan and writes the job's first subtasks and, for a
// job rebuilt from storage, the attempts that are known. The first plan wins.
// ARGV: plan JSON, cap in millionths, spent, left, now, number of subtasks n,
// then n triples (subtask ID, JSON, ask JSON), then pairs (attempt's field, JSON).
// Returns {1}, {0} when there is a plan already, {-1}, {-3}.
var beginScript = redis.NewScript(lua + `
local state = redis.call('HGET', job, 'state')
if not state then return {-1} end
if ended[state] then return {-3} end
if redis.call('HEXISTS', job, 'plan') == 1 then return {0} end
redis.call('HSET', job, 'plan', ARGV[1], 'cap', ARGV[2], 'spent', ARGV[3], 'left', ARGV[4],
  'state', 'running', 'started', ARGV[5])
local n, i = tonumber(ARGV[6]), 7
local subs, asked = {}, {}
for _ = 1, n do
  subs[#subs+1], subs[#subs+2] = ARGV[i], ARGV[i+1]
  asked[#asked+1], asked[#asked+2] = ARGV[i], ARGV[i+2]
  i = i + 3
end
if n > 0 then
  redis.call('HSET', items, unpack(subs))
  redis.call('HSET', asks, unpack(asked))
end
while i < #ARGV do
  redis.call('HSET', attempts, ARGV[i], ARGV[i+1])
  i = i + 2
end
event('running', '', '', ARGV[5])
return {1}
`)

// openScript journals the intent to pay for an attempt.
// ARGV: subtask ID, attempt ID, attempt JSON, previous attempt's ID or empty,
// price in millionths, now, the field of what it asks for, JSON of that, empty
// unless it was paid for before.
// Returns {1}, {0} when the attempt exists, {-1}, {-2} when the previous
// attempt has not ended, {-3}, {-4}, {-5, spent}.
var openScript = redis.NewScript(lua + `
local head = redis.call('HMGET', job, 'state', 'canceled', 'spent', 'cap')
if not head[1] then return {-1} end
if redis.call('HEXISTS', attempts, ARGV[2]) == 1 then return {0} end
if head[1] ~= 'running' or head[2] then return {-3} end
local sub = redis.call('HGET', items, ARGV[1])
if not sub then return {-1} end
if settled[stateOf(sub)] then return {-4} end
if ARGV[4] ~= '' then
  local prev = redis.call('HGET', attempts, ARGV[4])
  if not prev or stateOf(prev) ~= 'ended' then return {-2} end
end
local cap = tonumber(head[4] or '0')
if cap > 0 and ARGV[9] == '' and tonumber(head[3]) + tonumber(ARGV[5]) > cap then return {-5, head[3]} end
redis.call('HINCRBY', job, 'spent', ARGV[5])
redis.call('HSET', attempts, ARGV[2], ARGV[3], ARGV[7], ARGV[8])
event('predicting', ARGV[1], ARGV[2], ARGV[6])
return {1}
`)

// subtaskScript reads what a subtask's handler needs to know.
// ARGV: subtask ID, when the plan was frozen that the reader knows, or empty,
// whether the reader knows what the subtask of that plan asks for: '1' or empty.
// Returns {1, state, canceled or empty, when the plan was frozen, head JSON,
// plan JSON, subtask JSON, ask JSON (each empty where the reader knows it),
// of its attempts by number the JSON and that of what it asks for...}, {-1}.
var subtaskScript = redis.NewScript(lua + `
local h = redis.call('HMGET', job, 'state', 'canceled', 'started')
local sub = redis.call('HGET', items, ARGV[1])
if not h[1] or not sub then return {-1} end
local frozen, ask = {'', ''}, ''
if h[3] ~= ARGV[2] then frozen = redis.call('HMGET', job, 'head', 'plan') end
if h[3] ~= ARGV[2] or ARGV[3] == '' then ask = redis.call('HGET', asks, ARGV[1]) end
local found = {1, h[1], h[2] or '', h[3], frozen[1], frozen[2], sub, ask}
for n = 1, 1000 do
  local id = ARGV[1] .. '.' .. n
  local a = redis.call('HMGET', attempts, id, id .. '?')
  if not a[1] then break end
  found[#found+1] = a[1]
  found[#found+1] = a[2] or ''
end
return found
`)

// luaWrite replaces how far an attempt has come by compare-and-set on its
// version. One from before there were two fields keeps what it asks for in the
// second.
// Of: attempt ID, expected version, JSON, change of spent in millionths,
// event type, subtask ID, detail, now.
// Returns 1, -1, -2.
const luaWrite = `
local function write(id, version, json, spent, kind, subtask, detail, now)
  local cur = redis.call('HGET', attempts, id)
  if not cur then return -1 end
  if cur:match('"version":(%d+)') ~= version then return -2 end
  if cur:find('"job_id"', 1, true) then redis.call('HSETNX', attempts, id .. '?', cur) end
  redis.call('HSET', attempts, id, json)
  if spent ~= '0' then redis.call('HINCRBY', job, 'spent', spent) end
  event(kind, subtask, detail, now)
  return 1
end
`

// luaSettle gives a subtask its outcome, once per revision: the first counts. A
// success supersedes a failure until the set is assembled.
// Of: subtask ID, revision that was read, new state, JSON, now, reason.
// Returns {1, left} when applied, {0, left} when it had one, {-1}, {-2}, {-3}.
const luaSettle = `
local function settle(subtask, revision, state, json, now, reason)
  local head = redis.call('HMGET', job, 'state', 'left', 'change')
  if not head[1] then return {-1} end
  if ended[head[1]] then return {-3} end
  local cur = redis.call('HGET', items, subtask)
  if not cur then return {-1} end
  local was, left = stateOf(cur), tonumber(head[2])
  if settled[was] then
    if was == 'succeeded' or state ~= 'succeeded' then return {0, left} end
  elseif revisionOf(cur) ~= revision then
    return {-2}
  else
    left = left - 1
  end
  redis.call('HSET', items, subtask, json)
  redis.call('HSET', job, 'left', left, 'change', head[3] + 1)
  event(state, subtask, reason, now)
  return {1, left}
end
`

// writeScript is luaWrite. ARGV: what it is of. Returns {what it returns}.
var writeScript = redis.NewScript(lua + luaWrite + `return {write(unpack(ARGV))}`)

// settleScript is luaSettle. ARGV: what it is of. Returns what it returns.
var settleScript = redis.NewScript(lua + luaSettle + `return settle(unpack(ARGV))`)

// concludeScript writes an attempt and, where that is done, settles its
// subtask: whatever becomes of the subtask, what was made and paid is known.
// ARGV: the 8 of luaWrite, the 6 of luaSettle.
// Returns {-1} or {-2} of the attempt, else {1, what luaSettle returns...}.
var concludeScript = redis.NewScript(lua + luaWrite + luaSettle + `
local written = write(unpack(ARGV, 1, 8))
if written < 0 then return {written} end
return {1, unpack(settle(unpack(ARGV, 9, 14)))}
`)

// growScript adds subtasks that follow from what has settled, if nothing has
// changed since that was read.
// ARGV: change that was read, now, then triples (subtask ID, JSON, ask JSON).
// Returns {1, added}, {-1}, {-2}, {-3}.
var growScript = redis.NewScript(lua + `
local head = redis.call('HMGET', job, 'state', 'change', 'canceled')
if not head[1] then return {-1} end
if head[1] ~= 'running' or head[3] then return {-3} end
if head[2] ~= ARGV[1] then return {-2} end
local added = 0
for i = 3, #ARGV, 3 do
  if redis.call('HSETNX', items, ARGV[i], ARGV[i+1]) == 1 then
    redis.call('HSET', asks, ARGV[i], ARGV[i+2])
    added = added + 1
    event('added', ARGV[i], '', ARGV[2])
  end
end
redis.call('HINCRBY', job, 'left', added)
redis.call('HINCRBY', job, 'change', 1)
return {1, added}
`)

// requeueScript raises the revisions of subtasks whose tasks the queue lost, or
// of the accept or assemble task.
// ARGV: triples: 'accept', 'assemble' or a subtask ID, revision that was read,
// JSON of the subtask with its new revision or empty.
// Returns {1, 1 for each triple that was as it was read, else 0...}.
var requeueScript = redis.NewScript(lua + `
local function requeue(what, revision, json)
  if json == '' then
    if redis.call('HGET', job, what) ~= revision then return 0 end
    redis.call('HINCRBY', job, what, 1)
    return 1
  end
  local cur = redis.call('HGET', items, what)
  if not cur or revisionOf(cur) ~= revision or settled[stateOf(cur)] then return 0 end
  redis.call('HSET', items, what, json)
  return 1
end
local done = {1}
for i = 1, #ARGV, 3 do done[#done+1] = requeue(ARGV[i], ARGV[i+1], ARGV[i+2]) end
return done
`)

// cancelScript asks a job to stop.
// ARGV: now.
// Returns {1}, {0} when it was asked before, {-1}, {-3}.
var cancelScript = redis.NewScript(lua + `
local state = redis.call('HGET', job, 'state')
if not state then return {-1} end
if ended[state] then return {-3} end
if redis.call('HSETNX', job, 'canceled', ARGV[1]) == 0 then return {0} end
event('canceling', '', '', ARGV[1])
return {1}
`)

// finishScript ends a job, once: after assembly with the set's revision, or
// without a set when it could not be accepted. What has changed since the set
// was assembled must be in it: it is assembled again. One that another worker has
// accepted meanwhile does not end without a set.
// ARGV: revision of the set, state, reason, output JSON or empty, now, expiry
// in seconds, change that was read.
// Returns {1}, {0} when that revision is there, {-1}, {-2}.
var finishScript = redis.NewScript(lua + `
local head = redis.call('HMGET', job, 'state', 'set', 'left', 'change', 'plan')
if not head[1] then return {-1} end
if ended[head[1]] then return {0} end
if ARGV[1] == '0' and head[5] then return {-2} end
if tonumber(ARGV[1]) > 0 and (tonumber(head[2]) ~= tonumber(ARGV[1]) - 1 or head[3] ~= '0' or head[4] ~= ARGV[7]) then return {-2} end
redis.call('HSET', job, 'state', ARGV[2], 'reason', ARGV[3], 'finished', ARGV[5])
if ARGV[4] ~= '' then redis.call('HSET', job, 'set', ARGV[1], 'output', ARGV[4]) end
event(ARGV[2], '', ARGV[3], ARGV[5])
for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
return {1}
`)

// reopenScript takes up a job again that has ended without all of its images.
// One that was never accepted is to be accepted anew, by a task with an ID of
// its own.
// ARGV: change that was read, now, number of subtasks that are open again, plan
// JSON with other limits or empty, its cap in millionths, then pairs (subtask ID,
// JSON).
// Returns {1}, {-1}, {-2} when it has not ended or changed since, {-6}.
var reopenScript = redis.NewScript(lua + `
if redis.call('EXISTS', deleting) == 1 then return {-6} end
local head = redis.call('HMGET', job, 'state', 'change')
if not head[1] then return {-1} end
if not ended[head[1]] or head[2] ~= ARGV[1] then return {-2} end
for i = 6, #ARGV, 2 do redis.call('HSET', items, ARGV[i], ARGV[i+1]) end
redis.call('HDEL', job, 'canceled', 'finished')
if ARGV[4] ~= '' then redis.call('HSET', job, 'plan', ARGV[4], 'cap', ARGV[5]) end
local planned = redis.call('HEXISTS', job, 'plan') == 1
redis.call('HSET', job, 'state', planned and 'running' or 'queued', 'reason', '', 'left', ARGV[3])
redis.call('HINCRBY', job, planned and 'assemble' or 'accept', 1)
redis.call('HINCRBY', job, 'change', 1)
for i = 1, #KEYS do redis.call('PERSIST', KEYS[i]) end
event('retried', '', '', ARGV[2])
return {1}
`)
