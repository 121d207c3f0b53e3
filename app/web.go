package app

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// reach is how a release file says that a server is reached.
func reach(a spec.Access) web.Config {
	c := web.Config{
		URL: a.URL, BearerTokenFile: a.BearerTokenFile, Username: a.Username, PasswordFile: a.PasswordFile,
		Headers: a.Headers, SecretHeaders: a.SecretHeaders,
		CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile, ServerName: a.ServerName, Insecure: a.Insecure,
		Timeout: a.Timeout, Now: time.Now,
	}
	if o := a.OAuth2; o != nil {
		c.OAuth2 = &web.OAuth2{TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecretFile: o.ClientSecretFile, Scopes: o.Scopes, Params: o.Params}
	}
	return c
}

func openJSON(_ context.Context, s spec.Source) (run.Source, error) {
	return httpjson.New(configOf(s.JSON))
}

// configOf is what a release file says of an API of one's own.
func configOf(j *spec.JSON) httpjson.Config {
	c := httpjson.Config{
		Access: reach(j.Access), Method: j.Method, Path: j.Path, Params: j.Params, Form: j.Form, Body: j.Body,
		Step: j.Step, Most: int(j.Most),
		Mapping: httpjson.Mapping{
			CSV: j.Format == "csv", Time: j.Time, TimeFormat: j.TimeFormat, AtEnd: j.Stamp == "end",
			Arm: j.Arm, Tags: j.Tags, Labels: j.Labels, Value: j.Value, Bound: j.Bound, Cumulative: j.Cumulative,
			Totals: j.Totals, Lookback: j.Lookback, Warnings: j.Warnings, Errors: j.Errors, Busy: j.Busy, Next: httpjson.Next(j.Next),
		},
	}
	for _, l := range j.Rows {
		c.Rows = append(c.Rows, httpjson.Level(l))
	}
	return c
}

func openVendor(_ context.Context, s spec.Source) (run.Source, error) {
	v := s.Vendor
	c, err := httpjson.Vendor(v.Name, httpjson.Use{Settings: v.Settings, Access: reach(v.Access), Step: v.Step})
	if err != nil {
		return nil, err
	}
	return httpjson.New(c)
}
