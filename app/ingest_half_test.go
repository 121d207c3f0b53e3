package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/post"
)

// A sender that closes its own side after the request waits for the answer, and
// gets it, though net/http takes it for gone.
func TestASenderThatClosesItsSideIsAnswered(t *testing.T) {
	var gone <-chan struct{}
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := post.Read(w, r, 0)
		if err != nil || string(body) != "whole" {
			t.Errorf("%q, %v", body, err)
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("the server does not see the end of what is sent")
		}
		if err := r.Context().Err(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("it may take for ever")
		}
	})
	door := crowded(http.StatusTooManyRequests, post.NewRoom(1<<20), inner)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gone = r.Context().Done()
		door.ServeHTTP(w, r)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.Copy(conn, strings.NewReader("POST / HTTP/1.1\r\nHost: door\r\nContent-Length: 5\r\n\r\nwhole")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("answered with %s", answer.Status)
	}
}
