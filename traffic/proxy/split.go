package proxy

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/linnet-project/linnet/exposure"
)

// cookieAge is how long a browser keeps the sticky cookie: longer than
// releases take, so that closing the browser does not change a user's arm.
const cookieAge = 30 * 24 * time.Hour

// choice is where a request goes.
type choice struct {
	arm *upstream
	// from is the arm that the weights chose, where it is not arm because it
	// is unhealthy; else nil.
	from   *upstream
	tester bool
	// newKey is the value of a sticky cookie to be set; "" for none.
	newKey string
}

// choose decides where a request goes. The error is for the client: it named
// an arm that does not exist.
func (s *Server) choose(r *http.Request, now time.Time) (choice, error) {
	if s.cfg.TesterHeader != "" {
		if name := r.Header.Get(s.cfg.TesterHeader); name != "" {
			arm := s.byName[name]
			if arm == nil {
				return choice{}, fmt.Errorf("%s: no arm %.100q, known are %s", s.cfg.TesterHeader, name, s.armNames())
			}
			return choice{arm: arm, tester: true}, nil
		}
	}
	present := s.standing.Load()
	weights := present.weights(now)
	key, newKey := s.key(r)
	bucket := exposure.Spread(s.cfg.Draw())
	if key != "" {
		bucket = exposure.Bucket(present.route.Salt, key)
	}
	c := choice{arm: s.byName[exposure.At(bucket, weights)], newKey: newKey}
	// An unhealthy arm's users go to the first arm, whose own trouble never
	// sends users the other way: that would be more exposure without evidence.
	if first := s.arms[0]; !c.arm.healthy.Load() && first.healthy.Load() {
		c.arm, c.from = first, c.arm
	}
	return c, nil
}

// key is what tells the user of a request apart, and whether it is new and
// has to be set as a cookie; "" where requests are drawn on their own.
func (s *Server) key(r *http.Request) (key, newKey string) {
	if s.cfg.StickyHeader != "" {
		if key = r.Header.Get(s.cfg.StickyHeader); key != "" {
			return key, ""
		}
	}
	if s.cfg.StickyCookie == "" {
		return "", ""
	}
	if c, err := r.Cookie(s.cfg.StickyCookie); err == nil && c.Value != "" {
		return c.Value, ""
	}
	key = rand.Text()
	return key, key
}

// cookie is what makes a browser come back with its key.
func (s *Server) cookie(r *http.Request, key string) *http.Cookie {
	return &http.Cookie{
		Name:     s.cfg.StickyCookie,
		Value:    key,
		Path:     "/",
		MaxAge:   int(cookieAge / time.Second),
		HttpOnly: true,
		Secure:   r.TLS != nil,
		SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) armNames() string {
	names := make([]string, len(s.arms))
	for i, arm := range s.arms {
		names[i] = arm.Name
	}
	return strings.Join(names, ", ")
}
