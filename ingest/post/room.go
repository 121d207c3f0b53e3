package post

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
)

// Room is what the bodies that are under way may take of the memory together,
// uncompressed: many large ones that come slowly would take all of it. It is safe
// for concurrent use.
type Room struct{ left atomic.Int64 }

// NewRoom is room for so many bytes.
func NewRoom(bytes int64) *Room {
	r := &Room{}
	r.left.Store(bytes)
	return r
}

// tryAgain is when a body that found no room may come again.
const tryAgain = time.Second

// Let lets a request's body take of the room when it is read; where there is none
// left, the error of Read is item.Busy. The function gives back what it took.
func (r *Room) Let(request *http.Request) (*http.Request, func()) {
	s := &share{room: r}
	return request.WithContext(context.WithValue(request.Context(), shareKey{}, s)), func() { r.left.Add(s.taken) }
}

// Take takes of the room for a body that came otherwise; where there is none left,
// the error is item.Busy. The function gives it back.
func (r *Room) Take(bytes int) (func(), error) {
	s := &share{room: r}
	if err := s.take(bytes); err != nil {
		r.left.Add(s.taken)
		return nil, err
	}
	return func() { r.left.Add(s.taken) }, nil
}

type shareKey struct{}

// share is what one request has of the room; nil is bound by nothing.
type share struct {
	room  *Room
	taken int64
}

func (s *share) take(n int) error {
	if s == nil {
		return nil
	}
	s.taken += int64(n)
	if s.room.left.Add(-int64(n)) < 0 {
		return item.Busy{After: tryAgain}
	}
	return nil
}

// of reads what is to be kept.
func (s *share) of(r io.Reader) io.Reader { return kept{r, s} }

type kept struct {
	io.Reader
	share *share
}

// Read implements io.Reader.
func (k kept) Read(b []byte) (int, error) {
	n, err := k.Reader.Read(b)
	if busy := k.share.take(n); busy != nil {
		return n, busy
	}
	return n, err
}
