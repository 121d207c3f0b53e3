package vendortest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, address string, user *Influxd) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != nil {
		r.SetBasicAuth(user.Username, user.Password)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInflux(t *testing.T) {
	t.Parallel()
	i := StartInflux(t, 10_000)
	i.Write(t, shop()...)
	q := url.Values{"db": {"shop"}, "epoch": {"s"}, "q": {`SELECT sum("value") FROM "shop" WHERE "status" = '500' GROUP BY time(60s), "version" fill(none)`}}
	if got := get(t, i.URL+"/query?"+q.Encode(), i); !strings.Contains(got, `"tags":{"version":"1.5.0"},"columns":["time","sum"],"values":[[1767366000,4],[1767366060,4]]`) {
		t.Errorf("got %s", got)
	}
	q.Set("q", "DROP MEASUREMENT shop")
	if got := get(t, i.URL+"/query?"+q.Encode(), i); !strings.Contains(got, "error") {
		t.Errorf("who may only read drops a measurement: %s", got)
	}
}

func TestGraphite(t *testing.T) {
	t.Parallel()
	g := StartGraphite(t, 10*time.Second)
	events := shop()
	for i, e := range events {
		events[i].Name = "shop." + strings.ReplaceAll(e.Fields["version"], ".", "_") + "." + e.Fields["region"] + "." + e.Fields["status"]
	}
	g.Write(t, events...)
	q := url.Values{"format": {"json"}, "noNullPoints": {"true"}, "target": {"groupByNode(shop.*.*.500, 1, 'sum')"}, "from": {"1767365999"}, "until": {"1767366120"}}
	if got := get(t, g.URL+"/render?"+q.Encode(), nil); !strings.Contains(got, `"datapoints": [[4.0, 1767366020], [4.0, 1767366080]]`) {
		t.Errorf("got %s", got)
	}
}
