// Journey.java - the ten steps from an account to the history of an order, as a Java web tier would take
// them, and the ways in which a shop must say no.
//
// Environment: CARTWRIGHT_CLIENT_AMQP_URI, CARTWRIGHT_PREFIX ("cartwright"), and an admin's SHOP_ADMIN_EMAIL
// and SHOP_ADMIN_PASSWORD. The argument is the path of forms.json: every reply is compared with its form,
// member by member. Ends with "java: N passed, M failed".
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.json.JSONArray;
import org.json.JSONObject;

final class Journey {
    private static final String PREFIX = System.getenv().getOrDefault("CARTWRIGHT_PREFIX", "cartwright");
    private static final String PASSWORD = "ten tin spoons";
    private static final String[] STEPS = {"paid", "processing", "shipped", "delivered"};

    private final Shop shop;
    private final Checks checks;
    private final String run = UUID.randomUUID().toString().substring(0, 8);
    private final String email = "java-" + run + "@example.com";
    private final String orderMessage = "java-" + run + "-order";
    private String userId;
    private String token;
    private String refreshToken;
    private String admin;
    private String adminId;
    private JSONObject product;
    private JSONObject cart;
    private JSONObject order;

    private Journey(Shop shop, Checks checks) {
        this.shop = shop;
        this.checks = checks;
    }

    // --- sending -----------------------------------------------------------------------------------

    private static JSONObject body(Object... members) {
        var body = new JSONObject();
        for (int i = 0; i < members.length; i += 2) body.put((String) members[i], members[i + 1]);
        return body;
    }

    private JSONObject done(String form, int status, String operation, JSONObject body, String by)
        throws Exception {
        return checks.done(shop.call(new Shop.Request(operation, body, by)), form, status, operation);
    }

    private JSONObject refused(String code, int status, String what, String operation, JSONObject body,
        String by) throws Exception {
        return checks.refused(shop.call(new Shop.Request(operation, body, by)), code, status, what);
    }

    /** The member of each item of a list. */
    private static List<Object> each(JSONObject page, String list, String pointer) {
        return StreamSupport.stream(page.getJSONArray(list).spliterator(), false)
            .map(item -> ((JSONObject) item).query(pointer)).toList();
    }

    private void members(JSONObject found, String what, Object... expected) {
        for (int i = 0; i < expected.length; i += 2) {
            checks.same(found.optQuery((String) expected[i]), expected[i + 1], what + ", " + expected[i]);
        }
    }

    // --- the ten steps -------------------------------------------------------------------------------

    private void register() throws Exception {
        JSONObject body = body("name", "Jo Java", "email", email, "password", PASSWORD);
        JSONObject data = done("Entered", 201, "auth.register", body, null);
        members(data, "a new user", "/user/name", "Jo Java", "/user/email", email, "/user/role", "customer");
        userId = (String) data.query("/user/id");
        refused("EMAIL_TAKEN", 409, "a second register", "auth.register", body, null);
    }

    private void login() throws Exception {
        JSONObject data = done("Entered", 200, "auth.login", body("email", email, "password", PASSWORD), null);
        members(data, "the login", "/user/id", userId);
        token = data.getString("accessToken");
        refreshToken = data.getString("refreshToken");
        JSONObject office = done("Entered", 200, "auth.login", body("email", System.getenv("SHOP_ADMIN_EMAIL"),
            "password", System.getenv("SHOP_ADMIN_PASSWORD")), null);
        admin = office.getString("accessToken");
        adminId = (String) office.query("/user/id");
        JSONObject wrong = body("email", email, "password", "not this one");
        refused("INVALID_CREDENTIALS", 401, "a wrong password", "auth.login", wrong, null);
    }

    private void addProduct() throws Exception {
        JSONObject category = done("Category", 201, "category.create", body("name", "Tin " + run), admin);
        members(category, "the category", "/slug", "tin-" + run);
        product = done("Product", 201, "product.create", body("name", "Tin spoon " + run,
            "description", "Bends.", "categoryId", category.get("id"), "price", gbp(250),
            "sku", "SPOON-" + run, "stock", 7), admin);
        members(product, "the product", "/category/id", category.get("id"), "/price", gbp(250),
            "/stock", body("available", 7, "status", "in_stock"), "/status", "published");
        refused("FORBIDDEN", 403, "a customer in the back office", "category.create", body("name", "Mine"),
            token);
    }

    private void browse() throws Exception {
        JSONObject list = body("categoryId", product.query("/category/id"), "limit", 5, "page", 1);
        JSONObject page = done("ProductPage", 200, "product.list", list, null);
        checks.same(each(page, "items", "/id"), List.of(product.get("id")), "what is in the category");
        members(page, "the page", "/page", 1, "/limit", 5, "/totalItems", 1, "/totalPages", 1);
        JSONObject found = done("ProductPage", 200, "product.list", body("search", "spoon " + run), null);
        checks.same(each(found, "items", "/id"), List.of(product.get("id")), "what the search finds");
        for (String key : List.of("slug", "sku")) {
            JSONObject got = done("Product", 200, "product.get", body(key, product.get(key)), null);
            checks.same(got, product, "the product by its " + key);
        }
    }

    private void fillCart() throws Exception {
        JSONObject empty = done("Cart", 200, "cart.get", body(), token);
        members(empty, "an empty cart", "/items", List.of(), "/total", JSONObject.NULL);
        JSONObject line = body("productId", product.get("id"), "quantity", 2);
        done("Cart", 200, "cart.item.add", line, token);
        cart = done("Cart", 200, "cart.item.update", line.put("quantity", 3), token);
        members(cart, "the cart", "/items/0/sku", product.get("sku"), "/items/0/quantity", 3,
            "/items/0/unitPrice", gbp(250), "/total", gbp(750), "/issues", List.of());
        JSONObject error = refused("INSUFFICIENT_STOCK", 409, "more than there is", "cart.item.add",
            line.put("quantity", 9), token);
        checks.same(error.opt("retryable"), false, "a refusal stands");
    }

    /** And the same message again: one order, and the same reply to the letter. */
    private void placeOrder() throws Exception {
        refused("PRICE_CHANGED", 409, "an order at another total", "order.place",
            body("expectedTotal", gbp(1)), token);
        JSONObject body = body("expectedVersion", cart.get("version"), "expectedTotal", gbp(750),
            "shippingAddress", body("name", "Jo Java", "line1", "1 Bean Street", "city", "Leeds",
                "postcode", "LS1 1AA", "country", "GB"));
        var request = new Shop.Request("order.place", body, token, orderMessage, Map.of());
        Shop.Answer first = shop.call(request);
        order = checks.done(first, "Order", 201, "order.place");
        members(order, "the order", "/userId", userId, "/status", "pending", "/total", gbp(750),
            "/items/0/quantity", 3, "/shippingAddress", body.get("shippingAddress"));
        Shop.Answer again = shop.call(request);
        checks.same(again.text(), first.text(), "the same message id is answered with the same reply");
        checks.same(again.status(), first.status(), "and with the same status");
        var other = new Shop.Request("order.place", body("note", "another"), token, orderMessage, Map.of());
        checks.refused(shop.call(other), "IDEMPOTENCY_MISMATCH", 422, "the same message id with another body");
        refused("CART_EMPTY", 409, "an order of nothing", "order.place", body(), token);
    }

    private void isStored() throws Exception {
        for (String key : List.of("id", "number")) {
            JSONObject by = body(key.equals("id") ? "orderId" : key, order.get(key));
            checks.same(done("Order", 200, "order.get", by, token), order, "the order by its " + key);
        }
        members(done("Cart", 200, "cart.get", body(), token), "the cart after the order", "/items", List.of());
        stockIs("after the order", 7, 3);
    }

    private void stockIs(String when, int onHand, int reserved) throws Exception {
        JSONObject stock = done("Inventory", 200, "inventory.get", body("productId", product.get("id")), admin);
        members(stock, "the stock " + when, "/onHand", onHand, "/reserved", reserved,
            "/available", onHand - reserved);
    }

    private void deliver() throws Exception {
        for (String status : STEPS) {
            JSONObject body = body("orderId", order.get("id"), "status", status);
            JSONObject moved = done("Order", 200, "order.status.set", body, admin);
            members(moved, "the step", "/status", status);
            JSONArray history = moved.getJSONArray("history");
            members(history.getJSONObject(history.length() - 1), "its entry", "/status", status,
                "/by", adminId);
        }
        refused("ILLEGAL_TRANSITION", 409, "a delivered order cannot be paid again", "order.status.set",
            body("orderId", order.get("id"), "status", "paid"), admin);
        stockIs("after the delivery", 4, 0);
    }

    private void readHistory() throws Exception {
        JSONObject page = done("OrderPage", 200, "order.list", body("limit", 10), token);
        members(page, "the orders", "/totalItems", 1, "/items/0/id", order.get("id"));
        checks.same(each((JSONObject) page.query("/items/0"), "history", "/status"),
            List.of("pending", "paid", "processing", "shipped", "delivered"), "the way of the order");
    }

    private void readNotifications() throws Exception {
        int expected = 1 + STEPS.length;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        var list = new Shop.Request("notification.list", body("limit", 50), token);
        while (System.nanoTime() < end && !isTold(shop.call(list), expected)) Thread.sleep(50);
        JSONObject page = done("NotificationPage", 200, "notification.list", body("limit", 50), token);
        members(page, "the notifications", "/totalItems", expected, "/unread", expected);
        checks.same(each(page, "items", "/kind").stream().filter("order_placed"::equals).count(), 1,
            "notifications of the order");
        JSONObject one = body("ids", List.of(page.query("/items/0/id")));
        members(done("Unread", 200, "notification.read", one, token), "one is read", "/unread", expected - 1);
        JSONObject all = body("all", true);
        members(done("Unread", 200, "notification.read", all, token), "all are read", "/unread", 0);
    }

    private static boolean isTold(Shop.Answer answer, int expected) {
        return answer.body().optQuery("/data/totalItems") instanceof Integer found && found >= expected;
    }

    // --- what is told --------------------------------------------------------------------------------

    /** An event as a CloudEvent in structured JSON: its attributes, and the properties of its message. */
    private JSONObject event(String type, Object subject, String form) throws Exception {
        Shop.Heard heard = shop.hear(
            it -> it.key().equals(type) && subject.equals(it.body().opt("subject")), type + " of " + subject);
        checks.form("Event", heard.body(), type);
        checks.form(form, heard.body().opt("data"), "data of " + type);
        checks.same(heard.properties().getContentType(), "application/cloudevents+json; charset=utf-8",
            "content type of " + type);
        members(heard.body(), type, "/id", heard.properties().getMessageId(), "/type", type);
        return heard.body();
    }

    private void hearAll() throws Exception {
        JSONObject placed = event("order.placed", order.get("id"), "Order");
        members(placed, "order.placed", "/data", order, "/causationid", orderMessage,
            "/source", "/cartwright/order",
            "/aggregateversion", order.get("version"));
        event("order.status_changed", order.get("id"), "Order");
        event("user.registered", userId, "User");
        event("category.created", product.query("/category/id"), "Category");
        event("product.created", product.get("id"), "Product");
        event("cart.updated", cart.get("id"), "Cart");
        for (String channel : List.of("inapp", "email")) {
            String key = channel + ".order_placed";
            Shop.Heard told = shop.hear(
                it -> it.key().equals(key) && userId.equals(it.body().optQuery("/to/userId")), key);
            checks.form("NotificationMessage", told.body(), key);
            members(told.body(), key, "/channel", channel, "/kind", "order_placed", "/to/email", email);
        }
    }

    // --- the ways to say no --------------------------------------------------------------------------

    private void refusals() throws Exception {
        JSONObject line = body("productId", "x", "quantity", 0);
        JSONObject error = refused("VALIDATION_FAILED", 422, "two faults", "cart.item.add", line, token);
        checks.same(each(error, "fields", "/pointer").stream().sorted().toList(),
            List.of("/productId", "/quantity"), "both are told");
        refused("UNAUTHENTICATED", 401, "no token", "cart.get", body(), null);
        refused("UNKNOWN_OPERATION", 404, "what nobody serves", "spoon.bend", body(), token);
        refused("NOT_FOUND", 404, "an order that is not there", "order.get",
            body("orderId", "f".repeat(24)), token);
        Map<String, Object> late = Map.of("deadline", System.currentTimeMillis() - 1000);
        var request = new Shop.Request("cart.get", body(), token, UUID.randomUUID().toString(), late);
        JSONObject expired = checks.refused(shop.call(request), "DEADLINE_EXCEEDED", 504, "a late request");
        checks.same(expired.opt("retryable"), true, "it may come again with a later deadline");
    }

    private void sessions() throws Exception {
        JSONObject tokens = done("Tokens", 200, "auth.refresh", body("refreshToken", refreshToken), null);
        checks.ok(!tokens.getString("refreshToken").equals(refreshToken), "the refresh token is a new one");
        String newest = tokens.getString("accessToken");
        members(done("User", 200, "user.get", body(), newest), "user.get with the new token", "/id", userId);
        JSONObject last = body("refreshToken", tokens.get("refreshToken"));
        done("Nothing", 200, "auth.logout", last, newest);
        refused("TOKEN_INVALID", 401, "a refresh after the logout", "auth.refresh", last, null);
    }

    /** The program of docs/clients.md, as its reader runs it: in a shop with the usual prefix. */
    private void firstProgram() throws Exception {
        if (!PREFIX.equals("cartwright")) return;
        String java = ProcessHandle.current().info().command().orElse("java");
        Process first = new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), "First")
            .redirectErrorStream(true).start();
        String told = new String(first.getInputStream().readAllBytes(), "UTF-8");
        checks.same(first.waitFor(), 0, "status of the first program: " + told);
        String expected = "product: .*\ncart: version 1\ncart: version 1\nrefused: QUANTITY_LIMIT\n"
            + "event: cart.updated, version 1\n";
        checks.ok(told.matches(expected), "what the first program says: " + told);
    }

    // --- all of it -----------------------------------------------------------------------------------

    private static JSONObject gbp(int amount) {
        return body("amount", amount, "currency", "GBP");
    }

    private void go() throws Exception {
        shop.listen("events", "#");
        shop.listen("notifications", "email.*", "inapp.*");
        register();
        login();
        addProduct();
        browse();
        fillCart();
        placeOrder();
        isStored();
        deliver();
        readHistory();
        readNotifications();
        hearAll();
        refusals();
        sessions();
        firstProgram();
    }

    public static void main(String[] args) throws Exception {
        var checks = new Checks(Path.of(args[0]));
        try (var shop = new Shop(System.getenv("CARTWRIGHT_CLIENT_AMQP_URI"), PREFIX)) {
            new Journey(shop, checks).go();
        } catch (Exception fault) { // whatever it is, the journey has failed and says where
            checks.ok(false, fault.toString());
            fault.printStackTrace(System.out);
        }
        System.out.printf("java: %d passed, %d failed%n", checks.passed, checks.failed);
        System.exit(checks.failed == 0 ? 0 : 1);
    }
}
