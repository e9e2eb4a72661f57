// use.ts - the generated client as somebody would use it, over a transport that answers from a list.
// What it must refuse to compile stands behind @ts-expect-error. Prints "N passed, M failed" last.
import assert from "node:assert/strict";
import {
    decodeEvent,
    decodeNotification,
    isRefusalOf,
    NoAnswer,
    Shop,
    ShopError,
    type Cart,
    type EventOf,
    type Incoming,
    type Money,
    type Outgoing,
    type Transport,
} from "./client.js";

const ID = "6b0dd17814018a56b45e61d7";
const price: Money = { amount: 1295, currency: "GBP" };
const cart: Cart = { id: ID, version: 1, items: [], total: null, issues: [], updatedAt: "2026-11-20T15:04:05.123Z" };

type Answer = Incoming | Error;

function done(data: unknown, more: object = {}): Incoming {
    return { body: JSON.stringify({ ok: true, data, ...more }), headers: { status: 200 } };
}

function refused(code: string, status: number, retryable: boolean, headers: object = {}): Incoming {
    const error = { code, message: "no", retryable, fields: [{ pointer: "/quantity", message: "2 left" }] };
    return { body: JSON.stringify({ ok: false, error }), headers: { status, ...headers } };
}

class Fake implements Transport {
    readonly sent: Outgoing[] = [];
    readonly #answers: Answer[];

    constructor(...answers: Answer[]) {
        this.#answers = answers;
    }

    async request(outgoing: Outgoing): Promise<Incoming> {
        this.sent.push(outgoing);
        const answer = this.#answers.shift() ?? new NoAnswer("the list of answers has ended");
        if (answer instanceof Error) throw answer;
        return answer;
    }

    async close(): Promise<void> {}
}

async function sendsWhatIsTyped(): Promise<void> {
    const fake = new Fake(done(cart));
    const shop = new Shop(fake, { apiKey: "k" });
    const got: Cart = await shop.cart.item.add({ productId: ID, quantity: 1 }, { token: "t", messageId: "m" });
    assert.deepEqual(got, cart);
    assert.equal(fake.sent[0]?.operation, "cart.item.add");
    assert.deepEqual(JSON.parse(fake.sent[0]!.body), { productId: ID, quantity: 1 });
    assert.equal(fake.sent[0]!.messageId, "m");
    assert.deepEqual(fake.sent[0]!.headers, { authorization: "Bearer t", "x-api-key": "k" });
}

async function onlyCommandsGetAnId(): Promise<void> {
    const fake = new Fake(done(cart), done(cart), done(cart));
    const shop = new Shop(fake).with({ token: "t" });
    await shop.cart.get();
    await shop.cart.clear();
    await shop.cart.clear();
    assert.equal(fake.sent[0]!.messageId, undefined);
    assert.match(fake.sent[1]!.messageId!, /^[0-9a-f-]{36}$/);
    assert.notEqual(fake.sent[1]!.messageId, fake.sent[2]!.messageId);
}

async function repeatsHaveOneId(): Promise<void> {
    const fake = new Fake(new NoAnswer("lost"), refused("RATE_LIMITED", 429, true, { "retry-after-ms": 5 }), done(cart));
    await new Shop(fake).cart.clear();
    assert.equal(fake.sent.length, 3);
    assert.equal(new Set(fake.sent.map((one) => one.messageId)).size, 1);
}

async function givesUp(): Promise<void> {
    const fake = new Fake();
    await assert.rejects(new Shop(fake).cart.clear({}, { tries: 1 }), (error: unknown) => {
        assert.ok(error instanceof NoAnswer);
        assert.equal(error.messageId, fake.sent[0]!.messageId);
        return true;
    });
}

async function refusalsAreTyped(): Promise<void> {
    const fake = new Fake(refused("INSUFFICIENT_STOCK", 409, false));
    try {
        await new Shop(fake).cart.item.add({ productId: ID, quantity: 3 });
        assert.fail("it was not refused");
    } catch (error) {
        if (!isRefusalOf(error, "cart.item.add")) throw error;
        assert.ok(error.code === "INSUFFICIENT_STOCK" && error instanceof ShopError);
        // @ts-expect-error: this operation cannot be refused with this code
        assert.ok(error.code !== "EMAIL_TAKEN");
        assert.deepEqual([error.status, error.retryable, fake.sent.length], [409, false, 1]);
        assert.equal(error.fields[0]?.pointer, "/quantity");
    }
}

async function cutAnswersAreErrors(): Promise<void> {
    const shop = new Shop(new Fake(done({ id: ID }, { cut: true })));
    await assert.rejects(shop.cart.clear(), { name: "AnswerCut", data: { id: ID } });
}

async function eventsAreTold(): Promise<void> {
    const head = { specversion: "1.0", id: "1", source: "/cartwright/cart", subject: ID, time: "", causationid: "m" };
    const event = decodeEvent(Buffer.from(JSON.stringify({ ...head, type: "cart.updated", data: cart })));
    assert.ok(event?.type === "cart.updated");
    const updated: EventOf<"cart.updated"> = event;
    assert.deepEqual(updated.data.items, []);
    // @ts-expect-error: a cart has no order's number
    assert.equal(event.data.number, undefined);
    assert.equal(decodeEvent(JSON.stringify({ ...head, type: "cart.stolen", data: {} })), undefined);
    assert.throws(() => decodeEvent("{}"), TypeError);
    const notice = decodeNotification(JSON.stringify({ kind: "order_placed", data: { total: price } }));
    assert.ok(notice?.kind === "order_placed" && notice.data.total.amount === 1295);
}

/** Never run: what must not compile. */
export async function mistakes(shop: Shop): Promise<void> {
    // @ts-expect-error: the quantity is missing
    await shop.cart.item.add({ productId: ID });
    // @ts-expect-error: a quantity is a number
    await shop.cart.item.add({ productId: ID, quantity: "1" });
    // @ts-expect-error: no such member
    await shop.cart.item.add({ productId: ID, quantity: 1, colour: "red" });
    // @ts-expect-error: no such status
    await shop.order.status.set({ orderId: ID, status: "lost" });
    // @ts-expect-error: the address may be missing
    (await shop.order.get({ orderId: ID })).shippingAddress.city.trim();
    // @ts-expect-error: a name cannot be null
    await shop.category.update({ categoryId: ID, name: null });
    await shop.category.update({ categoryId: ID, parentId: null });
}

let failed = 0;
const tests = [sendsWhatIsTyped, onlyCommandsGetAnId, repeatsHaveOneId, givesUp, refusalsAreTyped, cutAnswersAreErrors, eventsAreTold];
for (const test of tests) {
    try {
        await test();
    } catch (error) {
        failed++;
        console.log(`FAILED ${test.name}`, error);
    }
}
console.log(`${tests.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
