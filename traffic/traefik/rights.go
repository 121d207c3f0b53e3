package traefik

import "github.com/linnet-project/linnet/traffic/kube"

// ServiceRights are the least that a Service needs in the namespace of its
// TraefikService. One that mirrors changes the baseline's, too.
func ServiceRights(cfg ServiceConfig, mirrors bool) []kube.Rule {
	names := []string{cfg.Name}
	if mirrors {
		if b, err := kube.ParseBackend(cfg.Arms[0].Backend); err == nil {
			names = append(names, b.Name)
		}
	}
	return []kube.Rule{kube.ReadWrite(Services().Group, Services().Resource, names...)}
}
