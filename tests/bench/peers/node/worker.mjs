// worker.mjs - a shop's commonest operations as a good Node.js team writes them: one message, one
// transaction.
//
// The same work on the same documents, servers and durability as Cartwright. order.place: the token
// is verified, all SKUs of the cart are locked in Redis, stock is checked and taken, the order stored
// and the cart cleared in one transaction (w: majority, j: true), the reply sent, the event published
// with a confirm, the request acknowledged. cart.item.add writes the cart guarded by its version.
// product.get and product.list are remembered in the process for a few seconds.
// No journal: a repeated message is executed again. No shipping address, and one role: the customer.
//
//   PEER_QUEUE        the quorum queue to consume, bound to <queue>.<operation>
//   PEER_CONCURRENCY  messages in work at once (prefetch and connection pool)
import amqp from 'amqplib';
import jwt from 'jsonwebtoken';
import {ObjectId} from 'mongodb';
import {cartItemAdd} from './cart.mjs';
import {productGet, productList} from './catalog.mjs';
import {orderPlace} from './order.mjs';
import {CONCURRENCY, Refusal, REMEMBERED_MAX} from './shop.mjs';

const QUEUE = process.env.PEER_QUEUE;
const EVENTS = `${process.env.CARTWRIGHT_PREFIX ?? 'cartwright'}.events`;
const TOKEN_KEY = Buffer.from(process.env.CARTWRIGHT_AUTH_TOKEN_KEY, 'hex');
const TOKEN_RULES = {algorithms: ['HS256'], issuer: 'cartwright', audience: 'cartwright-shop'};

// The broker holds a publishing connection back when it is short of memory: consume on another.
const [consuming, publishing] = await Promise.all(
    [1, 2].map(() => amqp.connect(process.env.CARTWRIGHT_AMQP_URI, {noDelay: true})),
);
const consumer = await consuming.createChannel();
const replies = await publishing.createChannel();
const events = await publishing.createConfirmChannel();

const operations = {
    'order.place': {run: orderPlace, needsCaller: true},
    'cart.item.add': {run: cartItemAdd, needsCaller: true},
    'product.get': {run: productGet},
    'product.list': {run: productList},
};

const callers = new Map();

// Verified tokens are remembered until they expire.
function caller(message) {
    const [, token] = (message.properties.headers?.authorization ?? '').split(' ');
    const known = callers.get(token);
    if (known && known.until > Date.now()) return known.id;
    try {
        const claims = jwt.verify(token, TOKEN_KEY, TOKEN_RULES);
        const id = new ObjectId(claims.sub);
        if (callers.size >= REMEMBERED_MAX) callers.clear();
        callers.set(token, {id, until: claims.exp * 1000});
        return id;
    } catch {
        throw new Refusal(401, 'UNAUTHENTICATED', 'the token is not one of ours');
    }
}

function parse(message) {
    try {
        const request = JSON.parse(message.content.toString());
        if (request && typeof request === 'object' && !Array.isArray(request)) return request;
    } catch {
        // Answered as what is no object.
    }
    throw new Refusal(400, 'MALFORMED', 'the body is not a JSON object');
}

function publishEvent(type, data, message) {
    const {messageId, correlationId} = message.properties;
    const event = {
        specversion: '1.0',
        id: new ObjectId().toString(),
        source: `/peer/${type.split('.')[0]}`,
        type,
        subject: data.id.toString(),
        time: data.updatedAt,
        datacontenttype: 'application/json',
        causationid: messageId,
        correlationid: correlationId,
        aggregateversion: data.version,
        data,
    };
    return new Promise((done, failed) =>
        events.publish(
            EVENTS,
            type,
            Buffer.from(JSON.stringify(event)),
            {persistent: true, contentType: 'application/json', messageId: event.id},
            (error) => (error ? failed(error) : done()),
        ),
    );
}

function reply(message, status, body) {
    const {replyTo, correlationId} = message.properties;
    if (!replyTo) return;
    replies.publish('', replyTo, body, {
        correlationId,
        contentType: 'application/json',
        headers: {status},
    });
}

const written = (body) => Buffer.from(JSON.stringify(body));

async function answer(message) {
    const name = message.fields.routingKey.slice(QUEUE.length + 1);
    if (!Object.hasOwn(operations, name))
        throw new Refusal(404, 'UNKNOWN_OPERATION', `nobody serves '${name}'`);
    const {run, needsCaller} = operations[name];
    const request = parse(message);
    return run(request, needsCaller ? caller(message) : undefined);
}

function refuse(message, error) {
    const refusal =
        error instanceof Refusal
            ? error
            : new Refusal(500, 'INTERNAL', 'something went wrong here; it was recorded');
    if (refusal !== error) console.error('peer:', error);
    reply(message, refusal.status, written({ok: false, error: refusal.body}));
}

// The reply does not wait for the event, because what it tells is committed; the acknowledgement
// does. Without a broker there is nothing left to do here: the process ends.
async function handle(message) {
    const result = await answer(message).catch((error) => refuse(message, error));
    if (result) reply(message, result.status, result.body ?? written({ok: true, data: result.data}));
    if (result?.event) await publishEvent(result.event, result.data, message);
    consumer.ack(message);
}

function end(error) {
    console.error('peer:', error);
    process.exit(1);
}

for (const connection of [consuming, publishing])
    connection.on('error', end).on('close', () => end('the broker is gone'));
await consumer.prefetch(CONCURRENCY);
await consumer.consume(QUEUE, (message) => handle(message).catch(end));
console.error('peer: ready');
