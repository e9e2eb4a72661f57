// cart.item.add: a quantity of a product into the caller's cart, guarded by the cart's version.
package main

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"golang.org/x/sync/errgroup"
)

const (
	currency     = "GBP"
	quantityMax  = 9999
	linesMax     = 200
	conflictsMax = 10
)

// errFaster says that somebody else has changed the cart meanwhile.
var errFaster = errors.New("somebody was faster")

type addRequest struct {
	ProductID string `json:"productId"`
	Quantity  int64  `json:"quantity"`
}

// cartOf gives an empty one, of version 0, to whom has none.
func (w *worker) cartOf(ctx context.Context, user primitive.ObjectID) (*cart, error) {
	basket := cart{ID: user}
	err := w.carts.FindOne(ctx, bson.D{{Key: "_id", Value: user}}).Decode(&basket)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	return &basket, err
}

func checkQuantity(basket *cart, wanted product, left, quantity int64, isNew bool) error {
	switch {
	case !wanted.isOnSale():
		return refuse(409, "NOT_PURCHASABLE", "the product is not on sale")
	case quantity > quantityMax:
		return refuse(409, "QUANTITY_LIMIT", fmt.Sprintf("at most %d of one product", quantityMax))
	case isNew && len(basket.Lines) >= linesMax:
		return refuse(409, "QUANTITY_LIMIT", fmt.Sprintf("at most %d products in a cart", linesMax))
	case quantity > left:
		return refuse(409, "INSUFFICIENT_STOCK", fmt.Sprintf("%d of %s are available", left, wanted.Name),
			fault{"/quantity", fmt.Sprintf("%d are available", left)})
	}
	return nil
}

func (v *cartView) add(line cartLine, found product, left int64) {
	item := cartItem{line.ProductID, line.SKU, line.SKU, line.Quantity, line.UnitPrice,
		line.UnitPrice.times(line.Quantity), 0}
	issue := func(code, message string) {
		v.Issues = append(v.Issues, cartIssue{code, line.ProductID, message})
	}
	if found.Name != "" {
		item.Name = found.Name
	}
	if found.isOnSale() {
		item.UnitPrice, item.LineTotal = found.Price, found.Price.times(line.Quantity)
		item.Available = left
		v.Total.Amount += item.LineTotal.Amount
		if line.UnitPrice != found.Price {
			issue("price_changed", fmt.Sprintf("the price was %d and is %d", line.UnitPrice.Amount, found.Price.Amount))
		}
		if left < line.Quantity {
			issue("insufficient_stock", fmt.Sprintf("%d are available", left))
		}
	} else {
		issue("unavailable", "it cannot be ordered")
	}
	v.Items = append(v.Items, item)
}

func viewOf(basket *cart, goods map[primitive.ObjectID]product, stocks map[string]stock) *cartView {
	view := &cartView{ID: basket.ID, Version: basket.Version, Items: []cartItem{},
		Total: &money{0, currency}, Issues: []cartIssue{}, UpdatedAt: basket.UpdatedAt}
	for _, line := range basket.Lines {
		view.add(line, goods[line.ProductID], stocks[line.SKU].available())
	}
	return view
}

// saveCart writes the cart over the version that was read, or says errFaster.
func (w *worker) saveCart(ctx context.Context, basket *cart) error {
	if basket.Version == 1 {
		_, err := w.carts.InsertOne(ctx, basket)
		if mongo.IsDuplicateKeyError(err) {
			err = errFaster
		}
		return err
	}
	changed, err := w.carts.UpdateOne(ctx,
		bson.D{{Key: "_id", Value: basket.ID}, {Key: "version", Value: basket.Version - 1}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "lines", Value: basket.Lines},
			{Key: "version", Value: basket.Version}, {Key: "updatedAt", Value: basket.UpdatedAt}}}})
	if err == nil && changed.ModifiedCount == 0 {
		err = errFaster
	}
	return err
}

// cartAndProduct reads both at once.
func (w *worker) cartAndProduct(ctx context.Context, user, id primitive.ObjectID) (*cart, product, error) {
	var basket *cart
	var wanted product
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		basket, err = w.cartOf(ctx, user)
		return err
	})
	err := w.products.FindOne(ctx, bson.D{{Key: "_id", Value: id}},
		options.FindOne().SetProjection(goodsFields)).Decode(&wanted)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = noProduct()
	}
	return basket, wanted, errors.Join(both.Wait(), err)
}

// goodsAndStocks reads what the view of the cart needs, at once.
func (w *worker) goodsAndStocks(ctx context.Context, basket *cart, wanted product) (
	goods map[primitive.ObjectID]product, stocks map[string]stock, err error) {
	skus := []string{wanted.SKU}
	others := make([]cartLine, 0, len(basket.Lines))
	for _, line := range basket.Lines {
		if line.ProductID != wanted.ID {
			others = append(others, line)
			skus = append(skus, line.SKU)
		}
	}
	both, ctx := errgroup.WithContext(ctx)
	if len(others) > 0 {
		both.Go(func() (err error) {
			goods, err = w.goodsOf(ctx, others)
			return err
		})
	}
	stocks, err = w.stocksOf(ctx, skus)
	if err = errors.Join(both.Wait(), err); err != nil {
		return nil, nil, err
	}
	if goods == nil {
		goods = make(map[primitive.ObjectID]product, 1)
	}
	goods[wanted.ID] = wanted
	return goods, stocks, nil
}

func (w *worker) addOnce(ctx context.Context, user, id primitive.ObjectID, quantity int64) (*cartView, error) {
	basket, wanted, err := w.cartAndProduct(ctx, user, id)
	if err != nil {
		return nil, err
	}
	goods, stocks, err := w.goodsAndStocks(ctx, basket, wanted)
	if err != nil {
		return nil, err
	}
	at := 0
	for at < len(basket.Lines) && basket.Lines[at].ProductID != id {
		at++
	}
	isNew := at == len(basket.Lines)
	if !isNew {
		quantity += basket.Lines[at].Quantity
	}
	if err := checkQuantity(basket, wanted, stocks[wanted.SKU].available(), quantity, isNew); err != nil {
		return nil, err
	}
	if isNew {
		basket.Lines = append(basket.Lines, cartLine{})
	}
	basket.Lines[at] = cartLine{id, wanted.SKU, quantity, wanted.Price}
	basket.Version++
	basket.UpdatedAt = now()
	if basket.Version == 1 {
		basket.CreatedAt = basket.UpdatedAt
	}
	if err := w.saveCart(ctx, basket); err != nil {
		return nil, err
	}
	return viewOf(basket, goods, stocks), nil
}

func (w *worker) cartItemAdd(ctx context.Context, body []byte, user primitive.ObjectID) (*answer, error) {
	var request addRequest
	if err := parse(body, &request); err != nil {
		return nil, err
	}
	id, err := primitive.ObjectIDFromHex(request.ProductID)
	if err != nil {
		return nil, invalid("/productId", "is not an id")
	}
	if request.Quantity < 1 || request.Quantity > quantityMax {
		return nil, invalid("/quantity", "is out of range")
	}
	for try := 0; try < conflictsMax; try++ {
		view, err := w.addOnce(ctx, user, id, request.Quantity)
		if errors.Is(err, errFaster) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &answer{status: 200, data: view,
			event: &event{Type: "cart.updated", Subject: view.ID, Version: view.Version, Time: view.UpdatedAt}}, nil
	}
	return nil, versionConflict()
}
