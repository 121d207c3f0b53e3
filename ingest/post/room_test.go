package post_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
)

// What bodies take is bounded together, as they are uncompressed, and there again
// once they are done with.
func TestRoomIsSharedByAllBodies(t *testing.T) {
	room := post.NewRoom(1000)
	read := func(body, encoding string) (func(), error) {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		request.Header.Set("Content-Encoding", encoding)
		request, done := room.Let(request)
		_, err := post.Read(httptest.NewRecorder(), request, 0)
		return done, err
	}
	text := strings.Repeat("x", 600)
	for _, packed := range []struct{ body, encoding string }{
		{text, "identity"}, {string(s2.EncodeSnappy(nil, []byte(text))), "snappy"},
	} {
		done, err := read(packed.body, packed.encoding)
		if err != nil {
			t.Fatalf("%s: the first finds no room: %v", packed.encoding, err)
		}
		var busy item.Busy
		again, err := read(packed.body, packed.encoding)
		if !errors.As(err, &busy) {
			t.Errorf("%s: the second is taken too: %v", packed.encoding, err)
		}
		if code, after := post.Status(err); code != http.StatusTooManyRequests || after != "1" {
			t.Errorf("%s: answered with %d, %q", packed.encoding, code, after)
		}
		done()
		again()
		if done, err = read(packed.body, packed.encoding); err != nil {
			t.Errorf("%s: there is no room afterwards: %v", packed.encoding, err)
		}
		done()
	}
}
