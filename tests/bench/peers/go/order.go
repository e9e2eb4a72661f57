// order.place: what is in the caller's cart, all of it or nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

const (
	deliveryDays = 5
	noteMax      = 500
)

type orderRequest struct {
	ExpectedVersion *int64 `json:"expectedVersion"`
	ExpectedTotal   *money `json:"expectedTotal"`
	Note            string `json:"note"`
}

// errLacking ends a transaction that finds too little stock.
var errLacking = errors.New("stock is lacking")

func orderLines(basket *cart, goods map[primitive.ObjectID]product) ([]orderLine, error) {
	items := make([]orderLine, 0, len(basket.Lines))
	var missing []fault
	for i, line := range basket.Lines {
		found := goods[line.ProductID]
		if !found.isOnSale() {
			missing = append(missing, fault{fmt.Sprint("/items/", i), line.SKU + " is not on sale"})
		}
		items = append(items, orderLine{line.ProductID, line.SKU, found.Name, line.Quantity,
			found.Price, found.Price.times(line.Quantity)})
	}
	if missing != nil {
		return nil, refuse(409, "NOT_PURCHASABLE", "not all is on sale", missing...)
	}
	return items, nil
}

func draft(user primitive.ObjectID, note string, items []orderLine) *order {
	at := now()
	total := money{0, items[0].UnitPrice.Currency}
	for _, item := range items {
		total.Amount += item.LineTotal.Amount
	}
	return &order{
		ID:     primitive.NewObjectID(),
		Number: "CW-" + strings.ToUpper(primitive.NewObjectID().Hex()),
		UserID: user, Status: "pending", Items: items, Total: total,
		ExpectedDeliveryDate: time.Now().UTC().AddDate(0, 0, deliveryDays).Format(time.DateOnly),
		History:              []orderStep{{"pending", at, user, note}},
		CreatedAt:            at, UpdatedAt: at, Version: 1,
	}
}

// takeStock sends one update for each SKU together.
func (w *worker) takeStock(ctx context.Context, placed *order) error {
	available := bson.D{{Key: "$subtract", Value: bson.A{"$onHand", "$reserved"}}}
	updates := make([]mongo.WriteModel, 0, len(placed.Items))
	for _, item := range placed.Items {
		enough := bson.D{{Key: "$gte", Value: bson.A{available, item.Quantity}}}
		updates = append(updates, mongo.NewUpdateOneModel().
			SetFilter(bson.D{{Key: "_id", Value: item.SKU}, {Key: "$expr", Value: enough}}).
			SetUpdate(bson.D{
				{Key: "$inc", Value: bson.D{{Key: "reserved", Value: item.Quantity}, {Key: "version", Value: int64(1)}}},
				{Key: "$set", Value: bson.D{{Key: "updatedAt", Value: placed.CreatedAt}}}}))
	}
	result, err := w.stock.BulkWrite(ctx, updates)
	if err == nil && result.ModifiedCount != int64(len(updates)) {
		err = errLacking
	}
	return err
}

func (w *worker) commit(ctx context.Context, placed *order, basket *cart) error {
	session, err := w.client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	_, err = session.WithTransaction(ctx, func(ctx mongo.SessionContext) (any, error) {
		if err := w.takeStock(ctx, placed); err != nil {
			return nil, err
		}
		if _, err := w.orders.InsertOne(ctx, placed); err != nil {
			return nil, err
		}
		cleared, err := w.carts.UpdateOne(ctx,
			bson.D{{Key: "_id", Value: basket.ID}, {Key: "version", Value: basket.Version}},
			bson.D{
				{Key: "$set", Value: bson.D{{Key: "lines", Value: bson.A{}}, {Key: "updatedAt", Value: placed.CreatedAt}}},
				{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}}})
		if err == nil && cleared.ModifiedCount == 0 {
			err = versionConflict()
		}
		return nil, err
	}, options.Transaction().SetWriteConcern(durable))
	return err
}

func (w *worker) insufficient(ctx context.Context, items []orderLine) error {
	skus := make([]string, len(items))
	for i, item := range items {
		skus[i] = item.SKU
	}
	stocks, err := w.stocksOf(ctx, skus)
	if err != nil {
		return err
	}
	var lacking []fault
	for i, item := range items {
		if left := stocks[item.SKU].available(); left < item.Quantity {
			lacking = append(lacking, fault{fmt.Sprint("/items/", i), fmt.Sprintf(
				"%d of %s are wanted, %d are available", item.Quantity, item.SKU, left)})
		}
	}
	return refuse(409, "INSUFFICIENT_STOCK", "not all is in stock", lacking...)
}

func (w *worker) draftFor(ctx context.Context, user primitive.ObjectID, request *orderRequest,
	basket *cart) (*order, error) {
	if request.ExpectedVersion != nil && *request.ExpectedVersion != basket.Version {
		return nil, versionConflict()
	}
	goods, err := w.goodsOf(ctx, basket.Lines)
	if err != nil {
		return nil, err
	}
	items, err := orderLines(basket, goods)
	if err != nil {
		return nil, err
	}
	placed := draft(user, request.Note, items)
	if request.ExpectedTotal != nil && *request.ExpectedTotal != placed.Total {
		return nil, refuse(409, "PRICE_CHANGED", fmt.Sprint("the total is ", placed.Total.Amount))
	}
	return placed, nil
}

func (w *worker) orderPlace(ctx context.Context, body []byte, user primitive.ObjectID) (*answer, error) {
	var request orderRequest
	if err := parse(body, &request); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(request.Note) > noteMax {
		return nil, invalid("/note", "is too long")
	}
	basket, err := w.cartOf(ctx, user)
	if err != nil {
		return nil, err
	}
	if len(basket.Lines) == 0 {
		return nil, refuse(409, "CART_EMPTY", "the cart is empty")
	}
	placed, err := w.draftFor(ctx, user, &request, basket)
	if err != nil {
		return nil, err
	}
	err = w.withLocks(ctx, placed.Items, func() error { return w.commit(ctx, placed, basket) })
	if errors.Is(err, errLacking) {
		err = w.insufficient(ctx, placed.Items)
	}
	if err != nil {
		return nil, err
	}
	return &answer{status: 201, data: placed,
		event: &event{Type: "order.placed", Subject: placed.ID, Version: placed.Version, Time: placed.CreatedAt}}, nil
}
