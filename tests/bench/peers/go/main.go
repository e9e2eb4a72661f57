// A shop's commonest operations as a good Go team writes them: one message, one transaction.
//
// The same work on the same documents, servers and durability as Cartwright. order.place: the token
// is verified, all SKUs of the cart are locked in Redis, stock is checked and taken, the order stored
// and the cart cleared in one transaction (w: majority, j: true), the reply sent, the event published
// with a confirm, the request acknowledged. cart.item.add writes the cart guarded by its version.
// product.get and product.list are remembered in the process for a few seconds.
// No journal: a repeated message is executed again. No shipping address, and one role: the customer.
//
//	PEER_QUEUE        the quorum queue to consume, bound to <queue>.<operation>
//	PEER_CONCURRENCY  messages in work at once (prefetch, goroutines and connection pools)
package main

import (
	"context"
	"encoding/hex"
	"log"
	"os"
	"runtime/debug"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"
)

// The live heap is a few megabytes: collecting it less often costs nothing worth having.
const gcPercent = 400

var journaled = true
var durable = &writeconcern.WriteConcern{W: "majority", Journal: &journaled}

type worker struct {
	client                                     *mongo.Client
	carts, products, categories, stock, orders *mongo.Collection
	redis                                      *redis.Client
	consumer, replies, events                  *amqp.Channel
	queue, exchange                            string
	tokenKey                                   []byte
	callers                                    callers
	line                                       line
	memory                                     memory
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal("peer: ", err)
	}
	return value
}

func env(name, fallback string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return fallback
}

func (w *worker) openStores(ctx context.Context, concurrency int) {
	uri := os.Getenv("CARTWRIGHT_MONGODB_URI")
	name := must(connstring.ParseAndValidate(uri)).Database
	w.client = must(mongo.Connect(ctx, options.Client().ApplyURI(uri).
		SetMaxPoolSize(uint64(concurrency)).SetWriteConcern(durable)))
	db := w.client.Database(name)
	w.carts, w.products, w.categories = db.Collection("carts"), db.Collection("products"), db.Collection("categories")
	w.stock, w.orders = db.Collection("stock"), db.Collection("orders")
	must(w.products.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys:    bson.D{{Key: "name", Value: "text"}, {Key: "description", Value: "text"}},
		Options: options.Index().SetWeights(bson.D{{Key: "name", Value: 10}, {Key: "description", Value: 1}}),
	}))
	redisOptions := must(redis.ParseURL(os.Getenv("CARTWRIGHT_REDIS_URI")))
	redisOptions.PoolSize = concurrency
	w.redis = redis.NewClient(redisOptions)
}

// The broker holds a publishing connection back when it is short of memory: consume on another.
func (w *worker) openBroker(concurrency int) {
	uri := os.Getenv("CARTWRIGHT_AMQP_URI")
	consuming, publishing := must(amqp.Dial(uri)), must(amqp.Dial(uri))
	w.consumer = must(consuming.Channel())
	w.replies, w.events = must(publishing.Channel()), must(publishing.Channel())
	if err := w.events.Confirm(false); err != nil {
		log.Fatal("peer: ", err)
	}
	if err := w.consumer.Qos(concurrency, 0, false); err != nil {
		log.Fatal("peer: ", err)
	}
}

func main() {
	debug.SetGCPercent(gcPercent)
	ctx := context.Background()
	concurrency := must(strconv.Atoi(env("PEER_CONCURRENCY", "32")))
	w := &worker{
		queue:    os.Getenv("PEER_QUEUE"),
		exchange: env("CARTWRIGHT_PREFIX", "cartwright") + ".events",
		tokenKey: must(hex.DecodeString(os.Getenv("CARTWRIGHT_AUTH_TOKEN_KEY"))),
		callers:  callers{known: map[string]known{}},
		line:     line{busy: map[string]bool{}},
		memory:   memory{bodies: map[string]remembered{}},
	}
	w.openStores(ctx, concurrency)
	w.openBroker(concurrency)
	deliveries := must(w.consumer.Consume(w.queue, "", false, false, false, false, nil))
	log.Print("peer: ready")
	for i := 1; i < concurrency; i++ {
		go w.serve(ctx, deliveries)
	}
	w.serve(ctx, deliveries)
	log.Fatal("peer: the channel is closed")
}
