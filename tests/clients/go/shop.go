package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	replyTo  = "amq.rabbitmq.reply-to"
	patience = 15 * time.Second
)

// shop is a shop behind a message broker, as a web tier sees it: call sends a request and gives its answer,
// for any goroutine; hear waits for events and notifications.
type shop struct {
	prefix     string
	connection *amqp.Connection
	channel    *amqp.Channel
	lock       sync.Mutex
	waiting    map[string]chan *answer // by correlation id
	heard      []amqp.Delivery
}

// answer is a reply, as it came and as it reads.
type answer struct {
	status      any
	contentType string
	text        string
	body        object
}

// request is what is sent; what is empty is left out, and an id is made.
type request struct {
	operation, token, id string
	body                 object
	headers              amqp.Table
}

func openShop(uri, prefix string) (*shop, error) {
	s := &shop{prefix: prefix, waiting: map[string]chan *answer{}}
	var err error
	if s.connection, err = amqp.Dial(uri); err != nil {
		return nil, err
	}
	if s.channel, err = s.connection.Channel(); err != nil {
		return nil, err
	}
	// Direct reply-to: consumed without acknowledgement, on the channel that publishes.
	replies, err := s.channel.Consume(replyTo, "", true, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	go s.takeReplies(replies)
	go s.takeReturns(s.channel.NotifyReturn(make(chan amqp.Return)))
	return s, s.channel.Confirm(false)
}

func (s *shop) takeReplies(replies <-chan amqp.Delivery) {
	for reply := range replies {
		found := &answer{status: reply.Headers["status"], contentType: reply.ContentType, text: string(reply.Body)}
		if err := json.Unmarshal(reply.Body, &found.body); err != nil {
			found.text = err.Error()
		}
		s.give(reply.CorrelationId, found)
	}
}

func (s *shop) takeReturns(returns <-chan amqp.Return) {
	for back := range returns {
		s.give(back.CorrelationId, nil)
	}
}

// give hands an answer to who waits for it, if anybody still does; a second answer is dropped.
func (s *shop) give(id string, found *answer) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if wanted, waits := s.waiting[id]; waits {
		delete(s.waiting, id)
		wanted <- found
	}
}

func (s *shop) wait(id string) chan *answer {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.waiting[id] = make(chan *answer, 1)
	return s.waiting[id]
}

// listen binds a queue of our own to an exchange; what comes is kept.
func (s *shop) listen(exchange, pattern string) error {
	channel, err := s.connection.Channel()
	if err != nil {
		return err
	}
	queue, err := channel.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		return err
	}
	if err := channel.QueueBind(queue.Name, pattern, s.prefix+"."+exchange, false, nil); err != nil {
		return err
	}
	deliveries, err := channel.Consume(queue.Name, "", false, true, false, false, nil)
	go s.keep(deliveries)
	return err
}

func (s *shop) keep(deliveries <-chan amqp.Delivery) {
	for delivery := range deliveries {
		s.lock.Lock()
		s.heard = append(s.heard, delivery)
		s.lock.Unlock()
		if err := delivery.Ack(false); err != nil {
			return // the connection is gone, and the queue with it
		}
	}
}

// call gives the answer to a request, or an error when there is none in time.
func (s *shop) call(r request) (*answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	correlationID := newID()
	wanted := s.wait(correlationID)
	if err := s.publish(ctx, r, correlationID); err != nil {
		return nil, err
	}
	select {
	case found := <-wanted:
		if found == nil {
			return nil, fmt.Errorf("no queue takes %s", r.operation)
		}
		return found, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer to %s: %w", r.operation, ctx.Err())
	}
}

func (s *shop) publish(ctx context.Context, r request, correlationID string) error {
	headers := amqp.Table{}
	for name, value := range r.headers {
		headers[name] = value
	}
	if r.token != "" {
		headers["authorization"] = "Bearer " + r.token
	}
	if r.id == "" {
		r.id = newID()
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return err
	}
	confirm, err := s.channel.PublishWithDeferredConfirmWithContext(ctx, s.prefix+".requests", r.operation,
		true, false, amqp.Publishing{MessageId: r.id, CorrelationId: correlationID, ReplyTo: replyTo,
			ContentType: "application/json", DeliveryMode: amqp.Persistent, Headers: headers, Body: body})
	if err != nil {
		return err
	}
	if taken, err := confirm.WaitContext(ctx); err != nil || !taken {
		return fmt.Errorf("the broker did not take %s: %v", r.operation, err)
	}
	return nil
}

// hear gives the first thing heard that is wanted, as it came and as it reads; waits for it.
func (s *shop) hear(wanted func(key string, body object) bool, what string) (amqp.Delivery, object) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s.lock.Lock()
		heard := s.heard
		s.lock.Unlock()
		for _, delivery := range heard {
			var body object
			if json.Unmarshal(delivery.Body, &body) == nil && wanted(delivery.RoutingKey, body) {
				return delivery, body
			}
		}
	}
	panic(fmt.Errorf("never heard %s", what))
}

func newID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	return hex.EncodeToString(id)
}
