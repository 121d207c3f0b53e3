package app

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/ingressnginx"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/kubernetes"
	"github.com/linnet-project/linnet/traffic/traefik"
)

// rights is the table of the rights that providers on Kubernetes need, by the
// name of each: rules by namespace, "" being the one that the file names or the
// cluster's own default.
var rights = map[string]func(spec.Traffic) (spec.Cluster, map[string][]kube.Rule){
	"istio": func(t spec.Traffic) (spec.Cluster, map[string][]kube.Rule) {
		c := t.Istio
		return c.Cluster, istio.Rights(c.Namespace, c.VirtualService, istioArms(t))
	},
	"gatewayAPI": func(t spec.Traffic) (spec.Cluster, map[string][]kube.Rule) {
		return t.GatewayAPI.Cluster, map[string][]kube.Rule{"": gatewayapi.Rights(gatewayConfig(t), t.GatewayAPI.Mirror > 0)}
	},
	"traefik": func(t spec.Traffic) (spec.Cluster, map[string][]kube.Rule) {
		if t.Traefik.Service == nil {
			return spec.Cluster{}, nil // a file
		}
		return t.Traefik.Service.Cluster, map[string][]kube.Rule{"": traefik.ServiceRights(traefikConfig(t), t.Traefik.Mirror > 0)}
	},
	"ingressNginx": func(t spec.Traffic) (spec.Cluster, map[string][]kube.Rule) {
		var pairs []ingressnginx.Pair
		for _, i := range t.IngressNginx.Ingresses {
			pairs = append(pairs, ingressnginx.Pair{Main: i.Main, Canary: i.Canary})
		}
		return t.IngressNginx.Cluster, map[string][]kube.Rule{"": ingressnginx.Rights(pairs)}
	},
	"kubernetes": func(t spec.Traffic) (spec.Cluster, map[string][]kube.Rule) {
		return t.Kubernetes.Cluster, map[string][]kube.Rule{"": kubernetes.Rights(t.Kubernetes.Baseline, t.Kubernetes.Candidate)}
	},
}

// imports are what other systems are given, made from a release file.
func (p *process) imports() *cobra.Command {
	var file, account string
	rbac := &cobra.Command{
		Use:   "rbac -f release.yaml",
		Short: "Print the least rights on Kubernetes that a release needs, to be applied with kubectl",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return p.printRights(file, account) },
	}
	f := rbac.Flags()
	f.StringVarP(&file, "file", "f", "", "release file")
	f.StringVar(&account, "account", "linnet", "the service account that gets them")
	must(rbac.MarkFlagRequired("file"))
	cmd := &cobra.Command{Use: "import", Short: "What other systems need to know of a release"}
	cmd.AddCommand(rbac)
	return cmd
}

// role is what an account may do in one namespace of one cluster.
type role struct {
	cluster   spec.Cluster // without its namespace
	namespace string
	// home is where the account is: the namespace of the first router there.
	home  string
	parts []string // the names of those of several routers that need it
	rules []kube.Rule
}

// printRights prints a Role and a RoleBinding for each namespace, one for all the
// routers that need it. What is in several clusters is told apart by a comment.
func (p *process) printRights(file, account string) error {
	_, f, err := p.readPlan(file)
	if err != nil {
		return err
	}
	roles, err := rolesOf(f.Traffic)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i, r := range roles {
		if i > 0 {
			fmt.Fprintln(p.out, "---")
		}
		if len(r.parts) > 0 {
			fmt.Fprintf(p.out, "# for %s\n", strings.Join(r.parts, ", "))
		}
		fmt.Fprint(p.out, kube.RoleYAML(r.namespace, r.home, account, r.rules))
	}
	return nil
}

// rolesOf are the roles that the routers of a file need.
func rolesOf(traffic spec.Traffic) (roles []role, err error) {
	for _, t := range traffic.Parts() {
		of, ok := rights[t.Provider()]
		if !ok {
			continue
		}
		cluster, rules := of(t)
		own := cluster.Namespace
		cluster.Namespace = ""
		home := own
		if i := slices.IndexFunc(roles, func(r role) bool { return r.cluster == cluster }); i >= 0 {
			home = roles[i].home
		}
		for _, key := range slices.Sorted(maps.Keys(rules)) {
			namespace := cmp.Or(key, own)
			if namespace == "" {
				return nil, fmt.Errorf("traffic.%s names no namespace, and rights belong to one; write namespace: %w", t.Provider(), release.ErrInvalid)
			}
			i := slices.IndexFunc(roles, func(r role) bool { return r.cluster == cluster && r.namespace == namespace })
			if i < 0 {
				i = len(roles)
				roles = append(roles, role{cluster: cluster, namespace: namespace, home: home})
			}
			roles[i].add(t.Name, rules[key])
		}
	}
	if len(roles) == 0 {
		return nil, fmt.Errorf("it needs no rights on Kubernetes: traffic.%s is elsewhere; what others need is in docs/traffic.md: %w", traffic.Provider(), release.ErrInvalid)
	}
	return roles, nil
}

func (r *role) add(part string, rules []kube.Rule) {
	if part != "" {
		r.parts = append(r.parts, part)
	}
	for _, rule := range rules {
		if !slices.ContainsFunc(r.rules, func(o kube.Rule) bool { return o.String() == rule.String() }) {
			r.rules = append(r.rules, rule)
		}
	}
}
