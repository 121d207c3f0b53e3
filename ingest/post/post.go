// Package post is what every receiver over HTTP does alike: it reads a body,
// uncompressed and within bounds, and says how an error is answered.
package post

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// Most is the default bound of a body, uncompressed, in bytes.
const Most = 16 << 20

// ErrTooLarge is the error of a body beyond the bound.
var ErrTooLarge = fmt.Errorf("the body is too large: %w", release.ErrInvalid)

// ErrEncoding is the error of a compression that is not known.
var ErrEncoding = fmt.Errorf("the compression is not known: %w", release.ErrInvalid)

// Read reads a request's body as its Content-Encoding says: none, gzip, zstd or
// snappy (one block). most bounds what it is when uncompressed, in bytes; 0
// stands for Most. The error is release.ErrInvalid for what will be no better
// another time, release.ErrUnavailable where the connection broke.
func Read(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if most == 0 {
		most = Most
	}
	share, _ := r.Context().Value(shareKey{}).(*share)
	body := io.Reader(http.MaxBytesReader(w, r.Body, most))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return all(share.of(body), r.ContentLength, most)
	case "gzip":
		zipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, unreadable(err, most)
		}
		return all(share.of(zipped), 4*r.ContentLength, most)
	case "zstd":
		zipped, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(most)+1))
		if err != nil {
			return nil, unreadable(err, most)
		}
		defer zipped.Close()
		return all(share.of(zipped), 4*r.ContentLength, most)
	case "snappy":
		zipped, err := all(share.of(body), r.ContentLength, most)
		if err != nil {
			return nil, err
		}
		return share.unsnap(zipped, most)
	default:
		return nil, fmt.Errorf("content-encoding %q is none of gzip, zstd and snappy: %w", encoding, ErrEncoding)
	}
}

// atOnce bounds what is made ready for a body that only said how long it is.
const atOnce = 1 << 20

// all reads to the end; about is how much may be expected, where that is known.
func all(r io.Reader, about, most int64) ([]byte, error) {
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(about, 0), most, atOnce)+bytes.MinRead))
	n, err := buffer.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return nil, unreadable(err, most)
	}
	if n > most {
		return nil, tooLarge(most)
	}
	return buffer.Bytes(), nil
}

func (s *share) unsnap(zipped []byte, most int64) ([]byte, error) {
	n, err := s2.DecodedLen(zipped)
	if err != nil {
		return nil, unreadable(err, most)
	}
	if int64(n) > most {
		return nil, tooLarge(most)
	}
	if err := s.take(n); err != nil {
		return nil, err
	}
	body, err := s2.Decode(make([]byte, n), zipped)
	if err != nil {
		return nil, unreadable(err, most)
	}
	return body, nil
}

func tooLarge(most int64) error {
	return fmt.Errorf("more than %d bytes when uncompressed; send less at once: %w", most, ErrTooLarge)
}

// unreadable gives an error of reading its meaning.
func unreadable(err error, most int64) error {
	var large *http.MaxBytesError
	var network net.Error
	var busy item.Busy
	switch {
	case errors.As(err, &busy):
		return busy
	case errors.As(err, &large), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return tooLarge(most)
	case errors.As(err, &network):
		return fmt.Errorf("the body broke off: %w: %w", err, release.ErrUnavailable)
	}
	return fmt.Errorf("the body cannot be read (%w): %w", err, release.ErrInvalid)
}

// ErrType is the error of a type of content that is not taken.
var ErrType = fmt.Errorf("the type is not known: %w", release.ErrInvalid)

// Status is how an error is answered: 429 with the seconds of Retry-After where
// the door is full, 413 and 415 for a body, 400 for what is no good, 503 for
// what may work later.
func Status(err error) (code int, retryAfter string) {
	var busy item.Busy
	switch {
	case errors.As(err, &busy):
		return http.StatusTooManyRequests, strconv.Itoa(Seconds(busy.After))
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge, ""
	case errors.Is(err, ErrEncoding), errors.Is(err, ErrType):
		return http.StatusUnsupportedMediaType, ""
	case errors.Is(err, release.ErrInvalid):
		return http.StatusBadRequest, ""
	}
	return http.StatusServiceUnavailable, "1"
}

// Seconds are the whole seconds of a wait, at least one.
func Seconds(wait time.Duration) int {
	return max(1, int(math.Ceil(wait.Seconds())))
}

// Sender names where a request came from, for people.
func Sender(protocol, address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return protocol + " " + address
}

// Tenant is whose data a request brings: what X-Scope-OrgID says, "" where it is
// not there. An error is release.ErrInvalid.
func Tenant(said string) (string, error) {
	ok := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_-./", c)
	}
	if len(said) > 63 || strings.ContainsFunc(said, func(c rune) bool { return !ok(c) }) {
		return "", fmt.Errorf("%s %.80q is no tenant; send up to 63 letters, digits, _, -, . and /: %w", TenantHeader, said, release.ErrInvalid)
	}
	return said, nil
}

// TenantHeader names the tenant of a request.
const TenantHeader = "X-Scope-OrgID"
