package apiserver

import (
	"errors"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// etcdPrefix is where the API server keeps everything.
const etcdPrefix = "/linnet"

// startEtcd starts an etcd in this process on free loopback ports.
func startEtcd(folder string) (*embed.Etcd, string, error) {
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg := embed.NewConfig()
	cfg.Dir = folder
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{free}, []url.URL{free}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{free}, []url.URL{free}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.UnsafeNoFsync = true // nothing here outlives the process
	// One member elects itself after one election timeout; the default is a second.
	cfg.TickMs, cfg.ElectionMs = 10, 50
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		etcd.Close()
		return nil, "", err
	case <-time.After(patience):
		etcd.Close()
		return nil, "", errors.New("etcd is not ready in time")
	}
	return etcd, "http://" + etcd.Clients[0].Addr().String(), nil
}
