// locks.mjs - one key in Redis for each SKU, all or none in one round trip, so that two orders never
// wait for each other.
import crypto from 'node:crypto';
import {redis, Refusal} from './shop.mjs';

const LOCK_MS = 10_000;
const LOCK_WAIT_MS = 2;
const LOCK_TRIES_MAX = 2000;

// --- the line: messages of this process wait for each other here, so that only other processes are
// left to be polled for

const busy = new Set();
const waiting = [];

function enter(keys) {
    if (keys.some((key) => busy.has(key))) return false;
    for (const key of keys) busy.add(key);
    return true;
}

// The oldest first, but nobody waits for one whose turn has not come: on few SKUs twice as many are
// in work at once as in strict order.
function leave(keys) {
    for (const key of keys) busy.delete(key);
    for (let i = 0; i < waiting.length; ) {
        if (enter(waiting[i].keys)) waiting.splice(i, 1)[0].proceed();
        else i++;
    }
}

// --- the locks -------------------------------------------------------------------------------------

redis.defineCommand('lockAll', {
    lua: `if redis.call('EXISTS', unpack(KEYS)) > 0 then return 0 end
for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return 1`,
});
redis.defineCommand('unlockAll', {
    lua: `for _, key in ipairs(KEYS) do
if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end end`,
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function lockAll(keys, owner) {
    for (let tries = 0; tries < LOCK_TRIES_MAX; tries++) {
        if (await redis.lockAll(keys.length, ...keys, owner, LOCK_MS)) return;
        await pause(LOCK_WAIT_MS * (0.5 + Math.random()));
    }
    throw new Refusal(503, 'BUSY', 'somebody else holds the stock');
}

export async function withLocks(skus, work) {
    const keys = skus.map((sku) => `peer:lock:${sku}`);
    const owner = crypto.randomUUID();
    if (!enter(keys)) await new Promise((proceed) => waiting.push({keys, proceed}));
    try {
        await lockAll(keys, owner);
        try {
            return await work();
        } finally {
            await redis.unlockAll(keys.length, ...keys, owner);
        }
    } finally {
        leave(keys);
    }
}
