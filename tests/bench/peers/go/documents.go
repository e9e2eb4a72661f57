// Documents and their wire forms. Members stand in the order in which Cartwright writes them.
package main

import (
	"encoding/json"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// stamp is a time in milliseconds since 1970, in the database and on the wire.
type stamp int64

func now() stamp { return stamp(time.Now().UnixMilli()) }

func (s stamp) MarshalBSONValue() (bsontype.Type, []byte, error) {
	return bson.MarshalValue(primitive.DateTime(s))
}

func (s *stamp) UnmarshalBSONValue(kind bsontype.Type, data []byte) error {
	var at primitive.DateTime
	err := bson.UnmarshalValue(kind, data, &at)
	*s = stamp(at)
	return err
}

func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.UnixMilli(int64(s)).UTC().Format("2006-01-02T15:04:05.000Z"))
}

type money struct {
	Amount   int64  `bson:"amount" json:"amount"`
	Currency string `bson:"currency" json:"currency"`
}

func (m money) times(count int64) money { return money{m.Amount * count, m.Currency} }

type stock struct {
	SKU      string `bson:"_id"`
	OnHand   int64  `bson:"onHand"`
	Reserved int64  `bson:"reserved"`
}

func (s stock) available() int64 { return s.OnHand - s.Reserved }

type image struct {
	URL string `bson:"url" json:"url"`
	Alt string `bson:"alt,omitempty" json:"alt,omitempty"`
}

type category struct {
	ID   primitive.ObjectID `bson:"_id" json:"id"`
	Name string             `bson:"name" json:"name"`
	Slug string             `bson:"slug" json:"slug"`
}

type product struct {
	ID          primitive.ObjectID  `bson:"_id"`
	Name        string              `bson:"name"`
	Slug        string              `bson:"slug"`
	Description string              `bson:"description"`
	CategoryID  *primitive.ObjectID `bson:"categoryId"`
	Price       money               `bson:"price"`
	SKU         string              `bson:"sku"`
	Images      []image             `bson:"images"`
	Status      string              `bson:"status"`
	CreatedAt   stamp               `bson:"createdAt"`
	UpdatedAt   stamp               `bson:"updatedAt"`
	Version     int64               `bson:"version"`
}

func (p product) isOnSale() bool { return p.Status == "published" }

type stockView struct {
	Available int64  `json:"available"`
	Status    string `json:"status"`
}

type productView struct {
	ID          primitive.ObjectID `json:"id"`
	Name        string             `json:"name"`
	Slug        string             `json:"slug"`
	Description string             `json:"description"`
	Category    *category          `json:"category"`
	Price       money              `json:"price"`
	SKU         string             `json:"sku"`
	Stock       stockView          `json:"stock"`
	Images      []image            `json:"images"`
	Status      string             `json:"status"`
	CreatedAt   stamp              `json:"createdAt"`
	UpdatedAt   stamp              `json:"updatedAt"`
	Version     int64              `json:"version"`
}

type cartLine struct {
	ProductID primitive.ObjectID `bson:"productId"`
	SKU       string             `bson:"sku"`
	Quantity  int64              `bson:"quantity"`
	UnitPrice money              `bson:"unitPrice"`
}

type cart struct {
	ID        primitive.ObjectID `bson:"_id"`
	Version   int64              `bson:"version"`
	CreatedAt stamp              `bson:"createdAt"`
	UpdatedAt stamp              `bson:"updatedAt"`
	Lines     []cartLine         `bson:"lines"`
}

type cartItem struct {
	ProductID primitive.ObjectID `json:"productId"`
	SKU       string             `json:"sku"`
	Name      string             `json:"name"`
	Quantity  int64              `json:"quantity"`
	UnitPrice money              `json:"unitPrice"`
	LineTotal money              `json:"lineTotal"`
	Available int64              `json:"available"`
}

type cartIssue struct {
	Code      string             `json:"code"`
	ProductID primitive.ObjectID `json:"productId"`
	Message   string             `json:"message"`
}

type cartView struct {
	ID        primitive.ObjectID `json:"id"`
	Version   int64              `json:"version"`
	Items     []cartItem         `json:"items"`
	Total     *money             `json:"total"`
	Issues    []cartIssue        `json:"issues"`
	UpdatedAt stamp              `json:"updatedAt"`
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
	At     stamp              `bson:"at" json:"at"`
	By     primitive.ObjectID `bson:"by" json:"by"`
	Note   string             `bson:"note,omitempty" json:"note,omitempty"`
}

type order struct {
	ID                   primitive.ObjectID `bson:"_id" json:"id"`
	Version              int64              `bson:"version" json:"version"`
	CreatedAt            stamp              `bson:"createdAt" json:"createdAt"`
	UpdatedAt            stamp              `bson:"updatedAt" json:"updatedAt"`
	Number               string             `bson:"number" json:"number"`
	UserID               primitive.ObjectID `bson:"userId" json:"userId"`
	Status               string             `bson:"status" json:"status"`
	Items                []orderLine        `bson:"items" json:"items"`
	Total                money              `bson:"total" json:"total"`
	ExpectedDeliveryDate string             `bson:"expectedDeliveryDate" json:"expectedDeliveryDate"`
	History              []orderStep        `bson:"history" json:"history"`
}
