/* The shop's invariants: a healthy shop has no finding, whatever goes on meanwhile and however little
 * memory there is; and of each invariant, a shop that violates just it is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/operations.h"
#include "catalog/operations.h"
#include "check_case.h"
#include "inventory/operations.h"
#include "notification/operations.h"
#include "order/operations.h"
#include "schemas/cart.h"
#include "schemas/inventory.h"
#include "schemas/notification.h"
#include "schemas/order.h"
#include "schemas/product.h"
#include "shop.h"
#include "shop_case.h"
#include "wishlist/operations.h"
#include "wishlist/wishlist.h"

#define TINY 1 /* byte: every table holds one row */

static struct shop shop;
static struct service service;
static struct app_settings settings;
static struct str mug, pot, pending, shipped;

/* --- a healthy shop -------------------------------------------------------------------------------------- */

static struct str product(const char *sku, int64_t stock)
{
    const struct product_view *view =
        shop_done(shop_admin(&shop, product_create, .name = str_of(sku), .sku = str_of(sku),
                             .price = {255, "GBP"}, .stock = {true, stock}));
    return view->id;
}

static struct str order_of(const char *user, struct str product_id, int64_t quantity)
{
    shop_done(
        shop_customer(&shop, user, cart_item_add, .product_id = product_id, .quantity = quantity));
    return ((const struct order *)shop_done(shop_customer(&shop, user, order_place, 0)))->head.id;
}

static void move(struct str order, enum order_status to)
{
    shop_done(shop_admin(&shop, order_status_set, .order_id = order, .status = (int)to));
}

static void put(const struct doc_type *type, const void *doc)
{
    store_fake_put(shop.lane.store, type, doc);
}

static struct doc_head head(const char *id)
{
    return (struct doc_head){
        .id = str_of(id), .version = 1, .created_at = 1000, .updated_at = 1000};
}

#define NOTE_1 "e00000000000000000000001"
#define NOTE_2 "e00000000000000000000002"

static void put_people(void)
{
    struct user user = {.head = head(ANNA),
                        .name = STR("Anna"),
                        .email = STR("a@example.com"),
                        .email_key = STR("a@example.com"),
                        .email_form = STR("a@example.com"),
                        .password_hash = STR("hash"),
                        .role = CUSTOMER};
    put(&user_type, &user);
    user.head = head(BOSS);
    user.email_key = user.email_form = STR("b@example.com");
    user.role = SUPERADMIN;
    put(&user_type, &user);
    const struct session session = {.head = head("500000000000000000000001"),
                                    .user_id = STR(ANNA),
                                    .digest = STR("digest"),
                                    .idle_until = 2000,
                                    .expires_at = 3000};
    const struct roster roster = {.head = head("superadmin"), .count = 1};
    put(&session_type, &session);
    put(&roster_type, &roster);
}

static struct notification notification_of(const char *id, int64_t seq)
{
    return (struct notification){.head = head(id),
                                 .user_id = STR(ANNA),
                                 .seq = seq,
                                 .kind = STR("order_placed"),
                                 .subject = STR("Your order"),
                                 .text = STR("Thank you"),
                                 .data = STR("{}")};
}

static void put_notification(const char *id, int64_t seq)
{
    const struct notification notification = notification_of(id, seq);
    put(&notification_type, &notification);
}

static void put_notifications(void)
{
    const struct inbox inbox = {.head = head(ANNA), .last_seq = 2, .read_until = 1, .unread = 1};
    put(&inbox_type, &inbox);
    put_notification(NOTE_1, 1);
    put_notification(NOTE_2, 2);
}

static void open_shop(void)
{
    shop_open(&shop);
    settings.shop = shop.settings;
    service = shop_service(&settings);
    mug = product("MUG", 10);
    pot = product("POT", 0);
    shop_done(shop_admin(&shop, inventory_adjust, .product_id = pot, .delta = 20));
    pending = order_of(ANNA, mug, 2);
    shipped = order_of(BERT, pot, 3);
    move(shipped, ORDER_PAID);
    move(shipped, ORDER_PROCESSING);
    move(shipped, ORDER_SHIPPED);
    move(order_of(ANNA, pot, 4), ORDER_CANCELLED);
    shop_done(shop_customer(&shop, ANNA, cart_item_add, .product_id = mug, .quantity = 1));
    shop_done(shop_customer(&shop, ANNA, wishlist_add, .product_id = pot));
    put_people();
    put_notifications();
    store_fake_set_now(shop.lane.store, shop.batch.now); /* nothing publishes here */
}

/* What is found, with any memory the same. */
static const char *found_by(struct store *store)
{
    struct check_case c = {.store = store, .service = &service, .arena = &shop.arena};
    const char *found = check_case_found(&c);
    struct check_case tiny = c;
    tiny.memory_max = TINY;
    assert_string_equal(check_case_found(&tiny), found);
    assert_true(c.totals.documents > 0 && c.progressed > 0);
    return found;
}

static void assert_finds(const char *expected)
{
    const char *found = found_by(shop.lane.store);
    if (strcmp(found, expected) != 0)
        fail_msg("found:\n%sexpected:\n%s", found, expected);
}

#define SAY(...) (str_printf(&shop.arena, __VA_ARGS__).ptr)

void test_check_shop__a_healthy_shop_has_no_finding(void **state)
{
    (void)state;
    open_shop();
    assert_finds("");
    shop_close(&shop);
}

void test_check_shop__an_empty_shop_has_no_finding(void **state)
{
    (void)state;
    shop_open(&shop);
    service = shop_service(&settings);
    struct check_case c = {
        .store = shop.lane.store, .service = &service, .arena = &shop.arena, .quiesced = true};
    assert_string_equal(check_case_found(&c), "");
    shop_close(&shop);
}

/* --- tampering -------------------------------------------------------------------------------------------- */

static const void *get(const struct doc_type *type, struct str id)
{
    const void *doc = store_fake_get(shop.lane.store, type, id);
    assert_non_null(doc);
    return shape_copy(type->shape, &shop.arena, doc);
}

/* Changes a stored document, behind the shop's back. */
#define TAMPER(struct_name, type, id, member, value)                                               \
    do {                                                                                           \
        struct struct_name tampered_ = *(const struct struct_name *)get(&(type), (id));            \
        tampered_.member = (value);                                                                \
        put(&(type), &tampered_);                                                                  \
    } while (0)

static void drop(const struct doc_type *type, struct str id)
{
    const void *doc = get(type, id);
    const struct write write = {WRITE_DELETE, type, doc, doc_head(doc)->version};
    const struct commit commit = {
        .id = id_new(&shop.arena, 5000), .now = 5000, .writes = &write, .write_count = 1};
    struct err err = {0};
    assert_int_equal(store_commit(shop.lane.store, &commit, &err), OUTCOME_DONE);
}

/* The first page of the ledger that holds such a move of the SKU; *at is its place. */
static struct ledger_page *page_with(const char *sku, enum stock_move wanted, size_t *at)
{
    struct doc_list pages;
    struct err err = {0};
    assert_int_equal(
        store_scan(shop.lane.store, &shop.arena, &stock_ledger, STR_ABSENT, 1000, &pages, &err),
        OUTCOME_DONE);
    for (size_t i = 0; i < pages.count; i++) {
        struct ledger_page *page = (struct ledger_page *)(uintptr_t)pages.items[i];
        for (*at = 0; *at < page->entries.count; (*at)++) {
            const struct stock_movement *movement = ledger_entry(&stock_ledger, page, *at);
            if (movement->move == (int)wanted && str_eq(movement->sku, str_of(sku)))
                return page;
        }
    }
    fail_msg("no %s of %s in the ledger", stock_move_names[wanted], sku);
    return NULL;
}

static struct stock_movement *movement_in(struct ledger_page *page, size_t at)
{
    return (struct stock_movement *)(uintptr_t)ledger_entry(&stock_ledger, page, at);
}

/* --- stock ------------------------------------------------------------------------------------------------ */

void test_check_shop__stock_that_is_not_what_its_ledger_leaves(void **state)
{
    (void)state;
    open_shop();
    TAMPER(stock, stock_type, STR("MUG"), on_hand, 11);
    assert_finds("stock: stock MUG: at version 2 it has 11 on hand, 2 reserved; its 2 movements "
                 "make 10, 2\n");
    shop_close(&shop);
}

void test_check_shop__a_movement_that_is_missing(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    struct ledger_page *page = page_with("POT", STOCK_ADJUST, &at);
    const struct str cause = movement_in(page, at)->cause;
    drop(&stock_ledger, page->head.id);
    assert_finds(SAY("stock: stock POT: movement 2 is not in the ledger\n"
                     "adjustments: stockAdjustments %s: it adds 20 and leaves 20 on hand; the "
                     "ledger has other movements of it: 0, adding 0\n",
                     cause.ptr));
    shop_close(&shop);
}

void test_check_shop__a_movement_that_is_there_twice(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    const struct ledger_page *page = page_with("POT", STOCK_OPEN, &at);
    struct ledger_page copy = *page;
    copy.head.id = STR("f00000000000000000000001"); /* behind the first */
    put(&stock_ledger, &copy);
    assert_finds(SAY("stock: stock POT: movement 1 is in the ledger 2 times: pages %s, "
                     "f00000000000000000000001\n",
                     page->head.id.ptr));
    shop_close(&shop);
}

void test_check_shop__a_movement_that_does_not_follow(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    struct ledger_page *page = page_with("MUG", STOCK_OPEN, &at);
    movement_in(page, at)->d_on_hand = movement_in(page, at)->on_hand = 9;
    put(&stock_ledger, page);
    const struct ledger_page *next = page_with("MUG", STOCK_RESERVE, &at);
    assert_finds(
        SAY("stock: stock MUG: movement 2 (reserve, page %s) adds 0 on hand, 2 reserved to "
            "9, 0 and has 10, 2\n",
            next->head.id.ptr));
    shop_close(&shop);
}

void test_check_shop__a_movement_that_is_not_what_it_says(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    struct ledger_page *page = page_with("MUG", STOCK_OPEN, &at);
    movement_in(page, at)->move = STOCK_ADJUST;
    put(&stock_ledger, page);
    assert_finds(SAY("stock: stock MUG: movement 1 (page %s) is no 'adjust': it adds 10 on hand, 0 "
                     "reserved and leaves 10, 0\n"
                     "adjustments: stockAdjustments %s: there is no such document, but movements "
                     "of it\n",
                     page->head.id.ptr, mug.ptr));
    shop_close(&shop);
}

void test_check_shop__a_ledger_that_goes_on(void **state)
{
    (void)state;
    open_shop();
    struct stock stock = *(const struct stock *)get(&stock_type, STR("MUG"));
    stock.head.version = 1;
    stock.reserved = 0;
    put(&stock_type, &stock);
    assert_finds("stock: stock MUG: it is at version 1, the ledger goes on to 2\n");
    shop_close(&shop);
}

void test_check_shop__movements_of_no_stock(void **state)
{
    (void)state;
    open_shop();
    drop(&stock_type, STR("POT"));
    assert_finds(SAY("products: products %s: there is no stock POT\n"
                     "stock: stock POT: there is no such document, but movements of it\n",
                     pot.ptr));
    shop_close(&shop);
}

/* Both sides agree on what must not be. */
void test_check_shop__more_reserved_than_there_is(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    struct ledger_page *page = page_with("MUG", STOCK_OPEN, &at);
    movement_in(page, at)->d_on_hand = movement_in(page, at)->on_hand = 1;
    put(&stock_ledger, page);
    page = page_with("MUG", STOCK_RESERVE, &at);
    movement_in(page, at)->on_hand = 1;
    put(&stock_ledger, page);
    TAMPER(stock, stock_type, STR("MUG"), on_hand, 1);
    TAMPER(product, product_type, mug, in_stock, false);
    assert_finds(SAY("stock: stock MUG: movement 2 (page %s) is no 'reserve': it adds 0 on hand, 2 "
                     "reserved and leaves 1, 2\n",
                     page->head.id.ptr));
    shop_close(&shop);
}

/* Of many only the first are explained, because each takes the ledger once more. */
void test_check_shop__many_wrong_stocks(void **state)
{
    (void)state;
    open_shop();
    for (int i = 0; i < 40; i++) {
        const char *sku = SAY("S%02d", i);
        product(sku, 5);
        TAMPER(stock, stock_type, str_of(sku), on_hand, 6);
    }
    struct check_case c = {.store = shop.lane.store, .service = &service, .arena = &shop.arena};
    const char *found = check_case_found(&c);
    assert_int_equal(c.totals.findings, 40);
    assert_non_null(strstr(found, "stock S39: at version 1 it has 6 on hand, 0 reserved; its 1 "
                                  "movements make 5, 0\n"));
    shop_close(&shop);
}

/* --- adjustments ------------------------------------------------------------------------------------------ */

void test_check_shop__an_adjustment_that_says_something_else(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    const struct ledger_page *page = page_with("POT", STOCK_ADJUST, &at);
    const struct stock_movement *movement = ledger_entry(&stock_ledger, page, at);
    TAMPER(stock_adjustment, stock_adjustment_type, movement->cause, delta, 21);
    assert_finds(SAY("adjustments: stockAdjustments %s: it adds 21 and leaves 20 on hand; the "
                     "ledger has other movements of it: 1, adding 20\n",
                     movement->cause.ptr));
    drop(&stock_adjustment_type, movement->cause);
    assert_finds(SAY("adjustments: stockAdjustments %s: there is no such document, but movements "
                     "of it\n",
                     movement->cause.ptr));
    shop_close(&shop);
}

/* --- orders ----------------------------------------------------------------------------------------------- */

void test_check_shop__an_order_that_does_not_add_up(void **state)
{
    (void)state;
    open_shop();
    TAMPER(order, order_type, pending, total.amount, 511);
    assert_finds(SAY("orders: orders %s: the total is 511, its lines make 510\n", pending.ptr));
    shop_close(&shop);
}

void test_check_shop__a_line_that_is_not_price_times_quantity(void **state)
{
    (void)state;
    open_shop();
    struct order order = *(const struct order *)get(&order_type, pending);
    order.items.items[0].line_total.amount = order.total.amount = 509;
    put(&order_type, &order);
    assert_finds(SAY("orders: orders %s: line MUG: 2 at 255 GBP is not 509 GBP\n", pending.ptr));
    order.items.items[0].line_total = (struct money){510, "EUR"};
    order.total.amount = 510;
    put(&order_type, &order);
    assert_finds(SAY("orders: orders %s: line MUG: 2 at 255 GBP is not 510 EUR\n", pending.ptr));
    shop_close(&shop);
}

void test_check_shop__an_order_off_its_path(void **state)
{
    (void)state;
    open_shop();
    TAMPER(order, order_type, pending, status, ORDER_PAID);
    assert_finds(SAY("orders: orders %s: it is paid, its history ends as pending\n", pending.ptr));
    TAMPER(order, order_type, pending, status, ORDER_PENDING);
    TAMPER(order, order_type, pending, head.version, 2);
    assert_finds(SAY("orders: orders %s: it is at version 2 after 1 steps\n", pending.ptr));
    TAMPER(order, order_type, pending, head.version, 1);
    struct order order = *(const struct order *)get(&order_type, pending);
    order_add_step(&shop.arena, &order, ORDER_DELIVERED, 1, STR(BOSS), STR_ABSENT);
    order.head.version++;
    put(&order_type, &order);
    assert_finds(
        SAY("orders: orders %s: its history goes from pending to delivered\n", pending.ptr));
    order.history.count = 0;
    put(&order_type, &order);
    assert_finds(
        SAY("orders: orders %s: its history does not begin as pending\n"
            "orders.stock: orders %s: delivered, line MUG: reserve 2 in the ledger, should "
            "be 0\n",
            pending.ptr, pending.ptr));
    shop_close(&shop);
}

/* The reservation of a cancelled order was not released. */
void test_check_shop__stock_that_an_order_did_not_move(void **state)
{
    (void)state;
    open_shop();
    struct order order = *(const struct order *)get(&order_type, pending);
    order_add_step(&shop.arena, &order, ORDER_CANCELLED, 1, STR(BOSS), STR_ABSENT);
    order.head.version++;
    put(&order_type, &order);
    assert_finds(
        SAY("orders.stock: orders %s: cancelled, line MUG: release 0 in the ledger, should "
            "be 2\n",
            pending.ptr));
    shop_close(&shop);
}

void test_check_shop__stock_that_an_order_moved_too_much(void **state)
{
    (void)state;
    open_shop();
    struct order order = *(const struct order *)get(&order_type, shipped);
    order.history.count = 3;
    order.status = ORDER_PROCESSING;
    order.head.version = 3;
    order.items.items[0].sku = STR("PAN");
    put(&order_type, &order);
    assert_finds(
        SAY("orders.stock: orders %1$s: processing, line PAN: reserve 0 in the ledger, "
            "should be 3\n"
            "orders.stock: orders %1$s: processing, line another: reserve 3 in the ledger, "
            "should be 0\n"
            "orders.stock: orders %1$s: processing, line another: consume 3 in the ledger, "
            "should be 0\n",
            shipped.ptr));
    shop_close(&shop);
}

void test_check_shop__a_reservation_of_no_order(void **state)
{
    (void)state;
    open_shop();
    drop(&order_type, pending);
    assert_finds(
        SAY("orders.stock: orders %s: there is no such document, but movements of stock of "
            "it\n",
            pending.ptr));
    shop_close(&shop);
}

/* --- products and carts ----------------------------------------------------------------------------------- */

void test_check_shop__a_product_that_is_wrong_about_its_stock(void **state)
{
    (void)state;
    open_shop();
    TAMPER(product, product_type, mug, in_stock, false);
    assert_finds(
        SAY("products: products %s: inStock is false, and 8 of MUG are available\n", mug.ptr));
    TAMPER(product, product_type, mug, in_stock, true);
    TAMPER(stock, stock_type, STR("MUG"), product_id, pot);
    assert_finds(
        SAY("products: products %s: its stock MUG is of the product %s\n", mug.ptr, pot.ptr));
    shop_close(&shop);
}

void test_check_shop__a_cart_beyond_its_limits(void **state)
{
    (void)state;
    open_shop();
    struct cart cart = *(const struct cart *)get(&cart_type, STR(ANNA));
    const struct cart_line line = cart.lines.items[0];
    cart.lines.items[0].quantity = CART_QUANTITY_MAX + 1;
    put(&cart_type, &cart);
    assert_finds("carts: carts " ANNA ": line MUG has the quantity 10000\n");
    cart.lines.items[0] = line;
    cart.lines.items[0].unit_price.amount = -1;
    put(&cart_type, &cart);
    assert_finds("carts: carts " ANNA ": line MUG has the price -1\n");
    cart.lines.items = (struct cart_line[]){line, line};
    cart.lines.count = 2;
    put(&cart_type, &cart);
    assert_finds(SAY("carts: carts " ANNA ": the product %s stands there twice\n", mug.ptr));
    cart.lines.count = CART_LINES_MAX + 1;
    cart.lines.items = arena_array(&shop.arena, cart.lines.count, sizeof(struct cart_line));
    for (size_t i = 0; i < cart.lines.count; i++) {
        cart.lines.items[i] = line;
        cart.lines.items[i].product_id = id_new(&shop.arena, 1000);
    }
    put(&cart_type, &cart);
    assert_finds("carts: carts " ANNA ": it has 201 lines\n");
    shop_close(&shop);
}

void test_check_shop__a_wishlist_beyond_its_limits(void **state)
{
    (void)state;
    open_shop();
    struct wishlist_line *lines =
        arena_array(&shop.arena, WISHLIST_LINES_MAX + 1, sizeof(struct wishlist_line));
    for (size_t i = 0; i <= WISHLIST_LINES_MAX; i++)
        lines[i] = (struct wishlist_line){.product_id = id_new(&shop.arena, 1000), .sku = STR("X")};
    struct wishlist list = {.head = head(ANNA), .lines = {lines, WISHLIST_LINES_MAX}};
    put(&wishlist_type, &list);
    assert_finds("");
    list.lines.count++;
    put(&wishlist_type, &list);
    assert_finds("wishlists: wishlists " ANNA ": it has 201 lines\n");
    list.lines.count = 2;
    lines[1].product_id = lines[0].product_id;
    put(&wishlist_type, &list);
    assert_finds(SAY("wishlists: wishlists " ANNA ": the product %s stands there twice\n",
                     lines[0].product_id.ptr));
    shop_close(&shop);
}

/* --- notifications, accounts ------------------------------------------------------------------------------ */

void test_check_shop__an_inbox_that_counts_wrongly(void **state)
{
    (void)state;
    open_shop();
    TAMPER(inbox, inbox_type, STR(ANNA), unread, 2);
    assert_finds("inboxes: inboxes " ANNA ": it counts 2 notifications, 2 unread, read up to 1; "
                 "there are 2 up to that number, 1 unread, and the last is 2\n");
    TAMPER(inbox, inbox_type, STR(ANNA), unread, 1);
    put_notification(NOTE_1, 3);
    assert_finds("inboxes: inboxes " ANNA ": it counts 2 notifications, 1 unread, read up to 1; "
                 "there are 1 up to that number, 1 unread, and the last is 3\n");
    put_notification(NOTE_1, 1);
    drop(&inbox_type, STR(ANNA));
    assert_finds("inboxes: inboxes " ANNA ": there is no such document, but notifications of it\n");
    shop_close(&shop);
}

void test_check_shop__a_session_out_of_time(void **state)
{
    (void)state;
    open_shop();
    const struct str id = STR("500000000000000000000001");
    TAMPER(session, session_type, id, generation, 1);
    assert_finds(
        "sessions: sessions 500000000000000000000001: it is of generation 1, its user " ANNA
        " only of 0\n");
    TAMPER(session, session_type, id, generation, 0);
    TAMPER(session, session_type, id, idle_until, 3001);
    assert_finds(
        "sessions: sessions 500000000000000000000001: it idles until 3001 and ends before, "
        "at 3000\n");
    shop_close(&shop);
}

void test_check_shop__superadmins_that_nobody_counted(void **state)
{
    (void)state;
    open_shop();
    TAMPER(user, user_type, STR(ANNA), role, SUPERADMIN);
    assert_finds("superadmins: rosters superadmin: it counts 1, there are 2\n");
    drop(&roster_type, ROSTER_SUPERADMINS);
    assert_finds("superadmins: rosters superadmin: it counts 0, there are 2\n");
    shop_close(&shop);
}

/* --- while the shop is at work ---------------------------------------------------------------------------- */

static int turn;
static const char *told;

/* As the subscriber of an event does: both in one commit. The id of the notification. */
static const char *tell_anna(void)
{
    struct inbox inbox = *(const struct inbox *)get(&inbox_type, STR(ANNA));
    struct err err = {0};
    const struct notification notification =
        notification_of(id_new(&shop.arena, 1000).ptr, ++inbox.last_seq);
    inbox.unread++;
    const struct write writes[] = {
        {WRITE_INSERT, &notification_type, &notification, 0},
        {WRITE_REPLACE, &inbox_type, &inbox, inbox.head.version++},
    };
    const struct commit commit = {
        .id = id_new(&shop.arena, 5000), .now = 5000, .writes = writes, .write_count = 2};
    assert_int_equal(store_commit(shop.lane.store, &commit, &err), OUTCOME_DONE);
    return notification.head.id.ptr;
}

static void read_notification(const char *id)
{
    struct str ids[] = {str_of(id)};
    shop_done(shop_customer(&shop, ANNA, notification_read, .ids = {ids, id ? 1 : 0}));
}

/* Anna becomes a superadmin, or is one no longer. */
static void crown_anna(void)
{
    struct user user = *(const struct user *)get(&user_type, STR(ANNA));
    struct roster roster = *(const struct roster *)get(&roster_type, ROSTER_SUPERADMINS);
    struct err err = {0};
    roster.count += user.role == CUSTOMER ? 1 : -1;
    user.role = user.role == CUSTOMER ? SUPERADMIN : CUSTOMER;
    const struct write writes[] = {
        {WRITE_REPLACE, &user_type, &user, user.head.version++},
        {WRITE_REPLACE, &roster_type, &roster, roster.head.version++},
    };
    const struct commit commit = {
        .id = id_new(&shop.arena, 5000), .now = 5000, .writes = writes, .write_count = 2};
    assert_int_equal(store_commit(shop.lane.store, &commit, &err), OUTCOME_DONE);
}

/* One piece of a day's work, another one each time; the last pieces of two products come and go. */
static void work_a_little(void)
{
    static struct str last;
    if (turn == 0)
        told = NULL; /* so that at first all are read */
    switch (turn++ % 8) {
    case 0:
        last = order_of(BERT, mug, 1);
        break;
    case 1:
        move(last, ORDER_PAID);
        break;
    case 2:
        shop_done(shop_admin(&shop, inventory_set, .product_id = mug, .on_hand = 3));
        break;
    case 3:
        move(last, ORDER_PROCESSING);
        break;
    case 4:
        move(last, turn % 16 < 8 ? ORDER_CANCELLED : ORDER_SHIPPED);
        shop_done(shop_admin(&shop, inventory_set, .product_id = mug, .on_hand = 8));
        break;
    case 5:
        product(SAY("%c%d", 'A' + turn * 7 % 26, turn), turn % 3);
        break;
    case 6:
        read_notification(told);
        told = tell_anna();
        crown_anna();
        break;
    default:
        shop_done(
            shop_admin(&shop, inventory_set, .product_id = pot, .on_hand = turn % 16 < 8 ? 0 : 7));
    }
}

static void work(void)
{
    for (int i = 0; i < 9; i++)
        work_a_little();
}

static const char *found_while_working(int nth, size_t memory_max)
{
    struct busy_store busy = {
        .base.ops = &busy_ops, .inner = shop.lane.store, .nth = nth, .act = work};
    struct check_case c = {
        .store = &busy.base, .service = &service, .arena = &shop.arena, .memory_max = memory_max};
    return check_case_found(&c);
}

/* Something happens before the n-th look of the checker, for every n. */
void test_check_shop__no_false_alarm_at_any_moment(void **state)
{
    (void)state;
    for (int first = 0; first < 8; first++) {
        for (int nth = 1; nth <= 40; nth++) {
            open_shop();
            for (turn = 0; turn < first;)
                work_a_little();
            const char *found = found_while_working(nth, nth % 2 ? TINY : 0);
            if (*found)
                fail_msg("turn %d, before look %d:\n%s", first, nth, found);
            shop_close(&shop);
        }
    }
}

/* Something happens before each look. */
void test_check_shop__no_false_alarm_in_a_busy_shop(void **state)
{
    (void)state;
    open_shop();
    turn = 0;
    assert_string_equal(found_while_working(0, 0), "");
    shop_close(&shop);
}

/* And a fault is found in a busy shop, too. */
void test_check_shop__a_fault_in_a_busy_shop(void **state)
{
    (void)state;
    size_t at;
    open_shop();
    turn = 0;
    struct ledger_page *page = page_with("MUG", STOCK_OPEN, &at);
    movement_in(page, at)->d_on_hand = 9;
    put(&stock_ledger, page);
    TAMPER(order, order_type, shipped, total.amount, 1);
    assert_string_equal(found_while_working(0, 0),
                        SAY("stock: stock MUG: movement 1 (open, page %s) adds 9 on hand, 0 "
                            "reserved to 0, 0 and has 10, 0\n"
                            "orders: orders %s: the total is 1, its lines make 765\n",
                            page->head.id.ptr, shipped.ptr));
    shop_close(&shop);
}
