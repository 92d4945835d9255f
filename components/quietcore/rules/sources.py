"""Who says so: the documents and code that rules rest on, by the key under which they are quoted."""

from __future__ import annotations

SOURCES = {
    "CAN-DOC": "Canonical, Real-time Ubuntu documentation, kernel boot parameters and tuning how-tos",
    "CAN-VM": "Canonical, Real-time Ubuntu documentation, docs/how-to/create-rt-ubuntu-vm-using-kvm.md",
    "CONTAINERD": "containerd, docs/cri/config.md",
    "CRIO": "CRI-O, docs/crio.conf.5.md and internal/runtimehandlerhooks/high_performance_hooks_linux.go",
    "K-HUGETLB": "Linux kernel, Documentation/admin-guide/mm/hugetlbpage.rst and mm/hugetlb.c",
    "K-HW": "Linux kernel, Documentation/core-api/real-time/hardware.rst",
    "K-ISO": "Linux kernel, Documentation/admin-guide/cpu-isolation.rst",
    "K-LISTS": 'Linux kernel, Documentation/admin-guide/kernel-parameters.rst, "cpu lists"',
    "K-NOHZ": "Linux kernel, Documentation/timers/no_hz.rst",
    "K-PARAM": "Linux kernel, Documentation/admin-guide/kernel-parameters.txt",
    "K-RT-THROTTLE": "Linux kernel, Documentation/scheduler/sched-rt-group.rst",
    "K8S-CGROUP": "Kubernetes documentation, Container runtimes, cgroup drivers",
    "K8S-DOC": "Kubernetes documentation, CPU, memory and topology management policies on the node",
    "K8S-FEATURES": "Kubernetes, pkg/features/kube_features.go",
    "K8S-VAL": "Kubernetes, pkg/kubelet/apis/config/validation and pkg/kubelet/cm/{cpu,memory,topology}manager",
    "KEP-2625": "Kubernetes enhancement 2625, full-pcpus-only",
    "KEP-2902": "Kubernetes enhancement 2902, distribute-cpus-across-numa",
    "KEP-3327": "Kubernetes enhancement 3327, align-by-socket",
    "KEP-3545": "Kubernetes enhancement 3545, prefer-closest-numa-nodes",
    "KEP-4176": "Kubernetes enhancement 4176, distribute-cpus-across-cores",
    "KEP-4540": "Kubernetes enhancement 4540, strict-cpu-reservation",
    "KEP-4622": "Kubernetes enhancement 4622, max-allowable-numa-nodes",
    "KEP-4800": "Kubernetes enhancement 4800, prefer-align-cpus-by-uncorecache",
    "KV": "KubeVirt, pkg/virt-api/webhooks/validating-webhook/admitters/vmi-create-admitter.go",
    "KVC": "kiagnose/kubevirt-realtime-checkup",
    "LV-FMT": "libvirt, docs/formatdomain.rst (https://libvirt.org/formatdomain.html)",
    "LV-RT": "libvirt, docs/kbase/kvm-realtime.rst (https://libvirt.org/kbase/kvm-realtime.html)",
    "LV-TEST": "libvirt 9.0.0, its test driver: virsh -c test:///default define",
    "NOVA": "OpenStack Nova, doc/source/admin/real-time.rst and nova/virt/hardware.py",
    "NTO-A": "OpenShift cluster-node-tuning-operator, assets/performanceprofile",
    "NTO-D": "OpenShift cluster-node-tuning-operator, docs/performanceprofile",
    "NTO-K": "OpenShift cluster-node-tuning-operator, pkg/performanceprofile/controller/performanceprofile/components",
    "NTO-PPC": "OpenShift cluster-node-tuning-operator, its performance profile creator",
    "NTO-V": "OpenShift cluster-node-tuning-operator, pkg/apis/performanceprofile/v2/performanceprofile_validation.go",
    "PULUMI": "Pulumi, Inputs and outputs (https://www.pulumi.com/docs/concepts/inputs-outputs/)",
    "QUIETCORE": "quietcore",
    "RHEL-RT": "Red Hat Enterprise Linux for Real Time, tuning guide",
    "RHEL-V": 'Red Hat Enterprise Linux for Real Time, "Configuring virtualization for real time", chapters 3 and 4',
    "RTCONF": "Canonical rt-conf, src/model/kcmdline.go and src/cpulists",
    "SEA": "SEAPATH, seapath/ansible, templates/vm/guest.xml.j2 and the tuned profiles of its roles",
    "STX-CPU": "StarlingX config, sysinv/api/controllers/v1/cpu_utils.py",
    "STX-MEM": "StarlingX config, sysinv/api/controllers/v1/memory.py",
    "STX-PLAT": "StarlingX config, sysinv/puppet/platform.py",
    "STX-PUP": "StarlingX stx-puppet, the compute and platform manifests",
    "SUSE": "SUSE Edge, asciidoc/product/atip-features.adoc",
    "TELCO": "openshift-kni/telco-reference, PerformanceProfile",
    "TUNED": "tuned, profiles/realtime and profiles/realtime-virtual-{host,guest}",
    "TUNED-CODE": "tuned, its own code: tuned/profiles/{merger,variables}.py and tuned/plugins",
}


def source(key: str, where: str = "") -> str:
    """The key, the full name and the place within it, as one line. An unknown key is a KeyError."""
    name = SOURCES[key]
    return f"{key}: {name}; {where}" if where else f"{key}: {name}"
