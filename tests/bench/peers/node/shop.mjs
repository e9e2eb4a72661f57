// shop.mjs - what the operations share: the stores, refusals, and documents' values.
import {Redis} from 'ioredis';
import {Long, MongoClient} from 'mongodb';

export const CONCURRENCY = Number(process.env.PEER_CONCURRENCY ?? 32);
export const REMEMBERED_MAX = 10_000;
export const DURABLE = {writeConcern: {w: 'majority', j: true}};

export const mongo = await new MongoClient(process.env.CARTWRIGHT_MONGODB_URI, {
    maxPoolSize: CONCURRENCY,
    enableUtf8Validation: false, // nothing else gets into the database
}).connect();
const db = mongo.db();
export const carts = db.collection('carts');
export const products = db.collection('products');
await products.createIndex({name: 'text', description: 'text'}, {weights: {name: 10, description: 1}});
export const categories = db.collection('categories');
export const stock = db.collection('stock');
export const orders = db.collection('orders');
export const redis = new Redis(process.env.CARTWRIGHT_REDIS_URI, {enableAutoPipelining: true});
redis.on('error', (error) => console.error('peer:', error));

// --- errors ------------------------------------------------------------------------------------------

export class Refusal extends Error {
    constructor(status, code, message, fields) {
        super(message);
        this.status = status;
        this.body = {code, message, fields, retryable: status >= 500};
    }
}

export const invalid = (pointer, message) =>
    new Refusal(422, 'VALIDATION_FAILED', 'the request is not valid', [{pointer, message}]);
export const noProduct = () => new Refusal(404, 'NOT_FOUND', 'there is no such product');
export const versionConflict = () => new Refusal(409, 'VERSION_CONFLICT', 'the cart has changed');

// --- values ------------------------------------------------------------------------------------------

// The driver reads 64-bit integers as numbers; written they must stay 64 bits wide.
export const int64 = (number) => Long.fromNumber(number);
export const storedMoney = ({amount, currency}) => ({amount: int64(amount), currency});
export const storedLine = (line) => ({
    ...line,
    quantity: int64(line.quantity),
    unitPrice: storedMoney(line.unitPrice),
});
export const byId = (documents) => new Map(documents.map((one) => [String(one._id), one]));
export const available = (one) => (one ? one.onHand - one.reserved : 0);
export const isOnSale = (product) => product?.status === 'published';
export const isId = (value) => typeof value === 'string' && /^[0-9a-f]{24}$/.test(value);
export const isCount = (value, max) => Number.isSafeInteger(value) && value >= 1 && value <= max;
export const isText = (value, max) => typeof value === 'string' && value.length <= max;

// `rules`: what each member must satisfy. Unknown members are refused.
export function validate(request, rules) {
    for (const [name, value] of Object.entries(request))
        if (!Object.hasOwn(rules, name) || !rules[name](value))
            throw invalid(`/${name}`, 'is unknown or out of range');
    return request;
}
