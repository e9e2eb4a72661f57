// shop.mjs - a shop behind a message broker, as a web tier sees it: call() sends a request and gives
// its answer; hear() collects events and notifications.
import { randomUUID } from 'node:crypto';
import amqp from 'amqplib';

const REPLY_TO = 'amq.rabbitmq.reply-to';
const ANSWER_MS = 15000;

export class Shop {
    static async open(uri, prefix = 'cartwright') {
        const shop = new Shop();
        shop.prefix = prefix;
        shop.waiting = new Map(); // by correlation id
        shop.heard = [];
        shop.connection = await amqp.connect(uri, { heartbeat: 10 });
        shop.channel = await shop.connection.createChannel();
        shop.channel.on('return', (message) => shop.#returned(message));
        // Direct reply-to: consumed without acknowledgement, on the channel that publishes.
        await shop.channel.consume(REPLY_TO, (message) => shop.#answered(message), { noAck: true });
        return shop;
    }

    // Binds a queue of our own to an exchange; what comes is kept in `heard`.
    async listen(exchange, ...patterns) {
        const { queue } = await this.channel.assertQueue('', { exclusive: true });
        for (const pattern of patterns) {
            await this.channel.bindQueue(queue, `${this.prefix}.${exchange}`, pattern);
        }
        await this.channel.consume(queue, (message) => {
            this.heard.push({
                key: message.fields.routingKey,
                properties: message.properties,
                body: JSON.parse(message.content.toString()),
            });
            this.channel.ack(message);
        });
    }

    // Options: token, id (message id), headers, raw (a body that is sent as it is).
    call(operation, body, options = {}) {
        const correlationId = randomUUID();
        const headers = { ...options.headers };
        if (options.token) headers.authorization = `Bearer ${options.token}`;
        const content = options.raw ?? Buffer.from(JSON.stringify(body));
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.waiting.delete(correlationId);
                reject(new Error(`no answer to ${operation} within ${ANSWER_MS} ms`));
            }, ANSWER_MS);
            this.waiting.set(correlationId, { resolve, reject, timer });
            this.channel.publish(`${this.prefix}.requests`, operation, content, {
                messageId: options.id ?? randomUUID(),
                correlationId,
                replyTo: REPLY_TO,
                contentType: 'application/json',
                persistent: true,
                mandatory: true,
                headers,
            });
        });
    }

    // The first thing heard that `wanted` accepts; waits for it.
    async hear(wanted, what) {
        for (const end = Date.now() + ANSWER_MS; Date.now() < end; ) {
            const found = this.heard.find(wanted);
            if (found) return found;
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
        throw new Error(`never heard ${what}`);
    }

    async close() {
        await this.connection.close();
    }

    #take(correlationId) {
        const call = this.waiting.get(correlationId);
        if (call) {
            clearTimeout(call.timer);
            this.waiting.delete(correlationId);
        }
        return call;
    }

    #answered(message) {
        if (message === null) throw new Error('the broker cancelled our replies');
        this.#take(message.properties.correlationId)?.resolve({
            status: message.properties.headers.status,
            properties: message.properties,
            text: message.content.toString(),
            body: JSON.parse(message.content.toString()),
        });
    }

    #returned(message) {
        const { correlationId } = message.properties;
        this.#take(correlationId)?.reject(
            new Error(`no queue takes ${message.fields.routingKey}`),
        );
    }
}
