package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

const formType = "application/x-www-form-urlencoded"

// ask sends a query and reads the result, of no more than limit series. Its
// error names the URL and wraps a meaning.
func (s *Source) ask(ctx context.Context, endpoint string, form url.Values, limit int) (answer, error) {
	form.Set("timeout", strconv.FormatFloat(s.web.Timeout().Seconds(), 'f', 3, 64))
	var got answer
	clock, err := s.web.Ask(ctx, web.Question{
		Method: http.MethodPost, Path: "/api/v1/" + endpoint, Body: []byte(form.Encode()),
		Headers: map[string]string{"Content-Type": formType}, About: form.Get("query"),
		Explain: explain,
		Read: func(body io.Reader) (err error) {
			switch got, err = decode(body, limit); {
			case errors.Is(err, errTooMany):
				return fmt.Errorf("%s matches more than %d series; narrow the selector: %w", form.Get("query"), limit, release.ErrInvalid)
			case err == nil && got.status != "success":
				return trouble(got.errorType, got.message)
			}
			return err
		},
	})
	if err != nil {
		return answer{}, err
	}
	got.clock = clock
	return got, nil
}

// explain takes the body of a refusal apart.
func explain(body []byte) web.Trouble {
	var said struct{ Error, ErrorType string }
	if json.Unmarshal(body, &said) != nil {
		return web.Trouble{}
	}
	return trouble(said.ErrorType, strings.TrimSpace(said.Error))
}

func trouble(kind, message string) web.Trouble {
	t := web.Trouble{Kind: kind, Message: message}
	switch kind {
	case "timeout":
		t.Down, t.Vain = true, true
	case "unavailable", "internal":
		t.Down = true
	}
	return t
}
