package testprogram_test

import (
	"net/http"
	"testing"

	"github.com/linnet-project/linnet/testprogram"
)

func TestAPrometheusIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	p := testprogram.NewPrometheus(t, "global: {}\n")
	for range 2 {
		p.Start(t)
		p.Kill()
		if answer, err := http.Get(p.URL + "/-/ready"); err == nil {
			t.Errorf("it was killed and answers %s", answer.Status)
		}
	}
}
