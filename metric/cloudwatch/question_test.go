package cloudwatch

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func TestQuestions(t *testing.T) {
	for text, want := range map[string]string{
		`AWS/ApplicationELB RequestCount Sum`:                                     "",
		`AWS/ApplicationELB RequestCount {} Sum`:                                  `AWS/ApplicationELB RequestCount Sum`,
		` "My Shop"  "Slow requests"{ Version = 1.5.0 ,Path="/a \"b\""}   p99.9 `: `"My Shop" "Slow requests" {Version="1.5.0", Path="/a \"b\""} p99.9`,
		"A B {C=d} Sum\n + A B {C=e} SampleCount":                                 `A B {C="d"} Sum + A B {C="e"} SampleCount`,
		`A B Buckets(0.1,0.3 , 1)`:                                                `A B Buckets(0.1, 0.3, 1)`,
		`A B TC(:0.3)+A B TC(0.3:1)`:                                              `A B TC(:0.3) + A B TC(0.3:1)`,
		`A B TM(2%:98%)`:                                                          "",
	} {
		terms, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if want == "" {
			want = text
		}
		if got := write(terms); got != want {
			t.Errorf("%s is read as %s, expected %s", text, got, want)
		}
	}
	for text, says := range map[string]string{
		``:                        "namespace",
		`:A B Sum`:                "begin with :",
		`A Sum`:                   "statistic",
		`A B`:                     "statistic",
		`A B {C} Sum`:             "must have one value",
		`A B {C=d Sum`:            "want , or }",
		`A B {C="d} Sum`:          "closing quote",
		`A B {C=""} Sum`:          "value",
		`A B {C=d, C=e} Sum`:      "twice",
		`A B Total`:               "statistic",
		`A B p101`:                "statistic",
		`A B Sum A B Sum`:         "only +",
		`A B Sum +`:               "namespace",
		`A B Buckets()`:           "no bounds",
		`A B Buckets(1, 1)`:       "rising",
		`A B Buckets(1 2)`:        "want ,",
		`A B Buckets(-1)`:         "rising",
		strings.Repeat("A", 5000): "longer",
		strings.Repeat("A B Sum + ", 10) + "A B Sum": "adds 11",
	} {
		if _, err := parse(text); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, expected something of %q", text, err, says)
		}
	}
}

func write(terms []term) string {
	var words []string
	for _, t := range terms {
		words = append(words, t.String())
	}
	return strings.Join(words, " + ")
}

// FuzzQuestion: nothing panics, and what is read is written so that it is read
// the same.
func FuzzQuestion(f *testing.F) {
	f.Add(`AWS/ApplicationELB HTTPCode_Target_5XX_Count {TargetGroup="targetgroup/blue/1", LoadBalancer="app/shop/2"} Sum`)
	f.Add(`"My Shop" Took {Version=1.5.0} Buckets(0.1, 0.25, 1)`)
	f.Add(`A B Sum + A C {D="\x00\u00e9"} TC(0.1:0.3)`)
	f.Add(`A B {C=d,`)
	f.Fuzz(func(t *testing.T, text string) {
		terms, err := parse(text)
		if err != nil {
			if !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%v has no meaning", err)
			}
			return
		}
		again, err := parse(write(terms))
		if len(write(terms)) <= maxText && (err != nil || !reflect.DeepEqual(again, terms)) {
			t.Errorf("%q is read as %q, and again as %+v, %v", text, write(terms), again, err)
		}
	})
}

func TestCheck(t *testing.T) {
	arms := []release.Arm{
		{Name: release.Baseline, Version: "1", Labels: map[string]string{"version": "1", "zone": "a"}},
		{Name: release.Candidate, Version: "2", Labels: map[string]string{"version": "2", "zone": "a"}},
	}
	const one = `Shop Took {Version={{version}}} `
	insights := func(query string) release.Metric {
		return release.Metric{Kind: release.Ratio, Query: query, Events: "bad", Of: "all"}
	}
	for name, c := range map[string]struct {
		m    release.Metric
		says string // "" where it is fine
	}{
		"ratio":             {release.Metric{Kind: release.Ratio, Events: one + "TC(1:)", Of: one + "SampleCount"}, ""},
		"count":             {release.Metric{Kind: release.Count, Events: one + "Sum"}, ""},
		"histogram":         {release.Metric{Kind: release.Histogram, Events: one + "Buckets(1)"}, ""},
		"gauge":             {release.Metric{Kind: release.Gauge, Events: one + "Average"}, ""},
		"average":           {release.Metric{Kind: release.Gauge, Averages: true, Events: one + "p99"}, ""},
		"segments":          {release.Metric{Kind: release.Count, By: []string{"Zone"}, Events: one + "Sum"}, ""},
		"the same":          {release.Metric{Kind: release.Count, Events: "Shop Took {Zone={{zone}}} Sum"}, "same for every arm"},
		"no arm":            {release.Metric{Kind: release.Ratio, Events: one + "Sum", Of: "Shop Took Sum"}, "same for every arm"},
		"unknown value":     {release.Metric{Kind: release.Count, Events: "Shop Took {Zone={{group}}} Sum"}, "{{group}}"},
		"average of ratio":  {release.Metric{Kind: release.Ratio, Events: one + "Average", Of: one + "Sum"}, "ask for an average"},
		"percent of count":  {release.Metric{Kind: release.Count, Events: one + "TC(1%:2%)"}, "no number of events"},
		"stat of histogram": {release.Metric{Kind: release.Histogram, Events: one + "Sum"}, "Buckets"},
		"buckets of count":  {release.Metric{Kind: release.Count, Events: one + "Buckets(1)"}, "belongs to a histogram"},
		"p99 as gauge":      {release.Metric{Kind: release.Gauge, Events: one + "p99"}, "write average"},
		"levels added":      {release.Metric{Kind: release.Gauge, Events: one + "Maximum + " + one + "Maximum"}, "not added"},
		"by twice":          {release.Metric{Kind: release.Count, By: []string{"Version"}, Events: one + "Sum"}, "gives a value"},
		"by and a quote":    {release.Metric{Kind: release.Count, By: []string{"Zone"}, Events: `Shop Took {Version={{version}}, A="it's"} Sum`}, "quotes"},
		"query":             {insights("stats count(*) as all, sum(status >= 500) as bad by bin(1m), version"), ""},
		"query each":        {insights("filter v = '{{version}}' | stats count(*) as all by bin( 30 seconds )"), ""},
		"query without bin": {insights("stats count(*) as all by version"), "bin("},
		"query of a day":    {insights("stats count(*) as all by bin(24h)"), "an hour"},
		"query the same":    {insights("filter z = '{{zone}}' | stats count(*) as all by bin(1m)"), "the same of two arms"},
		"query half open":   {insights("filter z = '{{zone' | stats count(*) as all by bin(1m)"), "}}"},
		"no column":         {release.Metric{Kind: release.Ratio, Query: "stats count(*) as all by bin(1m)", Events: "sum(status)>1", Of: "all"}, "name of a column"},
	} {
		c.m.Name = "it"
		err := Check(c.m, arms)
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, expected something of %q", name, err, c.says)
		}
	}
}
