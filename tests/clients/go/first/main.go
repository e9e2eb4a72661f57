// The program of docs/clients.md for Go, which the journey runs as a program of its own.
// docs: begin first
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const replyTo, patience, tries = "amq.rabbitmq.reply-to", 5 * time.Second, 3

type object map[string]any

var channel *amqp.Channel
var answers <-chan amqp.Delivery

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func await(id string) amqp.Delivery {
	for timeout := time.After(patience); ; {
		select {
		case message, open := <-answers:
			if message.CorrelationId == id || !open {
				return message
			}
		case <-timeout:
			return amqp.Delivery{Body: []byte(`{"error": {"code": "NO_ANSWER", "retryable": true}}`)}
		}
	}
}

// call makes one call at a time. One intent has one id: what got no answer is sent again as it was.
func call(operation string, body object, token, id string) (data, refusal object) {
	for attempt := 1; ; attempt++ {
		headers := amqp.Table{"deadline": time.Now().Add(patience).UnixMilli()} // as long as we wait
		if token != "" {
			headers["authorization"] = "Bearer " + token
		}
		copyID := fmt.Sprintf("%s/%d", id, attempt) // an answer speaks of one copy of the message
		must(0, channel.Publish("cartwright.requests", operation, true, false, amqp.Publishing{
			MessageId: id, CorrelationId: copyID, ReplyTo: replyTo, ContentType: "application/json",
			DeliveryMode: amqp.Persistent, Headers: headers, Body: must(json.Marshal(body))}))
		message := await(copyID)
		var answer struct{ Data, Error object }
		must(0, json.Unmarshal(message.Body, &answer))
		if answer.Error["retryable"] != true || attempt == tries {
			return answer.Data, answer.Error
		}
		wait, _ := message.Headers["retry-after-ms"].(int64)
		time.Sleep(time.Duration(wait+500) * time.Millisecond)
	}
}

func main() {
	connection := must(amqp.Dial(os.Getenv("CARTWRIGHT_CLIENT_AMQP_URI")))
	defer connection.Close()
	channel = must(connection.Channel())
	answers = must(channel.Consume(replyTo, "", true, false, false, false, nil))
	queue := must(channel.QueueDeclare("", false, false, true, false, nil)) // of our own, for events
	must(0, channel.QueueBind(queue.Name, "cart.updated", "cartwright.events", false, nil))
	events := must(channel.Consume(queue.Name, "", false, false, false, false, nil))

	once := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	page, _ := call("product.list", object{"inStock": true, "limit": 1}, "", "list-"+once)
	mug := page["items"].([]any)[0].(map[string]any)
	fmt.Println("product:", mug["name"])
	visitor := object{"name": "A Visitor", "email": once + "@example.com", "password": "nine brass ladles"}
	entered, _ := call("auth.register", visitor, "", "register-"+once)
	token, line := entered["accessToken"].(string), object{"productId": mug["id"], "quantity": 1}
	for i := 0; i < 2; i++ { // the same message twice has one effect
		cart, _ := call("cart.item.add", line, token, once)
		fmt.Println("cart: version", cart["version"])
	}
	line["quantity"] = 9999
	_, refusal := call("cart.item.add", line, token, "more-"+once)
	fmt.Println("refused:", refusal["code"])
	for message := range events {
		var event object
		must(0, json.Unmarshal(message.Body, &event))
		must(0, message.Ack(false))
		if event["causationid"] == once {
			fmt.Printf("event: %v, version %v\n", event["type"], event["aggregateversion"])
			return
		}
	}
}

// docs: end first
