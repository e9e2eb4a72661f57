// order.place as a good Go team writes it: one message, one transaction.
//
// The same work on the same documents, servers and durability as Cartwright: the token is verified,
// each SKU is locked in Redis, stock is checked and taken, the order stored and the cart cleared in
// one transaction (w: majority, j: true), the event published with a confirm, the reply sent, the
// request acknowledged. No journal: a repeated message would place a second order.
//
//	PEER_QUEUE        the quorum queue to consume
//	PEER_CONCURRENCY  messages in work at once (prefetch, goroutines and connection pools)
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"
)

const (
	lockTime     = 10 * time.Second
	lockPause    = 20 * time.Millisecond
	lockTries    = 100
	deliveryDays = 5
)

// --- documents --------------------------------------------------------------------------------------

type money struct {
	Amount   int64  `bson:"amount" json:"amount"`
	Currency string `bson:"currency" json:"currency"`
}

type cartLine struct {
	ProductID primitive.ObjectID `bson:"productId"`
	SKU       string             `bson:"sku"`
	Quantity  int64              `bson:"quantity"`
	UnitPrice money              `bson:"unitPrice"`
}

type cart struct {
	ID      primitive.ObjectID `bson:"_id"`
	Version int64              `bson:"version"`
	Lines   []cartLine         `bson:"lines"`
}

type product struct {
	ID     primitive.ObjectID `bson:"_id"`
	Name   string             `bson:"name"`
	Status string             `bson:"status"`
	Price  money              `bson:"price"`
}

type orderLine struct {
	ProductID primitive.ObjectID `bson:"productId" json:"productId"`
	SKU       string             `bson:"sku" json:"sku"`
	Name      string             `bson:"name" json:"name"`
	Quantity  int64              `bson:"quantity" json:"quantity"`
	UnitPrice money              `bson:"unitPrice" json:"unitPrice"`
	LineTotal money              `bson:"lineTotal" json:"lineTotal"`
}

type orderStep struct {
	Status string             `bson:"status" json:"status"`
	At     time.Time          `bson:"at" json:"at"`
	By     primitive.ObjectID `bson:"by" json:"by"`
}

type order struct {
	ID                   primitive.ObjectID `bson:"_id" json:"id"`
	Version              int64              `bson:"version" json:"version"`
	CreatedAt            time.Time          `bson:"createdAt" json:"createdAt"`
	UpdatedAt            time.Time          `bson:"updatedAt" json:"updatedAt"`
	Number               string             `bson:"number" json:"number"`
	UserID               primitive.ObjectID `bson:"userId" json:"userId"`
	Status               string             `bson:"status" json:"status"`
	Items                []orderLine        `bson:"items" json:"items"`
	Total                money              `bson:"total" json:"total"`
	ExpectedDeliveryDate string             `bson:"expectedDeliveryDate" json:"expectedDeliveryDate"`
	History              []orderStep        `bson:"history" json:"history"`
}

// refusal is an answer, not a fault.
type refusal struct {
	status        int32
	code, message string
}

func (r *refusal) Error() string { return r.message }

// --- the worker -------------------------------------------------------------------------------------

type worker struct {
	client                         *mongo.Client
	carts, products, stock, orders *mongo.Collection
	redis                          *redis.Client
	consumer, replies, events      *amqp.Channel
	exchange                       string
	tokenKey                       []byte
}

var unlock = redis.NewScript(
	`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

func (w *worker) lock(ctx context.Context, key, owner string) error {
	for try := 0; try < lockTries; try++ {
		taken, err := w.redis.SetNX(ctx, key, owner, lockTime).Result()
		if err != nil || taken {
			return err
		}
		time.Sleep(time.Duration((0.5 + rand.Float64()) * float64(lockPause)))
	}
	return &refusal{503, "BUSY", "somebody else holds the stock"}
}

// withLocks takes one key for each SKU, in order, so that two orders never wait for each other.
func (w *worker) withLocks(ctx context.Context, lines []cartLine, work func() error) error {
	owner := primitive.NewObjectID().Hex()
	keys := make([]string, 0, len(lines))
	for _, line := range lines {
		keys = append(keys, "peer:lock:"+line.SKU)
	}
	sort.Strings(keys)
	for i, key := range keys {
		if err := w.lock(ctx, key, owner); err != nil {
			w.release(ctx, keys[:i], owner)
			return err
		}
	}
	defer w.release(ctx, keys, owner)
	return work()
}

func (w *worker) release(ctx context.Context, keys []string, owner string) {
	pipe := w.redis.Pipeline()
	for _, key := range keys {
		unlock.Run(ctx, pipe, []string{key}, owner)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		log.Print("peer: unlocking: ", err)
	}
}

func draft(user primitive.ObjectID, basket *cart, goods map[primitive.ObjectID]product) (*order, error) {
	now := time.Now().UTC()
	placed := &order{
		ID: primitive.NewObjectID(), Version: 1, CreatedAt: now, UpdatedAt: now,
		Number: "CW-" + strings.ToUpper(primitive.NewObjectID().Hex()), UserID: user, Status: "pending",
		ExpectedDeliveryDate: now.AddDate(0, 0, deliveryDays).Format(time.DateOnly),
		History:              []orderStep{{"pending", now, user}},
	}
	for _, line := range basket.Lines {
		found, ok := goods[line.ProductID]
		if !ok || found.Status != "published" {
			return nil, &refusal{409, "NOT_PURCHASABLE", line.SKU + " is not on sale"}
		}
		total := money{found.Price.Amount * line.Quantity, found.Price.Currency}
		placed.Items = append(placed.Items, orderLine{
			line.ProductID, line.SKU, found.Name, line.Quantity, found.Price, total})
		placed.Total = money{placed.Total.Amount + total.Amount, total.Currency}
	}
	return placed, nil
}

func (w *worker) takeStock(ctx context.Context, item orderLine) error {
	available := bson.M{"$subtract": bson.A{"$onHand", "$reserved"}}
	result, err := w.stock.UpdateOne(ctx,
		bson.M{"_id": item.SKU, "$expr": bson.M{"$gte": bson.A{available, item.Quantity}}},
		bson.M{"$inc": bson.M{"reserved": item.Quantity, "version": int64(1)},
			"$set": bson.M{"updatedAt": time.Now()}})
	if err == nil && result.ModifiedCount == 0 {
		err = &refusal{409, "INSUFFICIENT_STOCK", item.SKU + " is not in stock"}
	}
	return err
}

func (w *worker) commit(ctx context.Context, placed *order, basket *cart) error {
	session, err := w.client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	journaled := true
	durable := &writeconcern.WriteConcern{W: "majority", Journal: &journaled}
	_, err = session.WithTransaction(ctx, func(ctx mongo.SessionContext) (any, error) {
		for _, item := range placed.Items {
			if err := w.takeStock(ctx, item); err != nil {
				return nil, err
			}
		}
		if _, err := w.orders.InsertOne(ctx, placed); err != nil {
			return nil, err
		}
		cleared, err := w.carts.UpdateOne(ctx,
			bson.M{"_id": basket.ID, "version": basket.Version},
			bson.M{"$set": bson.M{"lines": bson.A{}, "updatedAt": time.Now()},
				"$inc": bson.M{"version": int64(1)}})
		if err == nil && cleared.ModifiedCount == 0 {
			err = &refusal{409, "VERSION_CONFLICT", "the cart has changed"}
		}
		return nil, err
	}, options.Transaction().SetWriteConcern(durable))
	return err
}

func (w *worker) goodsOf(ctx context.Context, basket *cart) (map[primitive.ObjectID]product, error) {
	ids := make(bson.A, 0, len(basket.Lines))
	for _, line := range basket.Lines {
		ids = append(ids, line.ProductID)
	}
	cursor, err := w.products.Find(ctx, bson.M{"_id": bson.M{"$in": ids}})
	if err != nil {
		return nil, err
	}
	var found []product
	if err := cursor.All(ctx, &found); err != nil {
		return nil, err
	}
	goods := make(map[primitive.ObjectID]product, len(found))
	for _, one := range found {
		goods[one.ID] = one
	}
	return goods, nil
}

func (w *worker) place(ctx context.Context, user primitive.ObjectID) (*order, error) {
	var basket cart
	err := w.carts.FindOne(ctx, bson.M{"_id": user}).Decode(&basket)
	if errors.Is(err, mongo.ErrNoDocuments) || (err == nil && len(basket.Lines) == 0) {
		return nil, &refusal{409, "CART_EMPTY", "the cart is empty"}
	}
	if err != nil {
		return nil, err
	}
	goods, err := w.goodsOf(ctx, &basket)
	if err != nil {
		return nil, err
	}
	var placed *order
	err = w.withLocks(ctx, basket.Lines, func() error {
		if placed, err = draft(user, &basket, goods); err != nil {
			return err
		}
		return w.commit(ctx, placed, &basket)
	})
	return placed, err
}

// --- messages ---------------------------------------------------------------------------------------

func (w *worker) caller(delivery *amqp.Delivery) (primitive.ObjectID, error) {
	header, _ := delivery.Headers["authorization"].(string)
	claims := jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(strings.TrimPrefix(header, "Bearer "), &claims,
		func(*jwt.Token) (any, error) { return w.tokenKey, nil }, jwt.WithValidMethods([]string{"HS256"}))
	if err != nil {
		return primitive.NilObjectID, &refusal{401, "UNAUTHENTICATED", "the token is not one of ours"}
	}
	return primitive.ObjectIDFromHex(claims.Subject)
}

func (w *worker) publishEvent(ctx context.Context, placed *order, delivery *amqp.Delivery) error {
	id := primitive.NewObjectID().Hex()
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id, "source": "/peer/order", "type": "order.placed",
		"subject": placed.ID.Hex(), "time": placed.CreatedAt, "datacontenttype": "application/json",
		"causationid": delivery.MessageId, "data": placed,
	})
	if err != nil {
		return err
	}
	confirm, err := w.events.PublishWithDeferredConfirmWithContext(ctx, w.exchange, "order.placed",
		false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "application/json",
			MessageId: id, Body: body})
	if err != nil {
		return err
	}
	if ok, err := confirm.WaitContext(ctx); err != nil || !ok {
		return fmt.Errorf("the event was not confirmed: %w", err)
	}
	return nil
}

func (w *worker) reply(ctx context.Context, delivery *amqp.Delivery, status int32, body any) error {
	if delivery.ReplyTo == "" {
		return nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return w.replies.PublishWithContext(ctx, "", delivery.ReplyTo, false, false, amqp.Publishing{
		CorrelationId: delivery.CorrelationId, ContentType: "application/json",
		Headers: amqp.Table{"status": status}, Body: text})
}

func (w *worker) answer(ctx context.Context, delivery *amqp.Delivery) error {
	user, err := w.caller(delivery)
	var placed *order
	if err == nil {
		placed, err = w.place(ctx, user)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return w.reply(ctx, delivery, refused.status, map[string]any{"ok": false,
			"error": map[string]string{"code": refused.code, "message": refused.message}})
	}
	if err == nil {
		err = w.publishEvent(ctx, placed, delivery)
	}
	if err != nil {
		return err
	}
	return w.reply(ctx, delivery, 201, map[string]any{"ok": true, "data": placed})
}

func (w *worker) serve(ctx context.Context, deliveries <-chan amqp.Delivery) {
	for delivery := range deliveries {
		if err := w.answer(ctx, &delivery); err != nil {
			log.Fatal("peer: ", err)
		}
		if err := delivery.Ack(false); err != nil {
			log.Fatal("peer: ", err)
		}
	}
}

// --- life -------------------------------------------------------------------------------------------

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal("peer: ", err)
	}
	return value
}

func open(ctx context.Context, concurrency int) *worker {
	uri := os.Getenv("CARTWRIGHT_MONGODB_URI")
	name := must(connstring.ParseAndValidate(uri)).Database
	client := must(mongo.Connect(ctx,
		options.Client().ApplyURI(uri).SetMaxPoolSize(uint64(concurrency))))
	db := client.Database(name)
	redisOptions := must(redis.ParseURL(os.Getenv("CARTWRIGHT_REDIS_URI")))
	redisOptions.PoolSize = concurrency
	connection := must(amqp.Dial(os.Getenv("CARTWRIGHT_AMQP_URI")))
	w := &worker{
		client: client, carts: db.Collection("carts"), products: db.Collection("products"),
		stock: db.Collection("stock"), orders: db.Collection("orders"),
		redis: redis.NewClient(redisOptions), consumer: must(connection.Channel()),
		replies: must(connection.Channel()), events: must(connection.Channel()),
		exchange: "cartwright.events", tokenKey: must(hex.DecodeString(os.Getenv("CARTWRIGHT_AUTH_TOKEN_KEY"))),
	}
	if err := w.events.Confirm(false); err != nil {
		log.Fatal("peer: ", err)
	}
	return w
}

func main() {
	ctx := context.Background()
	concurrency := must(strconv.Atoi(os.Getenv("PEER_CONCURRENCY")))
	w := open(ctx, concurrency)
	if err := w.consumer.Qos(concurrency, 0, false); err != nil {
		log.Fatal("peer: ", err)
	}
	deliveries := must(w.consumer.Consume(os.Getenv("PEER_QUEUE"), "", false, false, false, false, nil))
	log.Print("peer: ready")
	for i := 1; i < concurrency; i++ {
		go w.serve(ctx, deliveries)
	}
	w.serve(ctx, deliveries)
	log.Fatal("peer: the channel is closed")
}
