package nginx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// places are how many places there are on the line that users are drawn on: one
// for each hundredth of a percent.
const places = int(release.Whole / grain)

// murmur is the hash of split_clients, MurmurHash2 with seed 0.
func murmur(data string) uint32 {
	const m = 0x5bd1e995
	h := uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		k *= m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	for i := len(data) - 1; i >= 0; i-- {
		h ^= uint32(data[i]) << (8 * i)
	}
	if len(data) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// placeKeys finds a key for each place, whose hash is well inside it: where
// nginx puts a bound, to a few parts of 2^32, depends on how it rounds.
func placeKeys() []uint32 {
	keys := make([]uint32, places)
	for n, left := uint32(1), places; left > 0; n++ {
		at := uint64(murmur(strconv.FormatUint(uint64(n), 10))) * uint64(places)
		place, within := at>>32, uint32(at)>>30
		if (within == 1 || within == 2) && keys[place] == 0 {
			keys[place] = n
			left--
		}
	}
	return keys
}

// answer is what a worker says of a key.
type answer struct {
	stamp  split.Stamp
	worker string
	arm    string
}

// mostAnswer bounds an answer, in bytes.
const mostAnswer = 4096

// parseAnswer reads epoch, owner, worker and upstream.
func parseAnswer(text string) (answer, bool) {
	parts := strings.Split(text, " ")
	if len(parts) != 4 {
		return answer{}, false
	}
	epoch, err := strconv.ParseUint(parts[0], 10, 64)
	owner, bad := url.QueryUnescape(parts[1])
	if err != nil || bad != nil {
		return answer{}, false
	}
	return answer{split.Stamp{Epoch: epoch, Owner: owner}, parts[2], parts[3]}, true
}

// asker asks one worker, over one connection.
type asker struct {
	status string
	http   *http.Client
}

func newAsker(status string) asker {
	return asker{status, &http.Client{
		Transport:     &http.Transport{MaxConnsPerHost: 1, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (a asker) close() { a.http.CloseIdleConnections() }

func (a asker) ask(ctx context.Context, key uint32) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.status+"/?key="+strconv.FormatUint(uint64(key), 10), nil)
	if err != nil {
		return answer{}, fmt.Errorf("nginx: status %s: %v: %w", a.status, err, release.ErrInvalid)
	}
	got, err := a.http.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("nginx: %w; is it running, and does its configuration include Linnet's file: %w", err, release.ErrUnavailable)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, mostAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("nginx: status %s: the answer broke off: %w: %w", a.status, err, release.ErrUnavailable)
	}
	said, ok := parseAnswer(string(text))
	if got.StatusCode != http.StatusOK || !ok {
		return answer{}, fmt.Errorf("nginx: status %s answers %d, which is not from Linnet's file; does something else listen there: %w", a.status, got.StatusCode, release.ErrInvalid)
	}
	return said, nil
}
