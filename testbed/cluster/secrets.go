//go:build linux

package cluster

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The files of secrets, in the cluster's folder.
const (
	certFile    = "server.crt" // with the authority that signed it
	keyFile     = "server.key"
	accountFile = "accounts.key"
	tokensFile  = "tokens.csv"
)

// secrets makes the server's certificate, the key of the service accounts'
// tokens, and an administrator with a token and a kubeconfig.
func (c *Cluster) secrets() error {
	crt, key, err := cert.GenerateSelfSignedCertKey(c.address, []net.IP{net.ParseIP("127.0.0.1")}, []string{"localhost"})
	if err != nil {
		return err
	}
	accounts, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return err
	}
	token := rand.Text()
	for name, content := range map[string][]byte{
		certFile: crt, keyFile: key, accountFile: accounts,
		tokensFile: fmt.Appendf(nil, "%s,admin,admin,system:masters\n", token),
	} {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return c.writeKubeconfig(c.Kubeconfig(), token, "default")
}

// writeKubeconfig writes a file whose only context reaches the cluster with a
// token.
func (c *Cluster) writeKubeconfig(path, token, namespace string) error {
	authority, err := os.ReadFile(c.file(certFile))
	if err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["bed"] = &api.Cluster{Server: c.server, CertificateAuthorityData: authority}
	config.AuthInfos["bed"] = &api.AuthInfo{Token: token}
	config.Contexts["bed"] = &api.Context{Cluster: "bed", AuthInfo: "bed", Namespace: namespace}
	config.CurrentContext = "bed"
	return clientcmd.WriteToFile(*config, path)
}
