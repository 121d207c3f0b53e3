package spec

import "strconv"

// targetRules refuses arms that are the same thing: a weight would split nothing.
func targetRules(c *checker, f *File) {
	targetRule(c, f.Traffic, "spec.traffic")
	for i, part := range f.Traffic.Several {
		targetRule(c, part, "spec.traffic.several["+strconv.Itoa(i)+"]")
	}
}

func targetRule(c *checker, t Traffic, path string) {
	differ := func(key, baseline, candidate string) {
		if at := path + key; candidate != "" && baseline == candidate && c.fine(at) {
			c.fail(at, "is the baseline's too", "give each arm its own")
		}
	}
	switch {
	case t.Istio != nil && t.Istio.Baseline.Subset == t.Istio.Candidate.Subset:
		differ(".istio.candidate", t.Istio.Baseline.Host, t.Istio.Candidate.Host)
	case t.GatewayAPI != nil:
		differ(".gatewayAPI.candidate", t.GatewayAPI.Baseline, t.GatewayAPI.Candidate)
	case t.Traefik != nil && t.Traefik.Service != nil:
		differ(".traefik.traefikService.candidate", t.Traefik.Service.Baseline, t.Traefik.Service.Candidate)
	case t.Traefik != nil && t.Traefik.File != nil:
		differ(".traefik.file.candidate", t.Traefik.File.Baseline, t.Traefik.File.Candidate)
	case t.Kubernetes != nil:
		differ(".kubernetes.candidate", t.Kubernetes.Baseline, t.Kubernetes.Candidate)
	case t.ALB != nil:
		differ(".alb.groups.candidate", t.ALB.Groups["baseline"], t.ALB.Groups["candidate"])
	case t.IngressNginx != nil:
		canaryRules(c, t.IngressNginx.Ingresses, path+".ingressNginx.ingresses")
	}
}

// canaryRules refuses a canary that stands twice, or is a main Ingress too.
func canaryRules(c *checker, pairs []CanaryIngress, path string) {
	taken := map[string]bool{}
	for _, p := range pairs {
		taken[p.Main] = true
	}
	for i, p := range pairs {
		at := path + "[" + strconv.Itoa(i) + "].canary"
		if p.Canary != "" && taken[p.Canary] && c.fine(at) {
			c.fail(at, clip(p.Canary)+" is there twice", "give each Ingress a canary of its own")
		}
		taken[p.Canary] = true
	}
}
