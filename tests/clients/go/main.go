// The ten steps from an account to the history of an order, as a Go web tier would take them, and the ways in
// which a shop must say no.
//
// Environment: CARTWRIGHT_CLIENT_AMQP_URI, CARTWRIGHT_PREFIX ("cartwright"), and an admin's SHOP_ADMIN_EMAIL
// and SHOP_ADMIN_PASSWORD. Arguments: forms.json, with which every reply is compared, member by member; a
// file of events that another client heard; the first program of docs/clients.md, built. Ends with
// "go: N passed, M failed".
package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"sort"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	password    = "nine brass ladles"
	usualPrefix = "cartwright"
	told        = "^product: .*\ncart: version 1\ncart: version 1\nrefused: QUANTITY_LIMIT\n" +
		"event: cart.updated, version 1\n$"
)

var steps = []string{"paid", "processing", "shipped", "delivered"}

type journey struct {
	*checks
	shop                        *shop
	run, email, orderMessage    string
	userID, token, refreshToken string
	admin, adminID              string
	product, cart, order        object
}

// --- sending ---------------------------------------------------------------------------------------

func (j *journey) send(r request) *answer {
	found, err := j.shop.call(r)
	if err != nil {
		panic(err)
	}
	return found
}

func (j *journey) call(form string, status int, operation string, body object, token string) object {
	return j.done(j.send(request{operation: operation, body: body, token: token}), form, status, operation)
}

func (j *journey) refuse(code string, status int, what, operation string, body object, token string) any {
	return j.refused(j.send(request{operation: operation, body: body, token: token}), code, status, what)
}

func gbp(amount int) object { return object{"amount": amount, "currency": "GBP"} }

// --- the ten steps -----------------------------------------------------------------------------------

func (j *journey) register() {
	body := object{"name": "Gus Go", "email": j.email, "password": password}
	data := j.call("Entered", 201, "auth.register", body, "")
	j.members(data["user"], "a new user", object{"name": "Gus Go", "email": j.email, "role": "customer"})
	j.userID = at(data, "user/id").(string)
	j.refuse("EMAIL_TAKEN", 409, "a second register", "auth.register", body, "")
}

func (j *journey) login() {
	data := j.call("Entered", 200, "auth.login", object{"email": j.email, "password": password}, "")
	j.same(at(data, "user/id"), j.userID, "whose login it is")
	j.token, j.refreshToken = data["accessToken"].(string), data["refreshToken"].(string)
	office := j.call("Entered", 200, "auth.login", object{
		"email": os.Getenv("SHOP_ADMIN_EMAIL"), "password": os.Getenv("SHOP_ADMIN_PASSWORD")}, "")
	j.admin, j.adminID = office["accessToken"].(string), at(office, "user/id").(string)
	wrong := object{"email": j.email, "password": "not this one"}
	j.refuse("INVALID_CREDENTIALS", 401, "a wrong password", "auth.login", wrong, "")
}

func (j *journey) addProduct() {
	category := j.call("Category", 201, "category.create", object{"name": "Brass " + j.run}, j.admin)
	j.same(category["slug"], "brass-"+j.run, "slug of the category")
	j.product = j.call("Product", 201, "product.create", object{
		"name": "Brass ladle " + j.run, "description": "Holds soup.", "categoryId": category["id"],
		"price": gbp(1100), "sku": "LADLE-" + j.run, "stock": 7}, j.admin)
	j.members(j.product, "the product", object{"category/id": category["id"], "price": gbp(1100),
		"stock": object{"available": 7, "status": "in_stock"}, "status": "published"})
	j.refuse("FORBIDDEN", 403, "a customer in the back office", "category.create", object{"name": "Mine"}, j.token)
}

func (j *journey) browse() {
	page := j.call("ProductPage", 200, "product.list",
		object{"categoryId": at(j.product, "category/id"), "page": 1, "limit": 5}, "")
	j.same(each(page["items"], "id"), []any{j.product["id"]}, "what is in the category")
	j.members(page, "the page", object{"page": 1, "limit": 5, "totalItems": 1, "totalPages": 1})
	found := j.call("ProductPage", 200, "product.list", object{"search": "ladle " + j.run}, "")
	j.same(each(found["items"], "id"), []any{j.product["id"]}, "what the search finds")
	for _, key := range []string{"slug", "sku"} {
		got := j.call("Product", 200, "product.get", object{key: j.product[key]}, "")
		j.same(got, j.product, "the product by its "+key)
	}
}

func (j *journey) fillCart() {
	empty := j.call("Cart", 200, "cart.get", object{}, j.token)
	j.members(empty, "an empty cart", object{"items": []any{}, "total": nil})
	line := object{"productId": j.product["id"], "quantity": 2}
	j.call("Cart", 200, "cart.item.add", line, j.token)
	line["quantity"] = 3
	j.cart = j.call("Cart", 200, "cart.item.update", line, j.token)
	j.members(j.cart, "the cart", object{"items/0/sku": j.product["sku"], "items/0/quantity": 3,
		"items/0/unitPrice": gbp(1100), "total": gbp(3300), "issues": []any{}})
	line["quantity"] = 9
	fault := j.refuse("INSUFFICIENT_STOCK", 409, "more than there is", "cart.item.add", line, j.token)
	j.same(at(fault, "retryable"), false, "a refusal stands")
}

// placeOrder sends the same message twice: one order, and the same reply to the letter.
func (j *journey) placeOrder() {
	j.refuse("PRICE_CHANGED", 409, "an order at another total", "order.place",
		object{"expectedTotal": gbp(1)}, j.token)
	address := object{"name": "Gus Go", "line1": "1 Routine Row", "city": "Leeds", "postcode": "LS1 1AA",
		"country": "GB"}
	body := object{"expectedVersion": j.cart["version"], "expectedTotal": gbp(3300), "shippingAddress": address}
	place := request{operation: "order.place", body: body, token: j.token, id: j.orderMessage}
	first := j.send(place)
	j.order = j.done(first, "Order", 201, "order.place")
	j.members(j.order, "the order", object{"userId": j.userID, "status": "pending", "total": gbp(3300),
		"items/0/quantity": 3, "shippingAddress": address})
	again := j.send(place)
	j.same(again.text, first.text, "the same message id is answered with the same reply")
	j.same(again.status, first.status, "and with the same status")
	place.body = object{"note": "another"}
	j.refused(j.send(place), "IDEMPOTENCY_MISMATCH", 422, "the same message id with another body")
	j.refuse("CART_EMPTY", 409, "an order of nothing", "order.place", object{}, j.token)
}

func (j *journey) isStored() {
	for key, member := range map[string]string{"orderId": "id", "number": "number"} {
		got := j.call("Order", 200, "order.get", object{key: j.order[member]}, j.token)
		j.same(got, j.order, "the order by its "+member)
	}
	cart := j.call("Cart", 200, "cart.get", object{}, j.token)
	j.same(cart["items"], []any{}, "the cart is empty again")
	j.stockIs("after the order", 7, 3)
}

func (j *journey) stockIs(when string, onHand, reserved int) {
	stock := j.call("Inventory", 200, "inventory.get", object{"productId": j.product["id"]}, j.admin)
	j.members(stock, "the stock "+when,
		object{"onHand": onHand, "reserved": reserved, "available": onHand - reserved})
}

func (j *journey) deliver() {
	for _, status := range steps {
		body := object{"orderId": j.order["id"], "status": status}
		moved := j.call("Order", 200, "order.status.set", body, j.admin)
		j.same(moved["status"], status, "the new status")
		history := moved["history"].([]any)
		j.members(history[len(history)-1], "the step", object{"status": status, "by": j.adminID})
	}
	j.refuse("ILLEGAL_TRANSITION", 409, "a delivered order cannot be paid again", "order.status.set",
		object{"orderId": j.order["id"], "status": "paid"}, j.admin)
	j.stockIs("after the delivery", 4, 0)
}

func (j *journey) readHistory() {
	page := j.call("OrderPage", 200, "order.list", object{"limit": 10}, j.token)
	j.members(page, "the orders", object{"totalItems": 1, "items/0/id": j.order["id"]})
	way := append([]string{"pending"}, steps...)
	j.same(each(at(page, "items/0/history"), "status"), way, "the way of the order")
}

func (j *journey) readNotifications() {
	expected := 1 + len(steps)
	list := request{operation: "notification.list", body: object{"limit": 50}, token: j.token}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found, _ := at(j.send(list).body, "data/totalItems").(float64); int(found) >= expected {
			break
		}
	}
	page := j.done(j.send(list), "NotificationPage", 200, "notification.list")
	j.members(page, "the notifications", object{"totalItems": expected, "unread": expected})
	placed := 0
	for _, kind := range each(page["items"], "kind") {
		if kind == "order_placed" {
			placed++
		}
	}
	j.same(placed, 1, "notifications of the order")
	one := object{"ids": []any{at(page, "items/0/id")}}
	j.same(j.call("Unread", 200, "notification.read", one, j.token)["unread"], expected-1, "one is read")
	all := object{"all": true}
	j.same(j.call("Unread", 200, "notification.read", all, j.token)["unread"], 0, "all are read")
}

// --- what is told ------------------------------------------------------------------------------------

// event waits for an event and reads it twice: as plain JSON and with the SDK.
func (j *journey) event(kind string, subject any, form string) object {
	delivery, body := j.shop.hear(func(key string, body object) bool {
		return key == kind && body["subject"] == subject
	}, kind)
	j.form("Event", body, kind)
	j.form(form, body["data"], "data of "+kind)
	j.same(body["type"], kind, "type of "+kind)
	j.same(body["id"], delivery.MessageId, "id of "+kind)
	err := readEvent(&message{ContentType: delivery.ContentType, Body: delivery.Body})
	j.ok(err == nil, "%s as the SDK reads it: %v", kind, err)
	return body
}

func (j *journey) hearAll() {
	placed := j.event("order.placed", j.order["id"], "Order")
	j.members(placed, "order.placed", object{"data": j.order, "causationid": j.orderMessage,
		"source": "/cartwright/order", "aggregateversion": j.order["version"]})
	j.event("order.status_changed", j.order["id"], "Order")
	j.event("user.registered", j.userID, "User")
	j.event("category.created", at(j.product, "category/id"), "Category")
	j.event("product.created", j.product["id"], "Product")
	j.event("cart.updated", j.cart["id"], "Cart")
	for _, channel := range []string{"inapp", "email"} {
		wanted := channel + ".order_placed"
		_, body := j.shop.hear(func(key string, body object) bool {
			return key == wanted && at(body, "to/userId") == j.userID
		}, wanted)
		j.form("NotificationMessage", body, wanted)
		j.members(body, wanted, object{"channel": channel, "kind": "order_placed", "to/email": j.email})
	}
}

// --- the ways to say no ------------------------------------------------------------------------------

func (j *journey) refusals() {
	fault := j.refuse("VALIDATION_FAILED", 422, "two faults", "cart.item.add",
		object{"productId": "x", "quantity": 0}, j.token)
	pointers := []string{}
	for _, pointer := range each(at(fault, "fields"), "pointer") {
		pointers = append(pointers, fmt.Sprint(pointer))
	}
	sort.Strings(pointers)
	j.same(pointers, []string{"/productId", "/quantity"}, "both are told")
	j.refuse("UNAUTHENTICATED", 401, "no token", "cart.get", object{}, "")
	j.refuse("UNKNOWN_OPERATION", 404, "what nobody serves", "ladle.bend", object{}, j.token)
	nowhere := object{"orderId": "ffffffffffffffffffffffff"}
	j.refuse("NOT_FOUND", 404, "an order that is not there", "order.get", nowhere, j.token)
	late := amqp.Table{"deadline": time.Now().Add(-time.Second).UnixMilli()}
	expired := j.send(request{operation: "cart.get", body: object{}, token: j.token, headers: late})
	fault = j.refused(expired, "DEADLINE_EXCEEDED", 504, "a late request")
	j.same(at(fault, "retryable"), true, "it may come again with a later deadline")
}

func (j *journey) sessions() {
	tokens := j.call("Tokens", 200, "auth.refresh", object{"refreshToken": j.refreshToken}, "")
	j.ok(tokens["refreshToken"] != j.refreshToken, "the refresh token is a new one")
	newest := tokens["accessToken"].(string)
	j.same(j.call("User", 200, "user.get", object{}, newest)["id"], j.userID, "user.get with the new token")
	last := object{"refreshToken": tokens["refreshToken"]}
	j.call("Nothing", 200, "auth.logout", last, newest)
	j.refuse("TOKEN_INVALID", 401, "a refresh after the logout", "auth.refresh", last, "")
}

// firstProgram runs the program of docs/clients.md as its reader does: in a shop with the usual prefix.
func (j *journey) firstProgram(path string) {
	if j.shop.prefix != usualPrefix {
		return
	}
	found, err := exec.Command(path).CombinedOutput()
	j.ok(err == nil && regexp.MustCompile(told).Match(found), "the first program: %v %s", err, found)
}

// --- all of it ---------------------------------------------------------------------------------------

func (j *journey) travel() {
	defer func() {
		if fault := recover(); fault != nil {
			j.ok(false, "%v\n%s", fault, debug.Stack())
		}
	}()
	for _, exchange := range []string{"events", "notifications"} {
		if err := j.shop.listen(exchange, "#"); err != nil {
			panic(err)
		}
	}
	for _, step := range []func(){j.register, j.login, j.addProduct, j.browse, j.fillCart, j.placeOrder,
		j.isStored, j.deliver, j.readHistory, j.readNotifications, j.hearAll, j.refusals, j.sessions} {
		step()
	}
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: journey FORMS EVENTS FIRST")
		os.Exit(2)
	}
	c, err := newChecks(os.Args[1])
	if err != nil {
		panic(err)
	}
	prefix := os.Getenv("CARTWRIGHT_PREFIX")
	if prefix == "" {
		prefix = usualPrefix
	}
	s, err := openShop(os.Getenv("CARTWRIGHT_CLIENT_AMQP_URI"), prefix)
	if err != nil {
		panic(err)
	}
	defer s.connection.Close()
	run := newID()[:8]
	j := &journey{checks: c, shop: s, run: run}
	j.email, j.orderMessage = "go-"+run+"@example.com", "go-"+run+"-order"
	j.travel()
	j.firstProgram(os.Args[3])
	readEvents(c, os.Args[2])
	fmt.Printf("go: %d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		os.Exit(1)
	}
}
