package oidc

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	clientID = "linnet"
	secret   = "the client's secret"
	password = "anna's password"
)

// provider is zitadel's provider, with one person.
type provider struct {
	*storage.Storage
	url string

	mu     sync.Mutex
	groups []string
}

// people is the one person; a device is logged in by their name, which is their
// id here, too.
type people struct{ anna storage.User }

func (p people) GetUserByID(id string) *storage.User {
	if id == p.anna.ID {
		return &p.anna
	}
	return nil
}
func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }
func (people) ExampleClientID() string                       { return "none" }

// client is Linnet there: with a browser, and with devices.
type client struct {
	op.Client
	after string
}

func (client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeDeviceCode}
}
func (c client) PostLogoutRedirectURIs() []string { return []string{c.after} }

func (p *provider) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := p.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	uris := c.RedirectURIs()
	return client{c, strings.TrimSuffix(uris[0], "v1/login/callback")}, nil
}

func (p *provider) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info.AppendClaims("groups", p.groups)
	return p.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
}

func (p *provider) in(groups ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups = groups
}

// newProvider starts one that knows Linnet at an address.
func newProvider(t *testing.T, linnet string) *provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	p := &provider{url: "http://" + server.Listener.Addr().String(), groups: []string{"admins", "payments"}}
	known := people{storage.User{ID: "anna", Username: "anna", Password: password, Email: "Anna@example.com", EmailVerified: true}}
	p.Storage = storage.NewStorageWithClients(known, map[string]*storage.Client{
		clientID: storage.WebClient(clientID, secret, linnet+"/v1/login/callback"),
	})
	server.Config.Handler = exampleop.SetupServer(p.url, p, slog.New(slog.NewTextHandler(io.Discard, nil)), true)
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// answersAt has a browser that was sent to the login page answer there.
func (p *provider) answersAt(t *testing.T, c *http.Client, page *http.Response) *http.Response {
	t.Helper()
	id := page.Request.URL.Query().Get("authRequestID")
	if !strings.HasPrefix(page.Request.URL.String(), p.url) || id == "" {
		t.Fatalf("the browser is at %s", page.Request.URL)
	}
	resp, err := c.PostForm(p.url+"/login/username", map[string][]string{"username": {"anna"}, "password": {password}, "id": {id}})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
