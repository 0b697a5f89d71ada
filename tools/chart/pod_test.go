package chart

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// installed is what a release consists of.
type installed struct {
	deployment *apps.Deployment
	account    *core.ServiceAccount
	claim      *core.PersistentVolumeClaim
	config     *core.ConfigMap
	service    *core.Service
	policy     *networking.NetworkPolicy
	monitor    *monitoring.PodMonitor
}

func install(t testing.TB, values map[string]any) installed {
	t.Helper()
	var in installed
	for name, manifest := range mustRender(t, values) {
		object, err := decode(manifest)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch o := object.(type) {
		case *apps.Deployment:
			in.deployment = o
		case *core.ServiceAccount:
			in.account = o
		case *core.PersistentVolumeClaim:
			in.claim = o
		case *core.ConfigMap:
			in.config = o
		case *core.Service:
			in.service = o
		case *networking.NetworkPolicy:
			in.policy = o
		case *monitoring.PodMonitor:
			in.monitor = o
		default:
			t.Fatalf("%s: a %T, which no test looks at", name, object)
		}
	}
	if in.deployment == nil || in.config == nil || in.service == nil {
		t.Fatalf("no deployment, configuration or service")
	}
	return in
}

func (in installed) pod() core.PodSpec { return in.deployment.Spec.Template.Spec }

func (in installed) container() core.Container { return in.pod().Containers[0] }

func TestChart_PodIsConfined(t *testing.T) {
	eachCase(t, func(t *testing.T, values map[string]any) {
		in := install(t, values)
		pod, s := in.pod(), in.container().SecurityContext
		if !*pod.SecurityContext.RunAsNonRoot || *pod.SecurityContext.RunAsUser == 0 || *pod.SecurityContext.RunAsGroup == 0 {
			t.Error("the pod may run as root")
		}
		if pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Error("no seccomp profile")
		}
		if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
			t.Errorf("security context %v", s)
		}
		if *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID || pod.HostIPC {
			t.Error("the pod sees the cluster's API or its host")
		}
		if in.account != nil && *in.account.AutomountServiceAccountToken {
			t.Error("the account hands out its token")
		}
	})
}

// Two daemons cannot have one store: there is one pod, and the old one is gone before the
// new one starts.
func TestChart_StoreHasOneOwner(t *testing.T) {
	eachCase(t, func(t *testing.T, values map[string]any) {
		spec := install(t, values).deployment.Spec
		if *spec.Replicas != 1 || spec.Strategy.Type != apps.RecreateDeploymentStrategyType || spec.Strategy.RollingUpdate != nil {
			t.Errorf("%d replicas, strategy %v", *spec.Replicas, spec.Strategy)
		}
	})
}

// What names something names something that is there.
func TestChart_PartsFitTogether(t *testing.T) {
	eachCase(t, func(t *testing.T, values map[string]any) {
		in := install(t, values)
		volumesFit(t, in)
		portsFit(t, in)
		selectorsFit(t, in)
		if in.account != nil && in.account.Name != in.pod().ServiceAccountName {
			t.Errorf("account %s is there, %s is used", in.account.Name, in.pod().ServiceAccountName)
		}
	})
}

func volumesFit(t *testing.T, in installed) {
	t.Helper()
	volumes := map[string]core.Volume{}
	for _, v := range in.pod().Volumes {
		volumes[v.Name] = v
	}
	for _, m := range in.container().VolumeMounts {
		if _, ok := volumes[m.Name]; !ok {
			t.Errorf("%s is mounted and no volume", m.Name)
		}
		delete(volumes, m.Name)
		if m.ReadOnly == (m.MountPath == "/data") {
			t.Errorf("%s: read-only is %v", m.MountPath, m.ReadOnly)
		}
	}
	if len(volumes) > 0 {
		t.Errorf("volumes that are not mounted: %v", volumes)
	}
	for _, v := range in.pod().Volumes {
		if v.ConfigMap != nil && v.ConfigMap.Name != in.config.Name {
			t.Errorf("configuration %s is mounted, %s is there", v.ConfigMap.Name, in.config.Name)
		}
		if c := v.PersistentVolumeClaim; c != nil && in.claim != nil && c.ClaimName != in.claim.Name {
			t.Errorf("claim %s is mounted, %s is there", c.ClaimName, in.claim.Name)
		}
	}
}

func portsFit(t *testing.T, in installed) {
	t.Helper()
	c := in.container()
	if len(c.Ports) != 1 {
		t.Fatalf("ports %v", c.Ports)
	}
	port := c.Ports[0]
	for what, p := range map[string]*core.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Port.String() != port.Name {
			t.Errorf("%s probe: %v", what, p)
		}
	}
	if target := in.service.Spec.Ports[0].TargetPort.String(); target != port.Name {
		t.Errorf("the service leads to port %s", target)
	}
	if in.policy != nil && in.policy.Spec.Ingress[0].Ports[0].Port.String() != port.Name {
		t.Errorf("the policy opens %v", in.policy.Spec.Ingress)
	}
	if in.monitor != nil && *in.monitor.Spec.PodMetricsEndpoints[0].Port != port.Name {
		t.Errorf("the monitor scrapes %v", in.monitor.Spec.PodMetricsEndpoints)
	}
	annotations := in.deployment.Spec.Template.Annotations
	if said, ok := annotations["prometheus.io/port"]; ok && said != strconv.Itoa(int(port.ContainerPort)) {
		t.Errorf("the annotations say port %s", said)
	}
}

func selectorsFit(t *testing.T, in installed) {
	t.Helper()
	pod := labels.Set(in.deployment.Spec.Template.Labels)
	selectors := map[string]*meta.LabelSelector{
		"deployment": in.deployment.Spec.Selector,
		"service":    {MatchLabels: in.service.Spec.Selector},
	}
	if in.policy != nil {
		selectors["policy"] = &in.policy.Spec.PodSelector
	}
	if in.monitor != nil {
		selectors["monitor"] = &in.monitor.Spec.Selector
	}
	for what, s := range selectors {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(pod) {
			t.Errorf("the %s selects %v (%v), the pod is %v", what, s, err, pod)
		}
	}
}

func TestChart_HasTheResourcesThatWereAskedFor(t *testing.T) {
	r := install(t, nil).container().Resources
	for _, q := range []struct {
		have *resource.Quantity
		want string
	}{
		{r.Requests.Memory(), "256Mi"}, {r.Requests.Cpu(), "100m"}, {r.Limits.Memory(), "512Mi"}, {r.Limits.Cpu(), "500m"},
	} {
		if q.have.String() != q.want {
			t.Errorf("%s, want %s", q.have, q.want)
		}
	}
}

func TestChart_RoleIsOnTheAccountOfThePod(t *testing.T) {
	in := install(t, valuesOf(t, "testdata/values/irsa.yaml"))
	role := in.account.Annotations["eks.amazonaws.com/role-arn"]
	if role != "arn:aws:iam::123456789012:role/elava" || in.pod().ServiceAccountName != in.account.Name {
		t.Errorf("account %s has the role %q, the pod runs as %s", in.account.Name, role, in.pod().ServiceAccountName)
	}
}

// EKS gives the pod its credentials by a link-local address.
func TestChart_PodIdentityCanBeReached(t *testing.T) {
	in := install(t, valuesOf(t, "testdata/values/pod-identity.yaml"))
	if in.account.Name != "elava-reader" || in.pod().ServiceAccountName != "elava-reader" {
		t.Errorf("account %s, the pod runs as %s", in.account.Name, in.pod().ServiceAccountName)
	}
	open := slices.ContainsFunc(in.policy.Spec.Egress, func(r networking.NetworkPolicyEgressRule) bool {
		return len(r.To) == 0 && slices.ContainsFunc(r.Ports, func(p networking.NetworkPolicyPort) bool { return p.Port.IntValue() == 80 })
	})
	if !open {
		t.Error("the policy keeps the pod from the agent's port 80")
	}
}

func TestChart_NewConfigurationMakesANewPod(t *testing.T) {
	sum := func(values map[string]any) string {
		return install(t, values).deployment.Spec.Template.Annotations["checksum/config"]
	}
	config := func(level string) map[string]any {
		return map[string]any{"config": map[string]any{"logging": map[string]any{"level": level}}}
	}
	if sum(config("info")) == "" || sum(config("info")) != sum(config("info")) {
		t.Error("the same configuration makes a new pod")
	}
	if sum(config("info")) == sum(config("debug")) {
		t.Error("another configuration makes no new pod")
	}
}

func TestChart_HistoryOutlivesTheRelease(t *testing.T) {
	in := install(t, nil)
	if in.claim == nil || in.claim.Annotations["helm.sh/resource-policy"] != "keep" {
		t.Errorf("claim %v", in.claim)
	}
	if in := install(t, valuesOf(t, "testdata/values/claim.yaml")); in.claim != nil {
		t.Error("a second claim beside the one that is there")
	}
	if in := install(t, valuesOf(t, "testdata/values/ephemeral.yaml")); in.claim != nil || !slices.ContainsFunc(in.pod().Volumes, func(v core.Volume) bool { return v.EmptyDir != nil }) {
		t.Error("a claim, or no directory, without persistence")
	}
}

func TestChart_JobIsTheOneThatTheAlertsExpect(t *testing.T) {
	in := install(t, valuesOf(t, "testdata/values/pod-monitor.yaml"))
	if in.monitor == nil || in.monitor.Labels["release"] != "prometheus" {
		t.Fatalf("monitor %v", in.monitor)
	}
	relabeling := in.monitor.Spec.PodMetricsEndpoints[0].RelabelConfigs[0]
	if relabeling.TargetLabel != "job" || *relabeling.Replacement != "elava" {
		t.Errorf("relabeling %v", relabeling)
	}
	for key := range in.deployment.Spec.Template.Annotations {
		if strings.HasPrefix(key, "prometheus.io/") {
			t.Errorf("%s: the pod would be scraped twice", key)
		}
	}
}
