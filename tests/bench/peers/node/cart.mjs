// cart.mjs - cart.item.add: a quantity of a product into the caller's cart, guarded by the cart's
// version.
import {ObjectId} from 'mongodb';
import {
    available,
    byId,
    carts,
    DURABLE,
    int64,
    invalid,
    isCount,
    isId,
    isOnSale,
    noProduct,
    products,
    Refusal,
    stock,
    storedLine,
    validate,
    versionConflict,
} from './shop.mjs';

const CURRENCY = 'GBP';
const CONFLICTS_MAX = 10;
const QUANTITY_MAX = 9999;
const LINES_MAX = 200;
const DUPLICATE_KEY = 11000;

function checkQuantity(cart, product, one, quantity, isNew) {
    if (!isOnSale(product))
        throw new Refusal(409, 'NOT_PURCHASABLE', 'the product is not on sale');
    if (quantity > QUANTITY_MAX)
        throw new Refusal(409, 'QUANTITY_LIMIT', `at most ${QUANTITY_MAX} of one product`);
    if (isNew && cart.lines.length >= LINES_MAX)
        throw new Refusal(409, 'QUANTITY_LIMIT', `at most ${LINES_MAX} products in a cart`);
    const left = available(one);
    if (quantity > left)
        throw new Refusal(409, 'INSUFFICIENT_STOCK', `${left} of ${product.name} are available`, [
            {pointer: '/quantity', message: `${left} are available`},
        ]);
}

function lineIssues(line, item) {
    const issues = [];
    const add = (code, message) => issues.push({code, productId: line.productId, message});
    if (line.unitPrice.amount !== item.unitPrice.amount)
        add('price_changed', `the price was ${line.unitPrice.amount} and is ${item.unitPrice.amount}`);
    if (item.available < item.quantity)
        add('insufficient_stock', `${item.available} are available`);
    return issues;
}

function cartView(cart, goods, stocks) {
    const issues = [];
    const total = {amount: 0, currency: CURRENCY};
    const items = cart.lines.map((line) => {
        const {productId, sku, quantity} = line;
        const product = goods.get(String(productId));
        const onSale = isOnSale(product);
        const unitPrice = onSale ? product.price : line.unitPrice;
        const lineTotal = {amount: unitPrice.amount * quantity, currency: unitPrice.currency};
        const left = onSale ? available(stocks.get(sku)) : 0;
        const name = product?.name ?? sku;
        const item = {productId, sku, name, quantity, unitPrice, lineTotal, available: left};
        if (onSale) {
            total.amount += lineTotal.amount;
            issues.push(...lineIssues(line, item));
        } else issues.push({code: 'unavailable', productId, message: 'it cannot be ordered'});
        return item;
    });
    const {_id: id, version, updatedAt} = cart;
    return {id, version, items, total: items.length ? total : null, issues, updatedAt};
}

// The cart with its new line, guarded by the version that was read; false when somebody was faster.
async function saveCart(cart, base) {
    const fields = {
        lines: cart.lines.map(storedLine),
        version: int64(cart.version),
        updatedAt: cart.updatedAt,
    };
    if (base > 0) {
        const changed = await carts.updateOne({_id: cart._id, version: base}, {$set: fields}, DURABLE);
        return changed.modifiedCount === 1;
    }
    try {
        await carts.insertOne({_id: cart._id, ...fields, createdAt: cart.updatedAt}, DURABLE);
        return true;
    } catch (error) {
        if (error.code === DUPLICATE_KEY) return false;
        throw error;
    }
}

async function addOnce(userId, productId, quantity) {
    const wanted = {projection: {name: 1, price: 1, status: 1, sku: 1}};
    const [found, product] = await Promise.all([
        carts.findOne({_id: userId}),
        products.findOne({_id: productId}, wanted),
    ]);
    if (!product) throw noProduct();
    const cart = found ?? {_id: userId, version: 0, lines: []};
    const others = cart.lines.filter((line) => !line.productId.equals(productId));
    const [goods, stocks] = await Promise.all([
        others.length
            ? products.find({_id: {$in: others.map((line) => line.productId)}}, wanted).toArray()
            : [],
        stock.find({_id: {$in: [product.sku, ...others.map((line) => line.sku)]}}).toArray(),
    ]);
    const stockOf = byId(stocks);
    const old = cart.lines.find((line) => line.productId.equals(productId));
    const sum = quantity + (old?.quantity ?? 0);
    checkQuantity(cart, product, stockOf.get(product.sku), sum, !old);
    const line = {productId, sku: product.sku, quantity: sum, unitPrice: product.price};
    const lines = old ? cart.lines.map((one) => (one === old ? line : one)) : [...cart.lines, line];
    const next = {_id: userId, version: cart.version + 1, lines, updatedAt: new Date()};
    if (!(await saveCart(next, cart.version))) return null;
    return cartView(next, byId([product, ...goods]), stockOf);
}

export async function cartItemAdd(request, userId) {
    const rules = {productId: isId, quantity: (value) => isCount(value, QUANTITY_MAX)};
    const {productId, quantity} = validate(request, rules);
    if (!productId) throw invalid('/productId', 'is missing');
    if (!quantity) throw invalid('/quantity', 'is missing');
    for (let tries = 0; tries < CONFLICTS_MAX; tries++) {
        const view = await addOnce(userId, new ObjectId(productId), quantity);
        if (view) return {status: 200, data: view, event: 'cart.updated'};
    }
    throw versionConflict();
}
