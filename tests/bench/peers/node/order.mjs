// order.mjs - order.place: what is in the caller's cart, all of it or nothing.
import crypto from 'node:crypto';
import {ObjectId} from 'mongodb';
import {withLocks} from './locks.mjs';
import {
    available,
    byId,
    carts,
    DURABLE,
    int64,
    isCount,
    isOnSale,
    isText,
    mongo,
    orders,
    products,
    Refusal,
    stock,
    storedLine,
    storedMoney,
    validate,
    versionConflict,
} from './shop.mjs';

const DELIVERY_DAYS = 5;

function orderLines(cart, goods) {
    const missing = cart.lines.flatMap(({productId, sku}, i) =>
        isOnSale(goods.get(String(productId)))
            ? []
            : [{pointer: `/items/${i}`, message: `${sku} is not on sale`}],
    );
    if (missing.length)
        throw new Refusal(409, 'NOT_PURCHASABLE', 'not all is on sale', missing);
    return cart.lines.map(({productId, sku, quantity}) => {
        const {name, price} = goods.get(String(productId));
        const lineTotal = {amount: price.amount * quantity, currency: price.currency};
        return {productId, sku, name, quantity, unitPrice: price, lineTotal};
    });
}

function draft(userId, request, items) {
    const now = new Date();
    const amount = items.reduce((sum, item) => sum + item.lineTotal.amount, 0);
    const note = request.note === undefined ? {} : {note: request.note};
    return {
        id: new ObjectId(),
        version: 1,
        createdAt: now,
        updatedAt: now,
        number: `CW-${crypto.randomBytes(6).toString('hex').toUpperCase()}`,
        userId,
        status: 'pending',
        items,
        total: {amount, currency: items[0].unitPrice.currency},
        expectedDeliveryDate: new Date(now.getTime() + DELIVERY_DAYS * 86_400_000)
            .toISOString()
            .slice(0, 10),
        history: [{status: 'pending', at: now, by: userId, ...note}],
    };
}

function storedOrder({id, version, items, total, ...rest}) {
    return {
        _id: id,
        version: int64(version),
        ...rest,
        items: items.map((item) => ({...storedLine(item), lineTotal: storedMoney(item.lineTotal)})),
        total: storedMoney(total),
    };
}

// One update for each SKU, sent together; false when one of them has too little.
async function takeStock(order, session) {
    const updates = order.items.map(({sku, quantity}) => ({
        updateOne: {
            filter: {_id: sku, $expr: {$gte: [{$subtract: ['$onHand', '$reserved']}, quantity]}},
            update: {$inc: {reserved: quantity, version: 1}, $set: {updatedAt: order.createdAt}},
        },
    }));
    const {modifiedCount} = await stock.bulkWrite(updates, {session});
    return modifiedCount === updates.length;
}

async function insufficient(items) {
    const found = byId(await stock.find({_id: {$in: items.map(({sku}) => sku)}}).toArray());
    const fields = items.flatMap(({sku, quantity}, i) => {
        const left = available(found.get(sku));
        const message = `${quantity} of ${sku} are wanted, ${left} are available`;
        return left < quantity ? [{pointer: `/items/${i}`, message}] : [];
    });
    return new Refusal(409, 'INSUFFICIENT_STOCK', 'not all is in stock', fields);
}

// False when stock is lacking: nothing has happened then.
async function commitOrder(order, cart) {
    return mongo.withSession((session) =>
        session.withTransaction(async () => {
            if (!(await takeStock(order, session))) {
                await session.abortTransaction();
                return false;
            }
            await orders.insertOne(storedOrder(order), {session});
            const cleared = await carts.updateOne(
                {_id: cart._id, version: cart.version},
                {$set: {lines: [], updatedAt: order.createdAt}, $inc: {version: 1}},
                {session},
            );
            if (cleared.modifiedCount === 0) throw versionConflict();
            return true;
        }, DURABLE),
    );
}

export async function orderPlace(request, userId) {
    validate(request, {
        expectedVersion: (value) => isCount(value, Number.MAX_SAFE_INTEGER),
        expectedTotal: (value) => Number.isSafeInteger(value?.amount) && isText(value.currency, 3),
        note: (value) => isText(value, 500),
    });
    const cart = await carts.findOne({_id: userId}, {projection: {version: 1, lines: 1}});
    if (!cart?.lines.length) throw new Refusal(409, 'CART_EMPTY', 'the cart is empty');
    if ((request.expectedVersion ?? cart.version) !== cart.version) throw versionConflict();
    const goods = await products
        .find(
            {_id: {$in: cart.lines.map(({productId}) => productId)}},
            {projection: {name: 1, price: 1, status: 1}},
        )
        .toArray();
    const order = draft(userId, request, orderLines(cart, byId(goods)));
    const {amount, currency} = request.expectedTotal ?? order.total;
    if (amount !== order.total.amount || currency !== order.total.currency)
        throw new Refusal(409, 'PRICE_CHANGED', `the total is ${order.total.amount}`);
    const skus = order.items.map(({sku}) => sku);
    if (!(await withLocks(skus, () => commitOrder(order, cart))))
        throw await insufficient(order.items);
    return {status: 201, data: order, event: 'order.placed'};
}
