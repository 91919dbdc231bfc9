package limit

import "github.com/redis/go-redis/v9"

// Codes of reserveScript.
const (
	codeSlot = 1 // a slot was reserved
	codeOpen = 2 // the circuit is open
)

// reserveScript takes the next slot of an account. Redis's own clock is every
// host's clock. Slots are an interval apart; those of a rest are caught up, as many
// as the burst has, and never more in a window than the rate.
//
// KEYS: the account's hash, the sorted set of its last slots.
// ARGV: permits a minute, seconds between probes of an open circuit, clock in
// microseconds or empty for Redis's own (tests), window, burst and what is caught up
// at a lowered rate in microseconds.
// Returns {1, microseconds to wait, lowered rate or 0}, or
// {2, class, detail, remedy, since in seconds}.
var reserveScript = redis.NewScript(`
local h = redis.call('HMGET', KEYS[1], 'next', 'pause', 'rate', 'rate_until', 'class', 'detail', 'remedy', 'since', 'probe')
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
if h[5] then
  if h[5] == 'operator' or (h[9] and now < tonumber(h[9])) then
    return {2, h[5], h[6], h[7], h[8]}
  end
  redis.call('HSET', KEYS[1], 'probe', string.format('%.0f', now + tonumber(ARGV[2]) * 1000000))
end
local most, lowered, behind = tonumber(ARGV[1]), 0, tonumber(ARGV[5])
local rate = most
if h[3] and now < tonumber(h[4]) + tonumber(ARGV[4]) then -- also as long as it has just been lower
  behind = tonumber(ARGV[6])
  if now < tonumber(h[4]) then
    lowered = tonumber(h[3])
    rate = math.min(rate, lowered)
  end
end
local first = redis.call('ZRANGE', KEYS[2], -most, -most, 'WITHSCORES')
local free = first[2] and tonumber(first[2]) + tonumber(ARGV[4]) or 0
local at = math.max(now - behind, tonumber(h[1] or 0), tonumber(h[2] or 0), free)
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', at + math.ceil(60000000 / rate)))
redis.call('ZADD', KEYS[2], string.format('%.0f', math.max(at, now)), string.format('%.0f', at))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[2], math.ceil((math.max(at - now, 0) + tonumber(ARGV[4])) / 1000))
return {1, string.format('%.0f', math.max(0, at - now)), lowered}
`)

// pauseScript moves the end of the pause, and with it the next slot, later.
//
// KEYS: the account's hash. ARGV: microseconds, reason, clock or empty.
// Returns 1.
var pauseScript = redis.NewScript(`
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local till = now + tonumber(ARGV[1])
if till > tonumber(redis.call('HGET', KEYS[1], 'pause') or 0) then
  redis.call('HSET', KEYS[1], 'pause', string.format('%.0f', till), 'pause_reason', ARGV[2])
end
return 1
`)

// inForceScript says what holds now.
//
// KEYS: the account's hash. ARGV: clock or empty.
// Returns {microseconds that the pause still lasts, lowered rate or 0}.
var inForceScript = redis.NewScript(`
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local h = redis.call('HMGET', KEYS[1], 'pause', 'rate', 'rate_until')
local lowered = 0
if h[2] and now < tonumber(h[3]) then lowered = tonumber(h[2]) end
return {string.format('%.0f', math.max(0, tonumber(h[1] or 0) - now)), lowered}
`)

// lowerScript believes a lower rate for a while.
//
// KEYS: the account's hash. ARGV: rate a minute, microseconds, clock or empty.
// Returns 1.
var lowerScript = redis.NewScript(`
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
redis.call('HSET', KEYS[1], 'rate', ARGV[1], 'rate_until', string.format('%.0f', now + tonumber(ARGV[2])))
return 1
`)

// closeScript closes the circuit, unless an operator opened it and none asks.
//
// KEYS: the account's hash. ARGV: '1' to close an operator's, too.
// Returns 1 when it was closed, else 0.
var closeScript = redis.NewScript(`
local class = redis.call('HGET', KEYS[1], 'class')
if not class or (class == 'operator' and ARGV[1] ~= '1') then return 0 end
redis.call('HDEL', KEYS[1], 'class', 'detail', 'remedy', 'since', 'probe')
return 1
`)

// openScript opens the circuit; one that is open keeps its time, and a probe
// that failed is followed by the next one only after the interval. One that an
// operator opened stays his: nothing that the provider answers may loosen it.
//
// KEYS: the account's hash. ARGV: class, detail, remedy, probe interval in
// seconds, clock or empty. Returns 1 when it was opened, else 0.
var openScript = redis.NewScript(`
if ARGV[1] ~= 'operator' and redis.call('HGET', KEYS[1], 'class') == 'operator' then return 0 end
local now = tonumber(ARGV[5])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
redis.call('HSETNX', KEYS[1], 'since', string.format('%.0f', math.floor(now / 1000000)))
redis.call('HSET', KEYS[1], 'class', ARGV[1], 'detail', ARGV[2], 'remedy', ARGV[3],
  'probe', string.format('%.0f', now + tonumber(ARGV[4]) * 1000000))
return 1
`)
