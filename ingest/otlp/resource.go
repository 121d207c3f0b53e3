package otlp

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Labels that every series has from its resource.
const (
	serviceLabel     = "service"
	versionLabel     = "version"
	environmentLabel = "environment"
	regionLabel      = "region"
)

// instanceID is the attribute that tells processes of a service apart.
const instanceID = "service.instance.id"

// promoted are the attributes of a resource that become labels and tags, the
// first that is there.
var promoted = []struct {
	label string
	from  []string
}{
	{serviceLabel, []string{"service.name"}},
	{versionLabel, []string{"service.version"}},
	{environmentLabel, []string{"deployment.environment.name", "deployment.environment"}},
	{regionLabel, []string{"cloud.region"}},
}

// instances are what tells processes apart where instanceID is missing. Without
// any, two processes would write to one series, and each sample of one would
// look like a reset of the other.
var instances = []string{"k8s.pod.uid", "k8s.pod.name", "container.id", "host.name", "host.id"}

// first is the value of the first attribute that is there.
func first(attributes pcommon.Map, names ...string) string {
	for _, name := range names {
		if v, ok := attributes.Get(name); ok {
			if text := v.AsString(); text != "" {
				return text
			}
		}
	}
	return ""
}

// promote puts the labels of a resource among its attributes, under the names
// that they get as labels.
func promote(attributes pcommon.Map) {
	for _, p := range promoted {
		if v := first(attributes, p.from...); v != "" {
			attributes.PutStr(p.label, v)
		}
	}
	if first(attributes, instanceID) != "" {
		return
	}
	if instance := first(attributes, instances...); instance != "" {
		if pid := first(attributes, "process.pid"); pid != "" {
			instance += "/" + pid
		}
		attributes.PutStr(instanceID, instance)
	}
}
