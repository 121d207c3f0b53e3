package app_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/app"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/sim/stage"
)

// screens is where the pictures of the pages lie, most what they may take together.
const (
	screens     = "../docs/screens"
	mostScreens = 3 << 20
)

// The pictures of the pages: of the same releases, at the same moment. With -update
// they are made anew, which takes a minute; otherwise those that the README shows
// must be there.
func TestScreens(t *testing.T) {
	t.Parallel()
	if *update {
		takeScreens(t)
	}
	all, err := filepath.Glob(screens + "/*.png")
	if err != nil || len(all) == 0 {
		t.Fatalf("no pictures in %s (%v); `go test ./app -run Screens -update` makes them", screens, err)
	}
	var size int64
	for _, file := range all {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > mostScreens {
		t.Errorf("the pictures take %d bytes, more than %d", size, mostScreens)
	}
	for _, file := range []string{"../README.md", "../docs/pages.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "screens/") {
			name, _, found := strings.Cut(part, ".png")
			if _, err := os.Stat(filepath.Join(screens, name+".png")); found && len(name) < 40 && err != nil {
				t.Errorf("%s shows %s.png, which is not there", file, name)
			}
		}
	}
}

func takeScreens(t *testing.T) {
	chromium := browser(t)
	moment := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	data, to := t.TempDir(), t.TempDir()
	playInto(t, data, stage.Releases(moment))
	remark(t, data, moment)
	said := new(transcript)
	end, err := app.ShowFolder(t.Context(), data, said)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	_, url, _ := strings.Cut(strings.TrimSpace(said.String()), "look at it on ")
	p := play(t, chromium, "screens", map[string]string{"URL": url, "SCREENS": to, "MOMENT": moment.Format(time.RFC3339)})
	ended(t, p)
	taken, err := filepath.Glob(to + "/*.png")
	if err != nil || os.MkdirAll(screens, 0o755) != nil {
		t.Fatal(err)
	}
	for _, file := range taken {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(screens, filepath.Base(file)), fewColours(t, text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// remark puts what others say beside the releases: marks, and lines of the audit.
func remark(t *testing.T, data string, moment time.Time) {
	t.Helper()
	db, err := database.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	marks, err := annotation.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []annotation.Mark{
		{Kind: annotation.Config, Title: "cache doubled", Service: "checkout", At: moment.Add(-3*time.Hour - 9*time.Minute), By: "ben@example.com"},
		{Kind: annotation.Deploy, Title: "prices 8.2", Service: "checkout", At: moment.Add(-3*time.Hour - 5*time.Minute - 30*time.Second), By: "service:ci"},
	} {
		if _, err := marks.Put(t.Context(), m, moment); err != nil {
			t.Fatal(err)
		}
	}
	log, err := audit.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	person := func(name string) access.Actor {
		return access.Actor{Name: name, Kind: access.Person, From: "192.0.2.17"}
	}
	for _, e := range []control.Entry{
		{At: moment.Add(-30 * time.Hour), Who: access.Actor{Name: "service:ci", Kind: access.Service, From: "192.0.2.8"}, What: "release.create", Object: "profile-1.4.0/1"},
		{At: moment.Add(-29*time.Hour - 46*time.Minute), Who: person("eve@example.com"), What: "release.abort", Object: "profile-1.4.0/1", Reason: "wrong image: built from a branch", Before: "observing, 5 %"},
		{At: moment.Add(-3*time.Hour - 12*time.Minute), Who: person("anna@example.com"), What: "release.create", Object: "checkout-2.14.0/1"},
		{At: moment.Add(-31 * time.Minute), Who: person("carla@example.com"), What: "release.create", Object: "payments-5.0.0/1"},
		{At: moment.Add(-12 * time.Minute), Who: person("gil@example.com"), What: "release.approve", Object: "payments-5.0.0/1", Reason: "looks well", Denied: "gil@example.com may not approve here: it needs the role approver of service payments, team money"},
		{At: moment.Add(-8 * time.Minute), Who: person("fay@example.com"), What: "release.pause", Object: "recommend-0.9.3/1", Reason: "the feature store is being moved", Before: "observing, 5 %", After: "paused"},
	} {
		if err := log.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// fewColours is a picture with at most 256 colours, those that are most of it:
// pages have few, and what lies between them is the edge of a letter.
func fewColours(t *testing.T, text []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA {
		r, g, b, _ := from.At(x, y).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
	}
	size := from.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for apart := 16; len(palette) < min(len(most), 256); apart /= 2 { // first those that are far apart: a small mark keeps its colour
		for _, c := range most {
			if len(palette) < 256 && !slices.ContainsFunc(palette, func(p color.Color) bool { return near(p.(color.RGBA), c, apart) }) {
				palette = append(palette, c)
			}
		}
	}
	index := map[color.RGBA]uint8{}
	for c := range count {
		index[c] = uint8(palette.Index(c))
	}
	to := image.NewPaletted(size, palette)
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			to.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// near says whether two colours differ by at most so much in red, green and blue.
func near(a, b color.RGBA, by int) bool {
	differs := func(x, y uint8) bool { return max(x, y)-min(x, y) > uint8(by) }
	return !differs(a.R, b.R) && !differs(a.G, b.G) && !differs(a.B, b.B)
}
