// first.mjs - the program of docs/clients.md for Node.js, which journey.mjs runs as a program of its own.
// docs: begin first
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';

const ANSWER_MS = 5000, TRIES = 3;

const connection = await amqp.connect(process.env.CARTWRIGHT_CLIENT_AMQP_URI);
const channel = await connection.createConfirmChannel();
const waiting = new Map(); // who waits for an answer, by correlation id
await channel.consume('amq.rabbitmq.reply-to', ({ content, properties }) => {
    waiting.get(properties.correlationId)?.resolve({ ...JSON.parse(content), headers: properties.headers });
}, { noAck: true });
channel.on('return', ({ properties }) => waiting.get(properties.correlationId)?.reject(new Error('no queue')));

// Sends one message and waits for its answer. Nobody will carry it out after we have stopped waiting.
function ask(operation, body, token, messageId, correlationId) {
    let timer;
    return new Promise((resolve, reject) => {
        waiting.set(correlationId, { resolve, reject });
        timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_MS);
        const headers = { deadline: Date.now() + ANSWER_MS };
        if (token) headers.authorization = `Bearer ${token}`;
        channel.publish('cartwright.requests', operation, Buffer.from(JSON.stringify(body)), {
            messageId, correlationId, replyTo: 'amq.rabbitmq.reply-to',
            contentType: 'application/json', persistent: true, mandatory: true, headers,
        }, (nacked) => nacked && reject(nacked));
    }).finally(() => { clearTimeout(timer); waiting.delete(correlationId); });
}

// One intent has one id: what got no answer is sent again as it was, and has one effect.
async function call(operation, body, token, id = randomUUID()) {
    for (let attempt = 1; ; attempt++) {
        const answer = await ask(operation, body, token, id, `${id}/${attempt}`).catch(({ message }) => (
            { ok: false, error: { code: 'NO_ANSWER', message, retryable: true } }));
        if (answer.ok) return answer.data;
        if (!answer.error.retryable || attempt === TRIES) throw Object.assign(new Error(), answer.error);
        await sleep(answer.headers?.['retry-after-ms'] ?? 500 * attempt);
    }
}

const { items: [mug] } = await call('product.list', { inStock: true, limit: 1 });
console.log(`product: ${mug.name}`);
const visitor = { name: 'A Visitor', email: `${randomUUID()}@example.com`, password: 'three blue teapots' };
const { accessToken } = await call('auth.register', visitor);

// Events come to a queue of our own; ours is the one that our command caused.
const id = randomUUID();
const { queue } = await channel.assertQueue('', { exclusive: true });
await channel.bindQueue(queue, 'cartwright.events', 'cart.updated');
const event = new Promise((resolve) => channel.consume(queue, (message) => {
    const body = JSON.parse(message.content);
    if (body.causationid === id) resolve(body);
    channel.ack(message);
}));

const line = { productId: mug.id, quantity: 1 };
for (let i = 0; i < 2; i++) { // the same message twice has one effect
    const cart = await call('cart.item.add', line, accessToken, id);
    console.log(`cart: version ${cart.version}`);
}
await call('cart.item.add', { ...line, quantity: 9999 }, accessToken)
    .catch((error) => console.log(`refused: ${error.code}`));
console.log(`event: ${(await event).type}, version ${(await event).aggregateversion}`);
await connection.close();
// docs: end first
