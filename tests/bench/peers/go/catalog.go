// product.get and product.list as guests see them, remembered in the process for a few seconds.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

const (
	lowStock      = 5
	rememberFor   = 5 * time.Second
	rememberedMax = 10_000
	listDefault   = 20
	listMax       = 100
	textMax       = 200
)

// --- documents by their keys --------------------------------------------------------------------------

// What orders and carts need of a product.
var goodsFields = bson.D{{Key: "name", Value: 1}, {Key: "price", Value: 1}, {Key: "sku", Value: 1}, {Key: "status", Value: 1}}

// findAll gives the documents with these ids, by id.
func findAll[K comparable, T any](ctx context.Context, from *mongo.Collection, ids []K,
	key func(T) K, how ...*options.FindOptions) (map[K]T, error) {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
	cursor, err := from.Find(ctx, filter, how...)
	if err != nil {
		return nil, err
	}
	var found []T
	if err := cursor.All(ctx, &found); err != nil {
		return nil, err
	}
	byID := make(map[K]T, len(found)+1)
	for _, one := range found {
		byID[key(one)] = one
	}
	return byID, nil
}

func (w *worker) stocksOf(ctx context.Context, skus []string) (map[string]stock, error) {
	return findAll(ctx, w.stock, skus, func(one stock) string { return one.SKU })
}

func (w *worker) goodsOf(ctx context.Context, lines []cartLine) (map[primitive.ObjectID]product, error) {
	ids := make([]primitive.ObjectID, len(lines))
	for i, line := range lines {
		ids[i] = line.ProductID
	}
	return findAll(ctx, w.products, ids, func(one product) primitive.ObjectID { return one.ID },
		options.Find().SetProjection(goodsFields))
}

// --- the memory ---------------------------------------------------------------------------------------

type memory struct {
	mutex  sync.RWMutex
	bodies map[string]remembered
	making singleflight.Group
}

type remembered struct {
	body  []byte
	until time.Time
}

func (m *memory) put(key string, body []byte) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.bodies) >= rememberedMax {
		clear(m.bodies)
	}
	m.bodies[key] = remembered{body, time.Now().Add(rememberFor)}
}

// remember makes an answer once for all who ask at the same time; what failed is asked again.
func (m *memory) remember(key string, make func() (any, error)) (*answer, error) {
	m.mutex.RLock()
	known, ok := m.bodies[key]
	m.mutex.RUnlock()
	if ok && time.Now().Before(known.until) {
		return &answer{status: 200, body: known.body}, nil
	}
	body, err, _ := m.making.Do(key, func() (any, error) {
		data, err := make()
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(envelope{OK: true, Data: data})
		if err == nil {
			m.put(key, body)
		}
		return body, err
	})
	if err != nil {
		return nil, err
	}
	return &answer{status: 200, body: body.([]byte)}, nil
}

// --- views --------------------------------------------------------------------------------------------

func stockStatus(left int64) string {
	switch {
	case left <= 0:
		return "out_of_stock"
	case left <= lowStock:
		return "low_stock"
	}
	return "in_stock"
}

func productViewOf(one product, kinds map[primitive.ObjectID]category, left int64) productView {
	view := productView{one.ID, one.Name, one.Slug, one.Description, nil, one.Price, one.SKU,
		stockView{left, stockStatus(left)}, one.Images, one.Status, one.CreatedAt, one.UpdatedAt, one.Version}
	if one.CategoryID != nil {
		if kind, ok := kinds[*one.CategoryID]; ok {
			view.Category = &kind
		}
	}
	if view.Images == nil {
		view.Images = []image{}
	}
	return view
}

func (w *worker) productViews(ctx context.Context, found []product) ([]productView, error) {
	skus := make([]string, len(found))
	var ids []primitive.ObjectID
	for i, one := range found {
		skus[i] = one.SKU
		if one.CategoryID != nil {
			ids = append(ids, *one.CategoryID)
		}
	}
	var kinds map[primitive.ObjectID]category
	both, ctx := errgroup.WithContext(ctx)
	if ids != nil {
		both.Go(func() (err error) {
			kinds, err = findAll(ctx, w.categories, ids, func(one category) primitive.ObjectID { return one.ID })
			return err
		})
	}
	stocks, err := w.stocksOf(ctx, skus)
	if err := errors.Join(both.Wait(), err); err != nil {
		return nil, err
	}
	views := make([]productView, len(found))
	for i, one := range found {
		views[i] = productViewOf(one, kinds, stocks[one.SKU].available())
	}
	return views, nil
}

// --- product.get --------------------------------------------------------------------------------------

type getRequest struct {
	ProductID string `json:"productId"`
	Slug      string `json:"slug"`
	SKU       string `json:"sku"`
}

// filter finds the product by the one member that is given.
func (r *getRequest) filter() (bson.D, error) {
	var filter bson.D
	if r.ProductID != "" {
		id, err := primitive.ObjectIDFromHex(r.ProductID)
		if err != nil {
			return nil, invalid("/productId", "is not an id")
		}
		filter = append(filter, bson.E{Key: "_id", Value: id})
	}
	if r.Slug != "" {
		filter = append(filter, bson.E{Key: "slug", Value: r.Slug})
	}
	if r.SKU != "" {
		filter = append(filter, bson.E{Key: "sku", Value: r.SKU})
	}
	if len(filter) != 1 {
		return nil, invalid("", "exactly one of productId, slug and sku is wanted")
	}
	return filter, nil
}

func (w *worker) productGet(ctx context.Context, body []byte, _ primitive.ObjectID) (*answer, error) {
	var request getRequest
	if err := parse(body, &request); err != nil {
		return nil, err
	}
	filter, err := request.filter()
	if err != nil {
		return nil, err
	}
	return w.memory.remember(fmt.Sprintf("get %q", request), func() (any, error) {
		var found product
		err := w.products.FindOne(ctx, filter).Decode(&found)
		if errors.Is(err, mongo.ErrNoDocuments) || (err == nil && !found.isOnSale()) {
			return nil, noProduct()
		}
		if err != nil {
			return nil, err
		}
		views, err := w.productViews(ctx, []product{found})
		if err != nil {
			return nil, err
		}
		return views[0], nil
	})
}

// --- product.list -------------------------------------------------------------------------------------

type listRequest struct {
	Limit  *int64 `json:"limit"`
	Search string `json:"search"`
}

type page struct {
	Items      []productView `json:"items"`
	Page       int64         `json:"page"`
	Limit      int64         `json:"limit"`
	TotalItems int64         `json:"totalItems"`
	TotalPages int64         `json:"totalPages"`
}

// Neither phrases nor exclusions: words alone.
var plainWords = strings.NewReplacer(`"`, " ", "-", " ")

func (w *worker) firstPage(ctx context.Context, limit int64, search string) (*page, error) {
	filter := bson.D{{Key: "status", Value: "published"}}
	order := bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}
	if search != "" {
		filter = append(filter, bson.E{Key: "$text", Value: bson.D{{Key: "$search", Value: plainWords.Replace(search)}}})
		order = bson.D{{Key: "score", Value: bson.D{{Key: "$meta", Value: "textScore"}}}, {Key: "_id", Value: 1}}
	}
	var total int64
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		total, err = w.products.CountDocuments(bothCtx, filter)
		return err
	})
	var found []product
	cursor, err := w.products.Find(bothCtx, filter, options.Find().SetSort(order).SetLimit(limit))
	if err == nil {
		err = cursor.All(bothCtx, &found)
	}
	if err := errors.Join(both.Wait(), err); err != nil {
		return nil, err
	}
	views, err := w.productViews(ctx, found)
	return &page{views, 1, limit, total, (total + limit - 1) / limit}, err
}

func (w *worker) productList(ctx context.Context, body []byte, _ primitive.ObjectID) (*answer, error) {
	var request listRequest
	if err := parse(body, &request); err != nil {
		return nil, err
	}
	limit := int64(listDefault)
	if request.Limit != nil {
		limit = *request.Limit
	}
	if limit < 1 || limit > listMax {
		return nil, invalid("/limit", "is out of range")
	}
	if utf8.RuneCountInString(request.Search) > textMax {
		return nil, invalid("/search", "is too long")
	}
	return w.memory.remember(fmt.Sprint("list ", limit, " ", request.Search), func() (any, error) {
		return w.firstPage(ctx, limit, request.Search)
	})
}
