/* load.c - opens the shop: categories, products with their stock, accounts; as many requests in
 * flight as there may be. What an earlier run has left is brought to the state the plan needs. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "demo/demo.h"

struct loader {
    struct demo *demo;
    size_t next;
    size_t loaded;
    size_t total;
    const char *what;
};

static void loaded(struct loader *loader)
{
    loader->loaded++;
    demo_progress("loading %s: %zu of %zu", loader->what, loader->loaded, loader->total);
}

/* --- the admin --------------------------------------------------------------------------------- */

static void admin_entered(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct demo *demo = context;
    if (web_expect(&demo->web, "the admin cannot log in", answer))
        web_take_tokens(&demo->web, &demo->admin, answer->data);
}

static bool nothing(void *context)
{
    (void)context;
    return false;
}

static struct str credentials(struct arena *arena, struct str name, struct str email,
                              struct str password)
{
    struct text text;
    struct json_writer writer;
    text_init(&text, arena, 256);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    if (!str_is_absent(name)) {
        json_key(&writer, "name");
        json_put_str(&writer, name);
    }
    json_key(&writer, "email");
    json_put_str(&writer, email);
    json_key(&writer, "password");
    json_put_str(&writer, password);
    json_close_object(&writer);
    return text_str(&text);
}

static void enter_admin(struct demo *demo, struct str email, struct str password)
{
    web_send(&demo->web,
             &(struct ask){.operation = "auth.login",
                           .body = credentials(&demo->arena, STR_ABSENT, email, password),
                           .then = admin_entered,
                           .context = demo});
    web_run(&demo->web, nothing, NULL);
}

/* --- categories -------------------------------------------------------------------------------- */

static size_t category_index(struct str name)
{
    size_t i = 0;
    while (plan_categories[i] && !str_eq(str_of(plan_categories[i]), name))
        i++;
    return i;
}

static void category_listed(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct demo *demo = context;
    if (!web_expect(&demo->web, "category.list", answer))
        return;
    const struct json *items = json_member(answer->data, "items");
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *category = json_element(items, i);
        const size_t index = category_index(json_str(json_member(category, "name")));
        if (plan_categories[index])
            demo->categories[index] = str_dup(&demo->arena, json_str(json_member(category, "id")));
    }
}

static void category_made(void *context, size_t item, const struct answer *answer)
{
    struct demo *demo = context;
    if (web_expect(&demo->web, "category.create", answer))
        demo->categories[item] = str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
}

static bool start_category(void *context)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    while (plan_categories[loader->next] && !str_is_absent(demo->categories[loader->next]))
        loader->next++;
    if (!plan_categories[loader->next])
        return false;
    web_send(&demo->web, &(struct ask){.operation = "category.create",
                                       .session = &demo->admin,
                                       .body = demo_body(&demo->arena, "{\"name\":\"%s\"}",
                                                         plan_categories[loader->next]),
                                       .then = category_made,
                                       .context = demo,
                                       .item = loader->next});
    loader->next++;
    return true;
}

static void load_categories(struct demo *demo)
{
    const size_t count = category_index(STR_ABSENT);
    demo->categories = arena_array(&demo->arena, count, sizeof(struct str));
    web_send(&demo->web, &(struct ask){.operation = "category.list",
                                       .body = STR("{}"),
                                       .then = category_listed,
                                       .context = demo});
    web_run(&demo->web, nothing, NULL);
    struct loader loader = {.demo = demo};
    web_run(&demo->web, start_category, &loader);
}

/* --- products ----------------------------------------------------------------------------------
 * create; or, when the SKU is taken: get by SKU -> update the price -> read the stock -> set it. */

static void ask_admin(struct loader *loader, size_t item, const char *operation, struct str body,
                      answered *then)
{
    web_send(&loader->demo->web, &(struct ask){.operation = operation,
                                               .session = &loader->demo->admin,
                                               .body = body,
                                               .then = then,
                                               .context = loader,
                                               .item = item});
}

static void stock_set(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct loader *loader = context;
    if (web_expect(&loader->demo->web, "inventory.set", answer))
        loaded(loader);
}

/* What earlier orders have reserved stays theirs and comes on top of the plan's stock. */
static void stock_read(void *context, size_t item, const struct answer *answer)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (!web_expect(&demo->web, "inventory.get", answer))
        return;
    struct shop_product *product = &demo->products[item];
    product->base_reserved = json_int(json_member(answer->data, "reserved"), 0);
    ask_admin(loader, item, "inventory.set",
              demo_body(&demo->arena, "{\"productId\":\"%.*s\",\"onHand\":%" PRId64 "}",
                        STR_FMT(product->id),
                        product->base_reserved + demo->plan.products.items[item].start),
              stock_set);
}

static void product_updated(void *context, size_t item, const struct answer *answer)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (web_expect(&demo->web, "product.update", answer))
        ask_admin(
            loader, item, "inventory.get",
            demo_body(&demo->arena, "{\"productId\":\"%.*s\"}", STR_FMT(demo->products[item].id)),
            stock_read);
}

static void product_found(void *context, size_t item, const struct answer *answer)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (!web_expect(&demo->web, "product.get", answer))
        return;
    struct shop_product *product = &demo->products[item];
    product->id = str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
    ask_admin(loader, item, "product.update",
              demo_body(&demo->arena,
                        "{\"productId\":\"%.*s\",\"status\":\"published\",\"price\":"
                        "{\"amount\":%" PRId64 ",\"currency\":\"GBP\"}}",
                        STR_FMT(product->id), demo->plan.products.items[item].first_price),
              product_updated);
}

static struct str product_body(struct demo *demo, size_t item, bool sku_only)
{
    const struct plan_product *plan = &demo->plan.products.items[item];
    struct text text;
    struct json_writer writer;
    text_init(&text, &demo->arena, 512);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "sku");
    json_put_str(&writer, plan->sku);
    if (!sku_only) {
        json_key(&writer, "name");
        json_put_str(&writer, plan->name);
        json_key(&writer, "categoryId");
        json_put_str(&writer, demo->categories[category_index(str_of(plan->category))]);
        json_key(&writer, "price");
        json_put_raw(&writer,
                     demo_body(&demo->arena, "{\"amount\":%" PRId64 ",\"currency\":\"GBP\"}",
                               plan->first_price));
        json_key(&writer, "stock");
        json_put_int(&writer, plan->start);
    }
    json_close_object(&writer);
    return text_str(&text);
}

static void product_made(void *context, size_t item, const struct answer *answer)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (str_eq(answer->code, STR("DUPLICATE_SKU"))) {
        ask_admin(loader, item, "product.get", product_body(demo, item, true), product_found);
        return;
    }
    if (!web_expect(&demo->web, "product.create", answer))
        return;
    demo->products[item].id = str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
    loaded(loader);
}

static bool start_product(void *context)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (loader->next == demo->plan.products.count)
        return false;
    ask_admin(loader, loader->next, "product.create", product_body(demo, loader->next, false),
              product_made);
    loader->next++;
    return true;
}

/* --- accounts ---------------------------------------------------------------------------------- */

struct entry {
    struct demo *demo;
    struct session *session;
    int64_t *base_orders;
    struct str email;
    struct loader *loader; /* NULL: nobody counts */
};

static void ask_entry(struct entry *entry, const char *operation, struct session *session,
                      struct str body, answered *then)
{
    web_send(&entry->demo->web, &(struct ask){.operation = operation,
                                              .session = session,
                                              .body = body,
                                              .then = then,
                                              .context = entry});
}

static void entered(struct entry *entry)
{
    if (entry->loader)
        loaded(entry->loader);
}

static void orders_counted(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct entry *entry = context;
    if (!web_expect(&entry->demo->web, "order.list", answer))
        return;
    if (entry->base_orders)
        *entry->base_orders = json_int(json_member(answer->data, "totalItems"), 0);
    entered(entry);
}

static void cart_cleared(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct entry *entry = context;
    if (web_expect(&entry->demo->web, "cart.clear", answer))
        ask_entry(entry, "order.list", entry->session, STR("{\"limit\":1}"), orders_counted);
}

static void logged_in(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct entry *entry = context;
    if (!web_expect(&entry->demo->web, "auth.login", answer))
        return;
    web_take_tokens(&entry->demo->web, entry->session, answer->data);
    ask_entry(entry, "cart.clear", entry->session, STR("{}"), cart_cleared);
}

static void registered(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct entry *entry = context;
    struct demo *demo = entry->demo;
    if (str_eq(answer->code, STR("EMAIL_TAKEN"))) {
        ask_entry(entry, "auth.login", NULL,
                  credentials(&demo->arena, STR_ABSENT, entry->email, STR(DEMO_PASSWORD)),
                  logged_in);
        return;
    }
    if (!web_expect(&demo->web, "auth.register", answer))
        return;
    web_take_tokens(&demo->web, entry->session, answer->data);
    entered(entry);
}

static void enter(const struct entry *entry, struct str name)
{
    struct entry *kept = arena_copy(&entry->demo->arena, entry, sizeof(*entry));
    ask_entry(kept, "auth.register", NULL,
              credentials(&entry->demo->arena, name, entry->email, STR(DEMO_PASSWORD)), registered);
}

void demo_enter(struct demo *demo, struct session *session, int64_t *base_orders, struct str email,
                struct str name)
{
    enter(&(struct entry){demo, session, base_orders, email, NULL}, name);
}

static bool start_customer(void *context)
{
    struct loader *loader = context;
    struct demo *demo = loader->demo;
    if (loader->next == demo->plan.customers.count)
        return false;
    const struct plan_customer *plan = &demo->plan.customers.items[loader->next];
    struct shop_customer *customer = &demo->customers[loader->next];
    enter(&(struct entry){demo, &customer->session, &customer->base_orders, plan->email, loader},
          plan->name);
    loader->next++;
    return true;
}

/* --- all of it --------------------------------------------------------------------------------- */

void demo_load(struct demo *demo, struct str admin_email, struct str admin_password)
{
    const struct plan *plan = &demo->plan;
    const int64_t began_us = clock_monotonic_us();
    demo->products = arena_array(&demo->arena, plan->products.count, sizeof(struct shop_product));
    demo->customers =
        arena_array(&demo->arena, plan->customers.count, sizeof(struct shop_customer));
    demo->orders = arena_array(&demo->arena, plan->orders.count, sizeof(struct shop_order));
    enter_admin(demo, admin_email, admin_password);
    if (!demo->web.failed)
        load_categories(demo);
    struct loader products = {.demo = demo, .total = plan->products.count, .what = "the catalogue"};
    web_run(&demo->web, start_product, &products);
    demo_progress_done();
    struct loader customers = {
        .demo = demo, .total = plan->customers.count, .what = "customers' accounts"};
    web_run(&demo->web, start_customer, &customers);
    demo_progress_done();
    demo->tally.load_us = clock_monotonic_us() - began_us;
}
