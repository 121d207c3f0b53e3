//go:build cluster && linux

package shop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/testbed/shop"
)

func TestHAProxyByMap(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	table := write(t, "shop.map", "")
	h := openHAProxy(t, fmt.Sprintf(`
frontend www
	bind ADDRESS
	http-request set-var(txn.bound) str(shop),map(%s),field(8,:),add(0)
	http-request set-var(txn.draw) rand(100000)
	use_backend next if { var(txn.draw),sub(txn.bound) -m int lt 0 }
	default_backend base
backend base
	option httpchk GET /healthz
	server a %s check inter 200ms
backend next
	option httpchk GET /healthz
	server b %s check inter 200ms
`, table, s.Base.Address, s.Next.Address))
	s.RollsBack(t, shop.Place{
		Name: "haproxy-map", URL: h.url,
		Traffic: fmt.Sprintf("haproxy: { socket: %q, map: %q, mapFile: %q, backends: { baseline: base, candidate: next } }", h.socket, table, table),
		Weight: func(ctx context.Context) (release.Weight, error) {
			// An entry is "number key value", and the bound is the value's last field.
			for _, line := range h.ask(ctx, "show map "+table) {
				if fields := strings.Fields(line); len(fields) == 3 && fields[1] == "shop" {
					bound, err := strconv.Atoi(fields[2][strings.LastIndex(fields[2], ":")+1:])
					return release.Weight(bound), err
				}
			}
			return 0, errors.New("the map has no entry")
		},
	})
}

func TestHAProxyByServers(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	h := openHAProxy(t, fmt.Sprintf(`
frontend www
	bind ADDRESS
	default_backend shop
backend shop
	balance roundrobin
	option httpchk GET /healthz
	server base %s check inter 200ms weight 100
	server next %s check inter 200ms weight 0
`, s.Base.Address, s.Next.Address))
	s.RollsBack(t, shop.Place{
		Name: "haproxy-servers", URL: h.url, Unfenced: true,
		Traffic: fmt.Sprintf("haproxy: { socket: %q, backend: shop, servers: { baseline: [base], candidate: [next] } }", h.socket),
		Weight: func(ctx context.Context) (release.Weight, error) {
			weight := map[string]int{}
			for _, line := range h.ask(ctx, "show servers state shop") {
				if fields := strings.Fields(line); len(fields) > 7 && fields[1] == "shop" {
					weight[fields[3]], _ = strconv.Atoi(fields[7])
				}
			}
			all := weight["base"] + weight["next"]
			if all == 0 {
				return 0, errors.New("the backend has no servers")
			}
			return release.Weight(weight["next"] * int(release.Whole) / all), nil
		},
	})
}

// haproxy is a real HAProxy.
type haproxy struct {
	url, socket string
}

// openHAProxy starts one on a configuration, with a free address for ADDRESS.
func openHAProxy(t *testing.T, config string) haproxy {
	t.Helper()
	binary := installed(t, "haproxy")
	address := shop.FreeAddress(t)
	h := haproxy{url: "http://" + address, socket: filepath.Join(t.TempDir(), "s")}
	file := write(t, "haproxy.cfg", fmt.Sprintf(`
global
	stats socket %s level admin
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
`, h.socket)+strings.ReplaceAll(config, "ADDRESS", address))
	p := program.ForTest(t, program.Config{Path: binary, Args: []string{"-db", "-f", file}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Until(ctx, "listens", func(ctx context.Context) bool { return h.ask(ctx, "show info") != nil }); err != nil {
		t.Fatal(err)
	}
	return h
}

// ask gives the lines of an answer of the runtime API; none where it has none.
func (h haproxy) ask(ctx context.Context, command string) (lines []string) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", h.socket)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return nil
	}
	for scanner := bufio.NewScanner(conn); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}
