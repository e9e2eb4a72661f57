// Messages: who calls, what is asked, what is answered, what is told.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// --- refusals -----------------------------------------------------------------------------------------

type fault struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

// refusal is an answer, not a fault of ours.
type refusal struct {
	status    int32
	Code      string  `json:"code"`
	Message   string  `json:"message"`
	Fields    []fault `json:"fields,omitempty"`
	Retryable bool    `json:"retryable"`
}

func (r *refusal) Error() string { return r.Message }

func refuse(status int32, code, message string, fields ...fault) error {
	return &refusal{status, code, message, fields, status >= 500}
}

func invalid(pointer, message string) error {
	return refuse(422, "VALIDATION_FAILED", "the request is not valid", fault{pointer, message})
}

func noProduct() error       { return refuse(404, "NOT_FOUND", "there is no such product") }
func versionConflict() error { return refuse(409, "VERSION_CONFLICT", "the cart has changed") }

// --- requests -----------------------------------------------------------------------------------------

// parse reads a JSON object whose members are those of `into`.
func parse(body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(body) {
		return refuse(400, "MALFORMED", "the body is not a JSON object")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return invalid("", err.Error())
	}
	return nil
}

// callers remembers verified tokens until they expire.
type callers struct {
	mutex sync.RWMutex
	known map[string]known
}

type known struct {
	id    primitive.ObjectID
	until time.Time
}

func (w *worker) verify(token string) (known, error) {
	claims := jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(token, &claims,
		func(*jwt.Token) (any, error) { return w.tokenKey, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("cartwright"),
		jwt.WithAudience("cartwright-shop"), jwt.WithExpirationRequired())
	if err != nil {
		return known{}, err
	}
	id, err := primitive.ObjectIDFromHex(claims.Subject)
	return known{id, claims.ExpiresAt.Time}, err
}

func (w *worker) caller(delivery *amqp.Delivery) (primitive.ObjectID, error) {
	header, _ := delivery.Headers["authorization"].(string)
	token := strings.TrimPrefix(header, "Bearer ")
	w.callers.mutex.RLock()
	one, ok := w.callers.known[token]
	w.callers.mutex.RUnlock()
	if ok && time.Now().Before(one.until) {
		return one.id, nil
	}
	one, err := w.verify(token)
	if err != nil {
		return one.id, refuse(401, "UNAUTHENTICATED", "the token is not one of ours")
	}
	w.callers.mutex.Lock()
	defer w.callers.mutex.Unlock()
	if len(w.callers.known) >= rememberedMax {
		clear(w.callers.known)
	}
	w.callers.known[token] = one
	return one.id, nil
}

// --- answers ------------------------------------------------------------------------------------------

type envelope struct {
	OK    bool     `json:"ok"`
	Data  any      `json:"data,omitempty"`
	Error *refusal `json:"error,omitempty"`
}

// answer has its data, or the whole body when that is known already.
type answer struct {
	status int32
	data   any
	body   []byte
	event  *event
}

type event struct {
	SpecVersion string             `json:"specversion"`
	ID          primitive.ObjectID `json:"id"`
	Source      string             `json:"source"`
	Type        string             `json:"type"`
	Subject     primitive.ObjectID `json:"subject"`
	Time        stamp              `json:"time"`
	ContentType string             `json:"datacontenttype"`
	Cause       string             `json:"causationid,omitempty"`
	Correlation string             `json:"correlationid,omitempty"`
	Version     int64              `json:"aggregateversion"`
	Data        json.RawMessage    `json:"data"`
}

func (w *worker) publishEvent(ctx context.Context, told *event, data json.RawMessage,
	delivery *amqp.Delivery) (*amqp.DeferredConfirmation, error) {
	domain, _, _ := strings.Cut(told.Type, ".")
	told.SpecVersion, told.ID, told.Source = "1.0", primitive.NewObjectID(), "/peer/"+domain
	told.ContentType, told.Data = "application/json", data
	told.Cause, told.Correlation = delivery.MessageId, delivery.CorrelationId
	body, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	return w.events.PublishWithDeferredConfirmWithContext(ctx, w.exchange, told.Type, false, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "application/json",
			MessageId: told.ID.Hex(), Body: body})
}

func (w *worker) reply(ctx context.Context, delivery *amqp.Delivery, status int32, body []byte) error {
	if delivery.ReplyTo == "" {
		return nil
	}
	return w.replies.PublishWithContext(ctx, "", delivery.ReplyTo, false, false, amqp.Publishing{
		CorrelationId: delivery.CorrelationId, ContentType: "application/json",
		Headers: amqp.Table{"status": status}, Body: body})
}

// tell replies and publishes the event. The reply does not wait for the event's confirm, because what
// it tells is committed; the caller's acknowledgement does.
func (w *worker) tell(ctx context.Context, delivery *amqp.Delivery, result *answer) error {
	if result.body != nil {
		return w.reply(ctx, delivery, result.status, result.body)
	}
	data, err := json.Marshal(result.data)
	if err != nil {
		return err
	}
	body := append(append([]byte(`{"ok":true,"data":`), data...), '}')
	if err := w.reply(ctx, delivery, result.status, body); err != nil {
		return err
	}
	confirm, err := w.publishEvent(ctx, result.event, data, delivery)
	if err != nil {
		return err
	}
	confirmed, err := confirm.WaitContext(ctx)
	if err == nil && !confirmed {
		err = errors.New("the event was refused")
	}
	return err
}

// --- operations ---------------------------------------------------------------------------------------

type operation struct {
	run         func(w *worker, ctx context.Context, body []byte, user primitive.ObjectID) (*answer, error)
	needsCaller bool
}

var operations = map[string]operation{
	"order.place":   {(*worker).orderPlace, true},
	"cart.item.add": {(*worker).cartItemAdd, true},
	"product.get":   {(*worker).productGet, false},
	"product.list":  {(*worker).productList, false},
}

func (w *worker) execute(ctx context.Context, delivery *amqp.Delivery) (result *answer, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	name := strings.TrimPrefix(delivery.RoutingKey, w.queue+".")
	found, ok := operations[name]
	if !ok {
		return nil, refuse(404, "UNKNOWN_OPERATION", fmt.Sprintf("nobody serves '%s'", name))
	}
	var user primitive.ObjectID
	if found.needsCaller {
		if user, err = w.caller(delivery); err != nil {
			return nil, err
		}
	}
	return found.run(w, ctx, delivery.Body, user)
}

func (w *worker) refuse(ctx context.Context, delivery *amqp.Delivery, err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		log.Print("peer: ", err)
		refused = &refusal{500, "INTERNAL", "something went wrong here; it was recorded", nil, true}
	}
	body, err := json.Marshal(envelope{Error: refused})
	if err != nil {
		return err
	}
	return w.reply(ctx, delivery, refused.status, body)
}

// Without a broker there is nothing left to do here: the process ends.
func (w *worker) serve(ctx context.Context, deliveries <-chan amqp.Delivery) {
	for delivery := range deliveries {
		result, err := w.execute(ctx, &delivery)
		if err != nil {
			err = w.refuse(ctx, &delivery, err)
		} else {
			err = w.tell(ctx, &delivery, result)
		}
		if err == nil {
			err = delivery.Ack(false)
		}
		if err != nil {
			log.Fatal("peer: ", err)
		}
	}
}
