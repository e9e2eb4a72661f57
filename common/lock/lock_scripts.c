/* lock_scripts.c - the Lua scripts that Redis runs for us.
 *
 * The scripts are on the hot path of every batch and the server is single-threaded, so each script
 * reads all its keys with one MGET and calls Redis again only for what it changes. */
#include "lock/lock_scripts.h"

const char *const lock_scripts[SCRIPT_COUNT] = {
    /* KEYS: n leases, their n waiters, stamps. ARGV: owner, lease ms, waiter ms, n, stamp ms, a
     * fresh stamp of 8 bytes for each stamp key, in one string.
     * Returns n characters, '1' for each key that is granted, then the stamps.
     * While a key has a waiter, only the waiter can get it, even before the holder. An owner that
     * is refused becomes the waiter if there is no other, or stays it. */
    [SCRIPT_TAKE] =
        "local owner, ttl, patience, n = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])\n"
        "local values = redis.call('MGET', unpack(KEYS))\n"
        "local reply = {}\n"
        "for i = 1, n do\n"
        "  local holder, waiter = values[i], values[n + i]\n"
        "  local unclaimed = not waiter or waiter == owner\n"
        "  if unclaimed and (holder == owner or not holder) then\n"
        "    redis.call('SET', KEYS[i], owner, 'PX', ttl)\n"
        "    if waiter == owner then redis.call('DEL', KEYS[n + i]) end\n"
        "    reply[i] = '1'\n"
        "  else\n"
        "    if unclaimed then redis.call('SET', KEYS[n + i], owner, 'PX', patience) end\n"
        "    reply[i] = '0'\n"
        "  end\n"
        "end\n"
        "local made = {}\n"
        "for i = 2 * n + 1, #KEYS do\n"
        "  local key, k = KEYS[i], i - 2 * n\n"
        "  local stamp = values[i] or made[key]\n"
        "  if not stamp or #stamp ~= 8 then\n"
        "    stamp = string.sub(ARGV[6], 8 * k - 7, 8 * k)\n"
        "    redis.call('SET', key, stamp, 'PX', ARGV[5])\n"
        "    made[key] = stamp\n"
        "  end\n"
        "  reply[n + k] = stamp\n"
        "end\n"
        "return table.concat(reply)\n",

    /* KEYS: leases. ARGV: owner. Returns how many leases were the owner's. */
    [SCRIPT_RELEASE] = "local values = redis.call('MGET', unpack(KEYS))\n"
                       "local mine = {}\n"
                       "for i = 1, #KEYS do\n"
                       "  if values[i] == ARGV[1] then mine[#mine + 1] = KEYS[i] end\n"
                       "end\n"
                       "if #mine > 0 then redis.call('DEL', unpack(mine)) end\n"
                       "return #mine\n",

    /* KEYS: buckets. ARGV, for each: burst, period ms, use ('0' take, '1' peek, '2' give back, as
     * in enum rate_use).
     * Returns for each: 1 or 0, and the ms until the next use is allowed.
     * GCRA: a bucket's value is its theoretical arrival time, ms since 1970. `tat` also carries it
     * from one limit to the next when a key is named twice. A value that is no number, or that lies
     * further ahead than that of an empty bucket, was not written by this script: it must neither
     * end the limit nor lock anybody out. */
    [SCRIPT_RATE] = "local time = redis.call('TIME')\n"
                    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
                    "local values = redis.call('MGET', unpack(KEYS))\n"
                    "local tat, changed, reply = {}, {}, {}\n"
                    "for i, key in ipairs(KEYS) do\n"
                    "  local burst, period = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])\n"
                    "  local at = tat[key] or tonumber(values[i] or 0) or 0\n"
                    "  if not (at >= now) then at = now end\n"
                    "  at = math.min(at, now + burst * period)\n"
                    "  local allowed = at + period - now <= burst * period\n"
                    "  if ARGV[3 * i] == '2' then\n"
                    "    at = math.max(at - period, now)\n"
                    "    changed[key] = true\n"
                    "  elseif allowed and ARGV[3 * i] == '0' then\n"
                    "    at = at + period\n"
                    "    changed[key] = true\n"
                    "  end\n"
                    "  tat[key] = at\n"
                    "  reply[2 * i - 1] = allowed and 1 or 0\n"
                    "  reply[2 * i] = math.max(0, at + period - now - burst * period)\n"
                    "end\n"
                    "for key in pairs(changed) do\n"
                    "  redis.call('SET', key, string.format('%.0f', tat[key]), 'PX',\n"
                    "    string.format('%.0f', math.max(1, tat[key] - now)))\n"
                    "end\n"
                    "return reply\n",
};
