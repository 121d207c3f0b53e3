//go:build linux

package cluster

import (
	_ "embed" // kwok's stages
	"fmt"
	"net"
	"os"
	"path/filepath"
)

//go:embed stages.yaml
var stages []byte

// plan picks free ports.
func (c *Cluster) plan() error {
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(c.address, "0"))
		if err != nil {
			return err
		}
		defer l.Close() // all are held until all are found
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	c.etcd = fmt.Sprintf("http://%s:%d", c.address, ports[0])
	c.server = fmt.Sprintf("https://%s:%d", c.address, ports[1])
	return os.WriteFile(c.file("stages.yaml"), stages, 0o600)
}

func (c *Cluster) file(name string) string { return filepath.Join(c.folder, name) }

func (c *Cluster) etcdArgs() []string {
	return []string{
		"--data-dir", c.file("etcd"), "--unsafe-no-fsync", // nothing here outlives the test
		"--listen-client-urls", c.etcd, "--advertise-client-urls", c.etcd,
		"--listen-peer-urls", "http://127.0.0.1:0",
		// One member elects itself after one timeout; the default is a second.
		"--heartbeat-interval", "10", "--election-timeout", "100",
	}
}

func (c *Cluster) serverArgs() []string {
	_, port, _ := net.SplitHostPort(c.server[len("https://"):])
	return []string{
		"--etcd-servers", c.etcd,
		"--bind-address", c.address, "--advertise-address", c.address, "--secure-port", port,
		"--endpoint-reconciler-type", "none", // a 127.x address cannot be an endpoint
		"--cert-dir", c.folder, "--tls-cert-file", c.file(certFile), "--tls-private-key-file", c.file(keyFile),
		"--token-auth-file", c.file(tokensFile), "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-cluster-ip-range", "10.98.0.0/16",
		"--service-account-key-file", c.file(accountFile), "--service-account-signing-key-file", c.file(accountFile),
		// A pod would have to wait for its namespace's account.
		"--disable-admission-plugins", "ServiceAccount",
	}
}

// quick are the options of a client that may ask as fast as it can, alone and
// without a port of its own.
func (c *Cluster) quick() []string {
	return []string{
		"--kubeconfig", c.Kubeconfig(), "--leader-elect=false", "--secure-port", "0",
		"--kube-api-qps", "1000", "--kube-api-burst", "1000",
	}
}

func (c *Cluster) schedulerArgs() []string { return c.quick() }

func (c *Cluster) managerArgs() []string {
	return append(c.quick(),
		"--service-account-private-key-file", c.file(accountFile), "--root-ca-file", c.file(certFile),
		"--horizontal-pod-autoscaler-sync-period", "1s")
}

func (c *Cluster) kwokArgs() []string {
	return []string{
		"--kubeconfig", c.Kubeconfig(), "--manage-all-nodes=true", "--config", c.file("stages.yaml"),
		"--cidr", podNetwork, "--node-ip", c.address, "--node-port", "0",
	}
}
