// worker.mjs - order.place as a good Node.js team writes it: one message, one transaction.
//
// The same work on the same documents, servers and durability as Cartwright: the token is verified,
// each SKU is locked in Redis, stock is checked and taken, the order stored and the cart cleared in
// one transaction (w: majority, j: true), the event published with a confirm, the reply sent, the
// request acknowledged. No journal: a repeated message would place a second order.
//
//   PEER_QUEUE        the quorum queue to consume
//   PEER_CONCURRENCY  messages in work at once (prefetch and connection pool)
import crypto from 'node:crypto';
import amqp from 'amqplib';
import {Redis} from 'ioredis';
import jwt from 'jsonwebtoken';
import {Long, MongoClient, ObjectId} from 'mongodb';

const QUEUE = process.env.PEER_QUEUE;
const CONCURRENCY = Number(process.env.PEER_CONCURRENCY ?? 32);
const EVENTS = `${process.env.CARTWRIGHT_PREFIX ?? 'cartwright'}.events`;
const TOKEN_KEY = Buffer.from(process.env.CARTWRIGHT_AUTH_TOKEN_KEY, 'hex');
const LOCK_MS = 10_000;
const LOCK_WAIT_MS = 20;
const TRIES_MAX = 100;
const DURABLE = {writeConcern: {w: 'majority', j: true}};
const DELIVERY_DAYS = 5;

const mongo = await new MongoClient(process.env.CARTWRIGHT_MONGODB_URI, {
    maxPoolSize: CONCURRENCY,
}).connect();
const db = mongo.db();
const [carts, products, stock, orders] = ['carts', 'products', 'stock', 'orders'].map((name) =>
    db.collection(name),
);
const redis = new Redis(process.env.CARTWRIGHT_REDIS_URI);
const connection = await amqp.connect(process.env.CARTWRIGHT_AMQP_URI, {noDelay: true});
const consumer = await connection.createChannel();
const replies = await connection.createChannel();
const events = await connection.createConfirmChannel();

class Refusal extends Error {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// --- locks: one key for each SKU, in order, so that two orders never wait for each other ------------

redis.defineCommand('unlock', {
    numberOfKeys: 1,
    lua: "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
});

async function lock(key, owner) {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
        if (await redis.set(key, owner, 'PX', LOCK_MS, 'NX')) return;
        await pause(LOCK_WAIT_MS * (0.5 + Math.random()));
    }
    throw new Refusal(503, 'BUSY', 'somebody else holds the stock');
}

async function withLocks(skus, work) {
    const owner = crypto.randomUUID();
    const held = [];
    try {
        for (const sku of [...skus].sort()) {
            await lock(`peer:lock:${sku}`, owner);
            held.push(sku);
        }
        return await work();
    } finally {
        await Promise.all(held.map((sku) => redis.unlock(`peer:lock:${sku}`, owner)));
    }
}

// --- the order ---------------------------------------------------------------------------------------

function draft(userId, cart, goods) {
    const now = new Date();
    const items = cart.lines.map((line) => {
        const product = goods.get(line.productId.toString());
        if (!product || product.status !== 'published')
            throw new Refusal(409, 'NOT_PURCHASABLE', `${line.sku} is not on sale`);
        const unitPrice = product.price;
        const lineTotal = {...unitPrice, amount: Long.fromNumber(unitPrice.amount * line.quantity)};
        return {...line, name: product.name, unitPrice, lineTotal};
    });
    const total = items.reduce((sum, item) => sum + Number(item.lineTotal.amount), 0);
    return {
        _id: new ObjectId(),
        version: Long.fromNumber(1),
        createdAt: now,
        updatedAt: now,
        number: `CW-${crypto.randomBytes(8).toString('hex').toUpperCase()}`,
        userId,
        status: 'pending',
        items,
        total: {amount: Long.fromNumber(total), currency: items[0].unitPrice.currency},
        expectedDeliveryDate: new Date(now.getTime() + DELIVERY_DAYS * 86_400_000)
            .toISOString()
            .slice(0, 10),
        history: [{status: 'pending', at: now, by: userId}],
    };
}

async function takeStock(item, session) {
    const taken = await stock.updateOne(
        {
            _id: item.sku,
            $expr: {$gte: [{$subtract: ['$onHand', '$reserved']}, item.quantity]},
        },
        {$inc: {reserved: item.quantity, version: 1}, $set: {updatedAt: new Date()}},
        {session},
    );
    if (taken.modifiedCount === 0)
        throw new Refusal(409, 'INSUFFICIENT_STOCK', `${item.sku} is not in stock`);
}

async function commitOrder(order, cart) {
    await mongo.withSession((session) =>
        session.withTransaction(async () => {
            for (const item of order.items) await takeStock(item, session);
            await orders.insertOne(order, {session});
            const cleared = await carts.updateOne(
                {_id: cart._id, version: cart.version},
                {$set: {lines: [], updatedAt: new Date()}, $inc: {version: 1}},
                {session},
            );
            if (cleared.modifiedCount === 0)
                throw new Refusal(409, 'VERSION_CONFLICT', 'the cart has changed');
        }, DURABLE),
    );
}

async function placeOrder(userId) {
    const cart = await carts.findOne({_id: userId});
    if (!cart || cart.lines.length === 0) throw new Refusal(409, 'CART_EMPTY', 'the cart is empty');
    const ids = cart.lines.map((line) => line.productId);
    const found = await products.find({_id: {$in: ids}}).toArray();
    const goods = new Map(found.map((product) => [product._id.toString(), product]));
    return withLocks(
        cart.lines.map((line) => line.sku),
        async () => {
            const order = draft(userId, cart, goods);
            await commitOrder(order, cart);
            return order;
        },
    );
}

// --- messages ----------------------------------------------------------------------------------------

function caller(message) {
    const [, token] = (message.properties.headers?.authorization ?? '').split(' ');
    try {
        return new ObjectId(jwt.verify(token, TOKEN_KEY, {algorithms: ['HS256']}).sub);
    } catch {
        throw new Refusal(401, 'UNAUTHENTICATED', 'the token is not one of ours');
    }
}

function wire(order) {
    const {_id, ...rest} = order;
    return {id: _id, ...rest};
}

function publishEvent(order, message) {
    const event = {
        specversion: '1.0',
        id: new ObjectId().toString(),
        source: '/peer/order',
        type: 'order.placed',
        subject: order._id.toString(),
        time: order.createdAt,
        datacontenttype: 'application/json',
        causationid: message.properties.messageId,
        data: wire(order),
    };
    return new Promise((done, failed) =>
        events.publish(
            EVENTS,
            'order.placed',
            Buffer.from(JSON.stringify(event)),
            {persistent: true, contentType: 'application/json', messageId: event.id},
            (error) => (error ? failed(error) : done()),
        ),
    );
}

function reply(message, status, body) {
    const {replyTo, correlationId} = message.properties;
    if (!replyTo) return;
    replies.publish('', replyTo, Buffer.from(JSON.stringify(body)), {
        correlationId,
        contentType: 'application/json',
        headers: {status},
    });
}

async function handle(message) {
    try {
        const order = await placeOrder(caller(message));
        await publishEvent(order, message);
        reply(message, 201, {ok: true, data: wire(order)});
    } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        reply(message, error.status, {ok: false, error: {code: error.code, message: error.message}});
    }
    consumer.ack(message);
}

await consumer.prefetch(CONCURRENCY);
await consumer.consume(QUEUE, (message) =>
    handle(message).catch((error) => {
        console.error(error);
        process.exit(1);
    }),
);
console.error('peer: ready');
