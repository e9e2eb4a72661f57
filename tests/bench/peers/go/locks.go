// Locks: one key in Redis for each SKU, all or none in one round trip, so that two orders never wait
// for each other.
package main

import (
	"context"
	"log"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

const (
	lockTime  = 10 * time.Second
	lockPause = 2 * time.Millisecond
	lockTries = 2000
)

var lockAll = redis.NewScript(`if redis.call('EXISTS', unpack(KEYS)) > 0 then return 0 end
for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return 1`)

var unlockAll = redis.NewScript(`for _, key in ipairs(KEYS) do
if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end end
return 1`)

// line lets the messages of this process wait for each other, so that only other processes are left
// to be polled for.
type line struct {
	mutex   sync.Mutex
	busy    map[string]bool
	waiting []waiter
}

type waiter struct {
	keys    []string
	proceed chan struct{}
}

// take is called with the mutex held.
func (l *line) take(keys []string) bool {
	for _, key := range keys {
		if l.busy[key] {
			return false
		}
	}
	for _, key := range keys {
		l.busy[key] = true
	}
	return true
}

func (l *line) enter(keys []string) {
	l.mutex.Lock()
	if l.take(keys) {
		l.mutex.Unlock()
		return
	}
	proceed := make(chan struct{})
	l.waiting = append(l.waiting, waiter{keys, proceed})
	l.mutex.Unlock()
	<-proceed
}

// leave lets in the oldest first, but nobody waits for one whose turn has not come: on few SKUs twice
// as many are in work at once as in strict order.
func (l *line) leave(keys []string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, key := range keys {
		delete(l.busy, key)
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(one waiter) bool {
		taken := l.take(one.keys)
		if taken {
			close(one.proceed)
		}
		return taken
	})
}

func (w *worker) takeLocks(ctx context.Context, keys []string, owner string) error {
	for try := 0; try < lockTries; try++ {
		taken, err := lockAll.Run(ctx, w.redis, keys, owner, lockTime.Milliseconds()).Int()
		if err != nil || taken == 1 {
			return err
		}
		time.Sleep(time.Duration((0.5 + rand.Float64()) * float64(lockPause)))
	}
	return refuse(503, "BUSY", "somebody else holds the stock")
}

func (w *worker) withLocks(ctx context.Context, items []orderLine, work func() error) error {
	owner := primitive.NewObjectID().Hex()
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = "peer:lock:" + item.SKU
	}
	w.line.enter(keys)
	defer w.line.leave(keys)
	if err := w.takeLocks(ctx, keys, owner); err != nil {
		return err
	}
	defer func() {
		if err := unlockAll.Run(ctx, w.redis, keys, owner).Err(); err != nil {
			log.Print("peer: unlocking: ", err)
		}
	}()
	return work()
}
