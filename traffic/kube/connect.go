package kube

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/linnet-project/linnet/release"
)

// Manager is our name among the field managers of an object.
const Manager = "linnet"

// Config says how to reach a cluster.
type Config struct {
	// Kubeconfig is a kubeconfig file. Empty means what kubectl would take:
	// $KUBECONFIG, then ~/.kube/config, then the service account of the pod
	// that we run in.
	Kubeconfig string
	// Context is one of the kubeconfig's; empty means its current one.
	Context string
	// Namespace is where objects are that name none; empty means that of the
	// context or of the pod, and "default" where those have none.
	Namespace string
	// Timeout bounds each call (default 10s); a context may be shorter.
	Timeout time.Duration
	// Silence is how long a watch may be silent before it is opened anew
	// (default 90s). A healthy API server says something every minute.
	Silence time.Duration
	// Quiet is how long what a watch told last is taken for the present; then
	// reading asks the cluster once (default 20s). A connection whose other end is
	// gone is as silent as an object that nobody changes.
	Quiet time.Duration
}

// Client reaches one cluster. It is safe for concurrent use.
type Client struct {
	dynamic   dynamic.Interface
	namespace string
	timeout   time.Duration
	silence   time.Duration
	quiet     time.Duration
}

// Connect reads the configuration; it does not call the cluster yet. The error
// is release.ErrInvalid and names the file or context.
func Connect(cfg Config) (*Client, error) {
	if cfg.Timeout < 0 || cfg.Silence < 0 || cfg.Quiet < 0 {
		return nil, fmt.Errorf("kubernetes: timeout %v, silence %v and quiet %v must not be negative: %w", cfg.Timeout, cfg.Silence, cfg.Quiet, release.ErrInvalid)
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = cfg.Kubeconfig
	rules.WarnIfAllMissing = false
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: cfg.Context})
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) && cfg.Kubeconfig != "" {
		return nil, fmt.Errorf("kubernetes: kubeconfig %s names no cluster; is it empty?: %w", cfg.Kubeconfig, release.ErrInvalid)
	}
	if clientcmd.IsEmptyConfig(err) {
		return nil, fmt.Errorf("kubernetes: there is no kubeconfig at $KUBECONFIG or ~/.kube/config, and this is no pod with a service account: %w", release.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %s: %s: %w", cfg.origin(), bounded(err.Error()), release.ErrInvalid)
	}
	namespace := cfg.Namespace
	if namespace == "" {
		if namespace, _, err = loader.Namespace(); err != nil {
			return nil, fmt.Errorf("kubernetes: namespace of %s: %s: %w", cfg.origin(), bounded(err.Error()), release.ErrInvalid)
		}
	}
	return newClient(config, cfg, namespace)
}

func newClient(config *rest.Config, cfg Config, namespace string) (*Client, error) {
	config = rest.CopyConfig(config)
	config.UserAgent = Manager
	config.QPS, config.Burst = 50, 100
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %s: %s: %w", cfg.origin(), bounded(err.Error()), release.ErrInvalid)
	}
	c := &Client{dynamic: client, namespace: namespace, timeout: cfg.Timeout, silence: cfg.Silence, quiet: cfg.Quiet}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	if c.silence == 0 {
		c.silence = 90 * time.Second
	}
	if c.quiet == 0 {
		c.quiet = 20 * time.Second
	}
	return c, nil
}

// origin names where the configuration comes from.
func (cfg Config) origin() string {
	text := "kubeconfig"
	if cfg.Kubeconfig != "" {
		text += " " + cfg.Kubeconfig
	}
	if cfg.Context != "" {
		text += ", context " + cfg.Context
	}
	return text
}

// Namespace is where objects are that name none.
func (c *Client) Namespace() string { return c.namespace }

// Object is a handle on one object; an empty namespace means the client's. It
// does not call the cluster.
func (c *Client) Object(resource schema.GroupVersionResource, namespace, name string) *Object {
	if namespace == "" {
		namespace = c.namespace
	}
	return &Object{client: c, resource: resource, namespace: namespace, name: name}
}
