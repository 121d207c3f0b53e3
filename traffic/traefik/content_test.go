package traefik

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/traffic/split"
)

// Whatever is read is written so that it reads the same, and never as a
// template.
func FuzzContent(f *testing.F) {
	f.Add("", "")
	f.Add("http: { services: { shop: { weighted: { services: [ { name: a, weight: 3 }, { name: b } ] } } } }", "x")
	f.Add(content{stamp: split.Stamp{Owner: "o{{", Epoch: 3}, names: []string{"a", "b"}, weights: []int64{90, 10}, cookie: "c", keep: time.Minute, mirror: 5}.text("shop"), "{{ .x }}\n#")
	f.Fuzz(func(t *testing.T, text, owner string) {
		c, err := parse(text, "shop", []string{"a", "b"})
		if err != nil {
			return
		}
		c.stamp = split.Stamp{Owner: owner, Epoch: 9}
		written := c.text("shop")
		if strings.Contains(written, "{{") {
			t.Fatalf("a template:\n%s", written)
		}
		back, err := parse(written, "shop", c.names)
		if c.mirror <= 0 {
			c.mirror = back.mirror
		}
		if long := len(owner) > 200; err != nil || !slices.Equal(back.weights, c.weights) || back.mirror != c.mirror || !long && back.stamp != c.stamp {
			t.Fatalf("%+v is written as\n%s\nand read as %+v, %v", c, written, back, err)
		}
	})
}
