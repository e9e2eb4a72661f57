// catalog.mjs - product.get and product.list as guests see them, remembered in the process for a few
// seconds.
import {ObjectId} from 'mongodb';
import {
    available,
    byId,
    categories,
    invalid,
    isCount,
    isId,
    isOnSale,
    isText,
    noProduct,
    products,
    REMEMBERED_MAX,
    stock,
    validate,
} from './shop.mjs';

const REMEMBER_MS = 5_000;
const LOW_STOCK = 5;

const remembered = new Map();

// Who asks while the answer is being made waits for it; what failed is asked again.
function remember(key, make) {
    const now = Date.now();
    const known = remembered.get(key);
    if (known && known.until > now) return known.answer;
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    const answer = make().then((data) => ({
        status: 200,
        body: Buffer.from(JSON.stringify({ok: true, data})),
    }));
    remembered.set(key, {answer, until: now + REMEMBER_MS});
    answer.catch(() => remembered.delete(key));
    return answer;
}

function productView(product, categoryOf, stockOf) {
    const category = categoryOf.get(String(product.categoryId));
    const left = available(stockOf.get(product.sku));
    const {_id: id, name, slug, description, price, sku, images, status} = product;
    const {createdAt, updatedAt, version} = product;
    const isLow = left <= LOW_STOCK ? 'low_stock' : 'in_stock';
    return {
        id,
        name,
        slug,
        description,
        category: category
            ? {id: category._id, name: category.name, slug: category.slug}
            : null,
        price,
        sku,
        stock: {available: left, status: left <= 0 ? 'out_of_stock' : isLow},
        images,
        status,
        createdAt,
        updatedAt,
        version,
    };
}

async function productViews(found) {
    const ids = found.flatMap(({categoryId}) => categoryId ?? []);
    const [known, stocks] = await Promise.all([
        ids.length ? categories.find({_id: {$in: ids}}).toArray() : [],
        stock.find({_id: {$in: found.map(({sku}) => sku)}}).toArray(),
    ]);
    const [categoryOf, stockOf] = [byId(known), byId(stocks)];
    return found.map((product) => productView(product, categoryOf, stockOf));
}

export async function productGet(request) {
    const isName = (value) => isText(value, 200) && value !== '';
    validate(request, {productId: isId, slug: isName, sku: isName});
    const [[name, value] = [], ...more] = Object.entries(request);
    if (!name || more.length) throw invalid('', 'exactly one of productId, slug and sku is wanted');
    return remember(`get ${name} ${value}`, async () => {
        const filter = name === 'productId' ? {_id: new ObjectId(value)} : {[name]: value};
        const product = await products.findOne(filter);
        if (!isOnSale(product)) throw noProduct();
        return (await productViews([product]))[0];
    });
}

export async function productList(request) {
    const rules = {limit: (value) => isCount(value, 100), search: (value) => isText(value, 200)};
    const {limit = 20, search = ''} = validate(request, rules);
    return remember(`list ${limit} ${search}`, async () => {
        const words = search.replace(/["-]/g, ' '); // neither phrases nor exclusions
        const filter = {status: 'published', ...(search && {$text: {$search: words}})};
        const sort = search ? {score: {$meta: 'textScore'}, _id: 1} : {createdAt: -1, _id: -1};
        const [found, totalItems] = await Promise.all([
            products.find(filter).sort(sort).limit(limit).toArray(),
            products.countDocuments(filter),
        ]);
        const items = await productViews(found);
        return {items, page: 1, limit, totalItems, totalPages: Math.ceil(totalItems / limit)};
    });
}
