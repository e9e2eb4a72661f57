/* What the domains of the shop serve: every operation is complete and reaches its queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/cart.h"
#include "catalog/catalog.h"
#include "order/order.h"
#include "wishlist/wishlist.h"

static const struct domain *const domains[] = {&catalog_domain, &inventory_domain, &cart_domain,
                                               &order_domain, &wishlist_domain};

static bool is_bound(const struct domain *domain, const char *name)
{
    for (const char *const *prefix = domain->prefixes; *prefix; prefix++) {
        const size_t len = strlen(*prefix);
        if (strncmp(name, *prefix, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

void test_shop_domains__every_operation_is_complete_and_bound(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t w = 0; w < sizeof(domains) / sizeof(domains[0]); w++)
        for (size_t i = 0; domains[w]->operations[i]; i++, count++) {
            const struct operation *operation = domains[w]->operations[i];
            assert_true(is_bound(domains[w], operation->name));
            assert_string_equal(operation->request->name, operation->name);
            assert_non_null(operation->handle);
            assert_non_null(operation->summary);
            assert_non_null(operation->reply);
        }
    assert_int_equal(count, 24);
}

static const struct operation *find(const char *name)
{
    for (size_t w = 0; w < sizeof(domains) / sizeof(domains[0]); w++)
        for (size_t i = 0; domains[w]->operations[i]; i++)
            if (strcmp(domains[w]->operations[i]->name, name) == 0)
                return domains[w]->operations[i];
    fail_msg("nobody serves %s", name);
    return NULL;
}

/* The table of the contract. */
void test_shop_domains__who_may_what(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum who who;
        enum operation_kind kind;
        int status;
    } rows[] = {
        {"category.create", ADMIN, COMMAND, 201},   {"category.update", ADMIN, COMMAND, 0},
        {"category.list", GUEST, QUERY, 0},         {"product.create", ADMIN, COMMAND, 201},
        {"product.update", ADMIN, COMMAND, 0},      {"product.get", GUEST, QUERY, 0},
        {"product.list", GUEST, QUERY, 0},          {"inventory.get", ADMIN, QUERY, 0},
        {"inventory.set", ADMIN, COMMAND, 0},       {"inventory.adjust", ADMIN, COMMAND, 0},
        {"cart.get", CUSTOMER, QUERY, 0},           {"cart.item.add", CUSTOMER, COMMAND, 0},
        {"cart.item.update", CUSTOMER, COMMAND, 0}, {"cart.item.remove", CUSTOMER, COMMAND, 0},
        {"cart.clear", CUSTOMER, COMMAND, 0},       {"order.place", CUSTOMER, COMMAND, 201},
        {"order.get", CUSTOMER, QUERY, 0},          {"order.list", CUSTOMER, QUERY, 0},
        {"order.status.set", ADMIN, COMMAND, 0},    {"order.cancel", CUSTOMER, COMMAND, 0},
        {"wishlist.get", CUSTOMER, QUERY, 0},       {"wishlist.add", CUSTOMER, COMMAND, 201},
        {"wishlist.remove", CUSTOMER, COMMAND, 0},  {"wishlist.move", CUSTOMER, COMMAND, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct operation *operation = find(rows[i].name);
        assert_int_equal(operation->who, rows[i].who);
        assert_int_equal(operation->kind, rows[i].kind);
        assert_int_equal(operation->status, rows[i].status);
    }
}

void test_shop_domains__documents_begin_with_their_head(void **state)
{
    (void)state;
    static const struct doc_type *const types[] = {
        &category_type, &product_type, &stock_type, &stock_adjustment_type,
        &stock_ledger,  &cart_type,    &order_type, &wishlist_type};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct field *fields = types[i]->shape->fields;
        assert_true(fields[0].flags & FIELD_KEY);
        assert_int_equal(fields[0].offset, offsetof(struct doc_head, id));
        assert_string_equal(fields[1].name, "version");
    }
}
