package awscall_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/awscall"
)

// Whoever repeats a request may write its credentials in other ways than we do.
func TestCleanHidesCredentialsHoweverTheyAreWritten(t *testing.T) {
	const key, secret = "key-of-linnet", "wJalrXUt/FEMI+K7MDENG=bPx"
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	config, keys, err := awscall.Load(t.Context(), awscall.Account{Region: "eu-central-1", MaxAnswer: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Credentials.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	api := &awscall.API{Keys: keys}
	for _, written := range []string{key, secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
		if got := api.Clean("you sent <" + written + ">, which is wrong"); got != "you sent <***>, which is wrong" {
			t.Errorf("%s is told as %q", written, got)
		}
	}
	const id = "AKIAIOSFODNN7ANOTHER" // of somebody else
	if got := api.Clean(id + strings.Repeat(" more", 200)); strings.Contains(got, id) || len(got) > 510 {
		t.Errorf("told as %q", got)
	}
}
