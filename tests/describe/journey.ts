// journey.ts - the generated client over amqplib, on a broker with workers. Reads
// CARTWRIGHT_CLIENT_AMQP_URI and CARTWRIGHT_PREFIX. Prints "N passed, M failed" last.
import assert from "node:assert/strict";
import { connect } from "amqplib";
import { AmqpTransport, decodeEvent, isRefusalOf, NoAnswer, Shop, type ShopEvent } from "./client.js";

const uri = process.env["CARTWRIGHT_CLIENT_AMQP_URI"] ?? "amqp://localhost";
const prefix = process.env["CARTWRIGHT_PREFIX"] ?? "cartwright";
const email = `typed-${crypto.randomUUID().slice(0, 8)}@example.com`;
const password = "three blue teapots";

async function hear(events: ShopEvent[]): Promise<() => Promise<void>> {
    const connection = await connect(uri);
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, `${prefix}.events`, "user.registered");
    await channel.consume(queue, (message) => {
        const event = message ? decodeEvent(message.content) : undefined;
        if (event) events.push(event);
    }, { noAck: true });
    return () => connection.close();
}

async function wait(done: () => boolean): Promise<void> {
    for (const end = Date.now() + 15_000; !done() && Date.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function journey(): Promise<void> {
    const events: ShopEvent[] = [];
    const stop = await hear(events);
    const transport = await AmqpTransport.open(uri, prefix);
    const shop = new Shop(transport);
    const messageId = crypto.randomUUID();
    const entered = await shop.auth.register({ name: "Tina Typed", email, password }, { messageId });
    const again = await shop.auth.register({ name: "Tina Typed", email, password }, { messageId });
    assert.equal(again.user.id, entered.user.id, "the same message, the same answer");
    const mine = shop.with({ token: entered.accessToken, partitionKey: entered.user.id });
    assert.equal((await mine.user.get()).email, email);
    assert.equal((await mine.cart.get()).total, null);
    const [page, categories] = await Promise.all([mine.product.list({ limit: 1 }), mine.category.list()]);
    assert.ok(Array.isArray(page.items) && Array.isArray(categories.items));
    const refusal = await mine.order.place().catch((error: unknown) => error);
    assert.ok(isRefusalOf(refusal, "order.place") && refusal.code === "CART_EMPTY");
    assert.equal(refusal.status, 409);
    const late = await mine.user.get({}, { deadline: Date.now() - 1000 }).catch((error: unknown) => error);
    assert.ok(isRefusalOf(late, "user.get") && late.code === "DEADLINE_EXCEEDED");
    await wait(() => events.some((event) => event.subject === entered.user.id));
    const event = events.find((one) => one.subject === entered.user.id);
    assert.ok(event?.type === "user.registered" && event.data.email === email);
    await mine.auth.logout();
    await stop();
    await transport.close();
    assert.equal((await new Shop(transport).product.list({ limit: 1 })).items.length <= 1, true, "it connects again");
    await transport.close();
}

async function noBroker(): Promise<void> {
    const lost = await AmqpTransport.open(uri, `nowhere-${prefix}`);
    await assert.rejects(new Shop(lost).user.get({}, { tries: 1, timeout: 3000 }), NoAnswer);
    await lost.close();
}

let failed = 0;
for (const part of [journey, noBroker]) {
    try {
        await part();
    } catch (error) {
        failed++;
        console.log(`FAILED ${part.name}`, error);
    }
}
console.log(`${2 - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
