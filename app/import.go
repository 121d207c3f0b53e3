package app

import (
	"fmt"
	"maps"
	"slices"

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
		return t.IngressNginx.Cluster, ingressnginx.Rights(pairs)
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

// printRights prints a Role and a RoleBinding for each namespace. What is in
// several clusters is told apart by a comment.
func (p *process) printRights(file, account string) error {
	_, f, err := p.readPlan(file)
	if err != nil {
		return err
	}
	printed := false
	for _, t := range f.Traffic.Parts() {
		of, ok := rights[t.Provider()]
		if !ok {
			continue
		}
		cluster, rules := of(t)
		if t.Name != "" {
			fmt.Fprintf(p.out, "# for %s\n", t.Name)
		}
		for _, namespace := range slices.Sorted(maps.Keys(rules)) {
			where := namespace
			if where == "" {
				where = cluster.Namespace
			}
			if where == "" {
				return fmt.Errorf("%s: traffic.%s names no namespace, and rights belong to one; write namespace: %w", file, t.Provider(), release.ErrInvalid)
			}
			if printed {
				fmt.Fprintln(p.out, "---")
			}
			fmt.Fprint(p.out, kube.RoleYAML(where, account, rules[namespace]))
			printed = true
		}
	}
	if !printed {
		return fmt.Errorf("%s: no provider there is on Kubernetes: %w", file, release.ErrInvalid)
	}
	return nil
}
