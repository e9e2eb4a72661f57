// Events as the official SDK of CloudEvents for Go reads them: those of this journey, and those that the
// journey of the Python client wrote down. They must be valid events that say what they say as plain JSON.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/format"
)

const lineMax = 4 << 20

// message is a delivery of AMQP 0-9-1, for which the SDK has no binding of its own, in structured mode.
type message struct {
	ContentType string
	Body        []byte
}

func (m *message) ReadEncoding() binding.Encoding {
	if format.IsFormat(m.ContentType) {
		return binding.EncodingStructured
	}
	return binding.EncodingUnknown
}

func (m *message) ReadStructured(ctx context.Context, writer binding.StructuredWriter) error {
	known := format.Lookup(m.ContentType)
	if known == nil {
		return binding.ErrNotStructured
	}
	return writer.SetStructuredEvent(ctx, known, bytes.NewReader(m.Body))
}

func (m *message) ReadBinary(context.Context, binding.BinaryWriter) error {
	return binding.ErrNotBinary
}

func (m *message) Finish(error) error { return nil }

// read gives the attributes and the data of a valid event. Times are times, numbers as the SDK has them.
func read(m *message) (map[string]any, any, error) {
	event, err := binding.ToEvent(context.Background(), m)
	if err != nil {
		return nil, nil, err
	}
	if err := event.Validate(); err != nil {
		return nil, nil, err
	}
	var data any
	if err := json.Unmarshal(event.Data(), &data); err != nil {
		return nil, nil, err
	}
	attributes := map[string]any{
		"specversion": event.SpecVersion(), "id": event.ID(), "source": event.Source(),
		"type": event.Type(), "subject": event.Subject(), "time": event.Time(),
		"datacontenttype": event.DataContentType(),
	}
	for name, value := range event.Extensions() {
		attributes[name] = value
	}
	return attributes, data, nil
}

// expected gives what read gives for an event that reads so as JSON.
func expected(body []byte) (map[string]any, any, error) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, nil, err
	}
	data := members["data"]
	delete(members, "data")
	text, _ := members["time"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, nil, err
	}
	members["time"] = at
	version, ok := members["aggregateversion"].(float64)
	if !ok {
		return nil, nil, fmt.Errorf("aggregateversion is no number")
	}
	members["aggregateversion"] = int32(version)
	return members, data, nil
}

// readEvent compares what the SDK reads of a message with what its body says as plain JSON.
func readEvent(m *message) error {
	attributes, data, err := read(m)
	if err != nil {
		return fmt.Errorf("%w: content type %q, %s", err, m.ContentType, m.Body)
	}
	wanted, wantedData, err := expected(m.Body)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(attributes, wanted) {
		return fmt.Errorf("attributes %v instead of %v", attributes, wanted)
	}
	if !reflect.DeepEqual(data, wantedData) {
		return fmt.Errorf("data %v instead of %v", data, wantedData)
	}
	return nil
}

// readEvents checks the messages of a file, one {"contentType", "body" (base64)} on a line.
func readEvents(c *checks, path string) {
	file, err := os.Open(path)
	if err != nil {
		c.ok(false, "%v", err)
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, lineMax)
	found := 0
	for ; lines.Scan(); found++ {
		var m message
		err := json.Unmarshal(lines.Bytes(), &m)
		if err == nil {
			err = readEvent(&m)
		}
		c.ok(err == nil, "%v", err)
	}
	c.ok(lines.Err() == nil && found > 0, "no events to read: %v", lines.Err())
}
