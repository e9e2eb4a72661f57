// journey.mjs - the ten steps from an account to the history of an order, as a Node web tier would
// take them, and the ways in which a shop must say no.
//
// Environment: CARTWRIGHT_CLIENT_AMQP_URI, CARTWRIGHT_PREFIX ("cartwright"), and an admin's SHOP_ADMIN_EMAIL
// and SHOP_ADMIN_PASSWORD. Every reply is compared with its form, member by member.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Checks } from './checks.mjs';
import { Shop } from './shop.mjs';

const PASSWORD = 'three blue teapots';
const FIRST = fileURLToPath(new URL('first.mjs', import.meta.url));
const TOLD = new RegExp('^product: .*\ncart: version 1\ncart: version 1\nrefused: QUANTITY_LIMIT\n'
    + 'event: cart.updated, version 1\n$');
const run = randomUUID().slice(0, 8);
const checks = new Checks();

// --- the ten steps -----------------------------------------------------------------------------

async function register(shop) {
    const email = `node-${run}@example.com`;
    const body = { name: 'Nora Node', email, password: PASSWORD };
    const data = checks.done(await shop.call('auth.register', body), 'Entered', 201, 'register');
    checks.same(data.user.name, body.name, 'name of the user');
    checks.same(data.user.email, email, 'email of the user');
    checks.same(data.user.role, 'customer', 'role of the user');
    checks.ok(data.expiresIn > 0, 'tokens live for a while');
    checks.refused(await shop.call('auth.register', body), 'EMAIL_TAKEN', 409, 'a second register');
    return { id: data.user.id, email };
}

async function login(shop, email, password, who) {
    const answer = await shop.call('auth.login', { email, password });
    const data = checks.done(answer, 'Entered', 200, `login of ${who}`);
    checks.same(data.user.email, email, `email of ${who}`);
    return data;
}

async function addProduct(shop, admin) {
    const category = checks.done(
        await shop.call('category.create', { name: `Teapots ${run}` }, { token: admin }),
        'Category', 201, 'category.create');
    checks.same(category.slug, `teapots-${run}`, 'slug of the category');
    const body = {
        name: `Blue teapot ${run}`,
        description: 'Holds a litre. Pours well.',
        categoryId: category.id,
        price: { amount: 1295, currency: 'GBP' },
        sku: `TEAPOT-${run}`,
        stock: 7,
        images: [{ url: 'https://example.com/teapot.jpg', alt: 'a blue teapot' }],
    };
    const answer = await shop.call('product.create', body, { token: admin });
    const product = checks.done(answer, 'Product', 201, 'product.create');
    for (const key of ['name', 'description', 'price', 'sku', 'images']) {
        checks.same(product[key], body[key], `${key} of the product`);
    }
    const { id, name, slug } = category;
    checks.same(product.category, { id, name, slug }, 'category of the product');
    checks.same(product.stock, { available: 7, status: 'in_stock' }, 'stock of the product');
    checks.same(product.status, 'published', 'status of the product');
    return product;
}

async function browse(shop, product) {
    const list = (body) => shop.call('product.list', body);
    const byCategory = checks.done(
        await list({ categoryId: product.category.id, sort: 'priceAsc', page: 1, limit: 5 }),
        'ProductPage', 200, 'product.list of a category');
    checks.same(byCategory.items.map((item) => item.id), [product.id], 'what is in the category');
    checks.same([byCategory.page, byCategory.limit, byCategory.totalItems, byCategory.totalPages],
        [1, 5, 1, 1], 'counts of the page');
    const found = checks.done(await list({ search: `teapot ${run}`, inStock: true }),
        'ProductPage', 200, 'product.list of a search');
    checks.ok(found.items.some((item) => item.id === product.id), 'the search finds the teapot');
    const none = checks.done(await list({ categoryId: product.category.id, minPrice: 1296 }),
        'ProductPage', 200, 'product.list above the price');
    checks.same(none.items, [], 'nothing is dearer');
    for (const body of [{ productId: product.id }, { slug: product.slug }, { sku: product.sku }]) {
        const what = `product.get by ${Object.keys(body)[0]}`;
        const got = checks.done(await shop.call('product.get', body), 'Product', 200, what);
        checks.same(got, product, what);
    }
    const categories = checks.done(await shop.call('category.list', {}), 'CategoryList', 200,
        'category.list');
    checks.ok(categories.items.some((item) => item.id === product.category.id),
        'the list has the category');
}

async function fillCart(shop, customer, product) {
    const token = customer.token;
    const empty = checks.done(await shop.call('cart.get', {}, { token }), 'Cart', 200,
        'cart.get of a new customer');
    checks.same([empty.items, empty.total], [[], null], 'an empty cart');
    const added = checks.done(
        await shop.call('cart.item.add', { productId: product.id, quantity: 2 }, { token }),
        'Cart', 200, 'cart.item.add');
    checks.same(added.items, [{
        productId: product.id, sku: product.sku, name: product.name, quantity: 2,
        unitPrice: product.price, lineTotal: { amount: 2590, currency: 'GBP' }, available: 7,
    }], 'items of the cart');
    const more = checks.done(
        await shop.call('cart.item.update', { productId: product.id, quantity: 3 }, { token }),
        'Cart', 200, 'cart.item.update');
    checks.ok(more.version > added.version, 'the version of the cart grows');
    checks.refused(
        await shop.call('cart.item.add', { productId: product.id, quantity: 9 }, { token }),
        'INSUFFICIENT_STOCK', 409, 'more than there is');
    const cart = checks.done(await shop.call('cart.get', {}, { token }), 'Cart', 200, 'cart.get');
    checks.same(cart, more, 'the cart as it was left');
    checks.same(cart.total, { amount: 3885, currency: 'GBP' }, 'total of the cart');
    checks.same(cart.issues, [], 'issues of the cart');
    return cart;
}

async function placeOrder(shop, customer, product, cart) {
    const token = customer.token;
    const shippingAddress = {
        name: 'Nora Node', line1: '1 Event Loop', city: 'London', postcode: 'N1 1NN', country: 'GB',
    };
    const body = { expectedVersion: cart.version, expectedTotal: cart.total, shippingAddress };
    const order = checks.done(await shop.call('order.place', body, { token }), 'Order', 201,
        'order.place');
    checks.same(order.userId, customer.id, 'customer of the order');
    checks.same(order.status, 'pending', 'status of the order');
    checks.same(order.total, cart.total, 'total of the order');
    checks.same(order.shippingAddress, shippingAddress, 'address of the order');
    checks.same(order.items, [{
        productId: product.id, sku: product.sku, name: product.name, quantity: 3,
        unitPrice: product.price, lineTotal: cart.total,
    }], 'items of the order');
    checks.same(order.history.map((step) => [step.status, step.by]), [['pending', customer.id]],
        'history of the order');
    return order;
}

async function isStored(shop, customer, admin, product, order) {
    const token = customer.token;
    for (const body of [{ orderId: order.id }, { number: order.number }]) {
        const what = `order.get by ${Object.keys(body)[0]}`;
        const got = checks.done(await shop.call('order.get', body, { token }), 'Order', 200, what);
        checks.same(got, order, what);
    }
    const cart = checks.done(await shop.call('cart.get', {}, { token }), 'Cart', 200,
        'cart.get after the order');
    checks.same([cart.items, cart.total], [[], null], 'the cart is empty again');
    const stock = checks.done(
        await shop.call('inventory.get', { productId: product.id }, { token: admin }),
        'Inventory', 200, 'inventory.get');
    checks.same([stock.onHand, stock.reserved, stock.available], [7, 3, 4], 'stock is reserved');
    checks.refused(await shop.call('order.place', {}, { token }), 'CART_EMPTY', 409,
        'an order of nothing');
}

async function deliver(shop, admin, order) {
    for (const status of ['paid', 'processing', 'shipped', 'delivered']) {
        const body = { orderId: order.id, status, note: `now ${status}` };
        const answer = await shop.call('order.status.set', body, { token: admin.token });
        const moved = checks.done(answer, 'Order', 200, `order.status.set to ${status}`);
        checks.same(moved.status, status, 'the new status');
        const last = moved.history.at(-1);
        checks.same([last.status, last.by, last.note], [status, admin.id, `now ${status}`],
            'the last step of the history');
    }
    const back = { orderId: order.id, status: 'paid' };
    checks.refused(await shop.call('order.status.set', back, { token: admin.token }),
        'ILLEGAL_TRANSITION', 409, 'a delivered order cannot be paid again');
}

async function readHistory(shop, customer, admin, product, order) {
    const token = customer.token;
    const page = checks.done(await shop.call('order.list', { limit: 10 }, { token }), 'OrderPage',
        200, 'order.list');
    checks.same([page.totalItems, page.totalPages, page.page, page.limit], [1, 1, 1, 10],
        'counts of the orders');
    checks.same(page.items[0]?.id, order.id, 'the order in the list');
    checks.same(page.items[0]?.history.map((step) => step.status),
        ['pending', 'paid', 'processing', 'shipped', 'delivered'], 'the way of the order');
    const stock = checks.done(
        await shop.call('inventory.get', { productId: product.id }, { token: admin.token }),
        'Inventory', 200, 'inventory.get after the delivery');
    checks.same([stock.onHand, stock.reserved, stock.available], [4, 0, 4], 'the goods are gone');
}

// --- what is told --------------------------------------------------------------------------------

async function readNotifications(shop, customer) {
    const token = customer.token;
    let page;
    for (let tries = 0; tries < 200; tries++) {
        page = await shop.call('notification.list', { limit: 50 }, { token });
        if (page.body.data?.totalItems >= 5) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const data = checks.done(page, 'NotificationPage', 200, 'notification.list');
    checks.same(data.items.map((item) => item.kind).sort(),
        [...Array(1).fill('order_placed'), ...Array(4).fill('order_status_changed')],
        'kinds of the notifications');
    checks.same(data.unread, 5, 'unread notifications');
    const ids = data.items.slice(0, 2).map((item) => item.id);
    const read = await shop.call('notification.read', { ids }, { token });
    checks.same(checks.done(read, 'Unread', 200, 'notification.read').unread, 3, 'left unread');
    const all = await shop.call('notification.read', { all: true }, { token });
    checks.same(checks.done(all, 'Unread', 200, 'notification.read of all').unread, 0, 'all read');
}

async function hearAll(shop, customer, product, order) {
    const event = async (type, subject) => {
        const heard = await shop.hear(
            ({ key, body }) => key === type && body.subject === subject, `${type} of ${subject}`);
        checks.form('Event', heard.body, type);
        checks.same(heard.body.type, type, `type of ${type}`);
        return heard.body;
    };
    const placed = await event('order.placed', order.id);
    checks.same(placed.data, order, 'order.placed carries the order');
    checks.same(placed.aggregateversion, order.version, 'order.placed carries the version');
    checks.form('Order', (await event('order.status_changed', order.id)).data, 'a changed order');
    checks.form('User', (await event('user.registered', customer.id)).data, 'a registered user');
    checks.form('Product', (await event('product.created', product.id)).data, 'a created product');
    checks.form('Category', (await event('category.created', product.category.id)).data,
        'a created category');
    checks.form('Inventory', (await event('stock.changed', product.id)).data, 'a changed stock');
    checks.form('Inventory', (await event('stock.low', product.id)).data, 'a low stock');
    for (const channel of ['inapp', 'email']) {
        const key = `${channel}.order_placed`;
        const { body } = await shop.hear(
            (heard) => heard.key === key && heard.body.to.userId === customer.id, key);
        checks.form('NotificationMessage', body, key);
        checks.same(body.to.email, customer.email, `recipient of ${key}`);
        checks.same([body.kind, body.channel], ['order_placed', channel], `kind of ${key}`);
        checks.ok(body.text.includes(order.number), `${key} says the number`);
    }
}

// --- the ways to say no --------------------------------------------------------------------------

async function refusals(shop, customer, admin, order) {
    const token = customer.token;
    const unknown = checks.refused(
        await shop.call('cart.get', { colour: 'blue' }, { token }),
        'VALIDATION_FAILED', 422, 'an unknown member');
    checks.same(unknown.fields?.map((field) => field.pointer), ['/colour'], 'where it stands');
    const several = checks.refused(
        await shop.call('cart.item.add', { productId: 'x', quantity: 0 }, { token }),
        'VALIDATION_FAILED', 422, 'two faults');
    checks.same(several.fields?.map((field) => field.pointer).sort(), ['/productId', '/quantity'],
        'both are told');
    checks.refused(await shop.call('cart.get', null, { token, raw: Buffer.from('{"a":') }),
        'MALFORMED', 400, 'half a JSON');
    checks.refused(await shop.call('cart.get', null, { token, raw: Buffer.from([0x7b, 0xff, 0x7d]) }),
        'MALFORMED', 400, 'bytes that are not UTF-8');
    checks.refused(await shop.call('cart.get', {}), 'UNAUTHENTICATED', 401, 'no token');
    checks.refused(await shop.call('cart.get', {}, { token: `${token.slice(0, -2)}xx` }),
        'UNAUTHENTICATED', 401, 'a forged token');
    checks.refused(await shop.call('category.create', { name: 'Mine' }, { token }),
        'FORBIDDEN', 403, 'a customer in the back office');
    checks.refused(await shop.call('teapot.pour', {}, { token }), 'UNKNOWN_OPERATION', 404,
        'an operation that nobody serves');
    checks.refused(await shop.call('order.get', { orderId: 'f'.repeat(24) }, { token }),
        'NOT_FOUND', 404, 'an order that is not there');
    checks.refused(await shop.call('order.cancel', { orderId: order.id }, { token }),
        'NOT_CANCELLABLE', 409, 'a delivered order cannot be cancelled');
    checks.refused(await shop.call('auth.login', { email: customer.email, password: 'wrong one' }),
        'INVALID_CREDENTIALS', 401, 'a wrong password');
    checks.refused(
        await shop.call('cart.get', {}, { token, headers: { deadline: Date.now() - 1000 } }),
        'DEADLINE_EXCEEDED', 504, 'a request that comes too late');
}

async function idempotency(shop, customer, admin, product) {
    const body = { productId: product.id, delta: 1, reason: 'found one' };
    const options = { token: admin, id: `node-${run}-once` };
    const first = await shop.call('inventory.adjust', body, options);
    const stock = checks.done(first, 'Inventory', 200, 'inventory.adjust');
    checks.same(stock.onHand, 5, 'one more on hand');
    const again = await shop.call('inventory.adjust', body, options);
    checks.same(again.text, first.text, 'the same message id is answered with the same reply');
    checks.same(again.status, first.status, 'and with the same status');
    checks.refused(await shop.call('inventory.adjust', { ...body, delta: 2 }, options),
        'IDEMPOTENCY_MISMATCH', 422, 'the same message id with another body');
    const after = await shop.call('inventory.get', { productId: product.id }, { token: admin });
    checks.same(after.body.data?.onHand, 5, 'it happened once');
}

async function sessions(shop, email, refreshToken) {
    const rotated = checks.done(await shop.call('auth.refresh', { refreshToken }), 'Tokens', 200,
        'auth.refresh');
    checks.ok(rotated.refreshToken !== refreshToken, 'the refresh token is a new one');
    const newest = checks.done(
        await shop.call('auth.refresh', { refreshToken: rotated.refreshToken }), 'Tokens', 200,
        'a second auth.refresh');
    checks.refused(await shop.call('auth.refresh', { refreshToken }), 'TOKEN_REUSED', 401,
        'a refresh token of two rotations ago');
    checks.refused(await shop.call('auth.refresh', { refreshToken: newest.refreshToken }),
        'TOKEN_INVALID', 401, 'its whole family is revoked');
    const entered = await login(shop, email, PASSWORD, 'the customer, again');
    const me = await shop.call('user.get', {}, { token: entered.accessToken });
    checks.done(me, 'User', 200, 'user.get with the new token');
    const out = await shop.call('auth.logout', { refreshToken: entered.refreshToken },
        { token: entered.accessToken });
    checks.done(out, 'Nothing', 200, 'auth.logout');
    checks.refused(await shop.call('auth.refresh', { refreshToken: entered.refreshToken }),
        'TOKEN_INVALID', 401, 'a refresh after the logout');
}

// The program of docs/clients.md, as its reader runs it: in a shop with the usual prefix.
async function firstProgram() {
    if ((process.env.CARTWRIGHT_PREFIX ?? 'cartwright') !== 'cartwright') return;
    const { stdout } = await promisify(execFile)(process.execPath, [FIRST]);
    checks.ok(TOLD.test(stdout), `what the first program says: ${stdout}`);
}

// --- all of it -----------------------------------------------------------------------------------

async function journey(shop) {
    await shop.listen('events', '#');
    await shop.listen('notifications', '#');
    const registered = await register(shop);
    const entered = await login(shop, registered.email, PASSWORD, 'the customer');
    const customer = { ...registered, token: entered.accessToken };
    const { SHOP_ADMIN_EMAIL: email, SHOP_ADMIN_PASSWORD: password } = process.env;
    const office = await login(shop, email, password, 'the admin');
    const admin = { id: office.user.id, token: office.accessToken };
    const product = await addProduct(shop, admin.token);
    await browse(shop, product);
    const cart = await fillCart(shop, customer, product);
    const order = await placeOrder(shop, customer, product, cart);
    await isStored(shop, customer, admin.token, product, order);
    await deliver(shop, admin, order);
    await readHistory(shop, customer, admin, product, order);
    await readNotifications(shop, customer);
    await hearAll(shop, customer, product, order);
    await refusals(shop, customer, admin.token, order);
    await idempotency(shop, customer, admin.token, product);
    await sessions(shop, registered.email, entered.refreshToken);
    await firstProgram();
}

const shop = await Shop.open(process.env.CARTWRIGHT_CLIENT_AMQP_URI, process.env.CARTWRIGHT_PREFIX);
try {
    await journey(shop);
} catch (error) {
    checks.ok(false, error.stack);
}
await shop.close();
console.log(`the journey of a Node client: ${checks.passed} passed, ${checks.failed} failed`);
process.exitCode = checks.failed === 0 ? 0 : 1;
