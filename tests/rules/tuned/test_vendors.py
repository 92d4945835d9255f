"""What vendors ship as good breaks no T rule: profiles in the shape of theirs, written from public facts."""

import yaml

from quietcore.render import tuned_conf, tuned_resource
from quietcore.rules.judge import findings
from quietcore.spec import CpuPlan, KernelCmdline, MachineFacts, MachineSpec
from quietcore.units import CpuSet

# As the Node Tuning Operator makes them of a PerformanceProfile, real-time kernel and hints on.
NODE = """
[main]
summary=a node with a performance profile
include=openshift-node,cpu-partitioning${f:regex_search_ternary:${f:exec:uname:-r}:rt:,openshift-node-performance-rt-plant:}

[variables]
#> a list of ranges
isolated_cores=4-15
not_isolated_cores_expanded=${f:cpulist_invert:${isolated_cores_expanded}}
automatic_pstate=${f:intel_recommended_pstate}

[cpu]
force_latency=cstate.id:1|3
governor=performance
energy_perf_bias=performance
min_perf_pct=100

[service]
service.stalld=start,enable

[vm]
transparent_hugepages=never

[irqbalance]
enabled=false

[scheduler]
runtime=0
group.ksoftirqd=0:f:11:*:ksoftirqd.*
group.rcuc=0:f:11:*:rcuc.*
group.ktimers=0:f:11:*:ktimers.*
default_irq_smp_affinity = ignore
irq_process=false

[sysctl]
kernel.hung_task_timeout_secs=600
kernel.nmi_watchdog=0
kernel.sched_rt_runtime_us=-1
vm.stat_interval=10
kernel.timer_migration=1
vm.dirty_ratio=10
vm.swappiness=10

[net]
channels=combined 4

[bootloader]
initrd_remove_dir=
cmdline_cpu_part=+nohz=on rcu_nocbs=${isolated_cores} tuned.non_isolcpus=${not_isolated_cpumask} \
systemd.cpu_affinity=${not_isolated_cores_expanded} intel_iommu=on iommu=pt
cmdline_isolation=+isolcpus=managed_irq,${isolated_cores}
cmdline_realtime=+nohz_full=${isolated_cores} nosoftlockup nmi_watchdog=0 mce=off rcutree.kthread_prio=11
cmdline_hugepages=+ default_hugepagesz=1G
cmdline_pstate=+intel_pstate=${automatic_pstate}

[rtentsk]
""".replace("\\\n", "")

NODE_CMDLINE = (
    "ro skew_tick=1 nohz=on rcu_nocbs=4-15 tuned.non_isolcpus=0000000f systemd.cpu_affinity=0,1,2,3 intel_iommu=on "
    "iommu=pt isolcpus=managed_irq,4-15 nohz_full=4-15 nosoftlockup nmi_watchdog=0 mce=off rcutree.kthread_prio=11 "
    "default_hugepagesz=1G intel_pstate=active"
)

RT = """
[main]
summary=what a real-time kernel does not have
[sysctl]
drop=kernel.numa_balancing,net.core.busy_read,net.core.busy_poll
"""

# As the telecom reference configuration patches it.
PATCH = """
apiVersion: tuned.openshift.io/v1
kind: Tuned
metadata:
  name: performance-patch
  namespace: openshift-cluster-node-tuning-operator
spec:
  profile:
    - name: performance-patch
      data: |
        [main]
        summary=changes what is inherited
        include=openshift-node-performance-plant
        [sysctl]
        kernel.timer_migration=1
        [scheduler]
        group.ice-ptp=0:f:10:*:ice-ptp.*
        group.ice-gnss=0:f:10:*:ice-gnss.*
        [service]
        service.stalld=start,enable
        service.chronyd=stop,disable
  recommend:
    - machineConfigLabels:
        machineconfiguration.openshift.io/role: master
      priority: 19
      profile: performance-patch
"""

# As a hypervisor's playbook lays it over tuned's own: its script beside the parents'.
HYPERVISOR = """
[main]
summary=hypervisor of protection relays
include=realtime-virtual-host

[variables]
include=/etc/tuned/realtime-virtual-host-variables.conf

[sysctl]
kernel.sched_rt_runtime_us=-1
vm.swappiness=10

[irqbalance]
enabled=false

[scheduler]
group.ksoftirqd=0:f:2:*:^\\[ksoftirqd
group.rcuc=0:f:4:*:^\\[rcuc

[script]
script=${i:PROFILE_DIR}/script.sh
"""


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject) if finding.code.startswith("T")]


def node(cmdline: str = NODE_CMDLINE) -> MachineSpec:
    files = {"openshift-node-performance-plant/tuned.conf": NODE, "openshift-node-performance-rt-plant/tuned.conf": RT}
    return MachineSpec(
        role="worker",
        online=CpuSet(range(16)),
        isolated=CpuSet(range(4, 16)),
        plan=CpuPlan(housekeeping=CpuSet(range(4)), isolated=CpuSet(range(4, 16)), dialect="nto"),
        facts=MachineFacts(kernel="rt", vendor="intel"),
        cmdline=KernelCmdline.parse(cmdline),
        tuned=tuned_conf.lift(files, "openshift-node-performance-plant"),
    )


def test_a_node_of_the_node_tuning_operator_breaks_none() -> None:
    assert codes(node()) == []


def test_such_a_node_that_was_not_rebooted_is_told_though_its_parents_are_not_all_known() -> None:
    stale = node(NODE_CMDLINE.replace(" mce=off", "").replace("tuned.non_isolcpus=0000000f", "tuned.non_isolcpus=ff"))
    assert codes(stale) == ["T04", "T04"]


def test_the_patch_of_the_telecom_reference_breaks_none() -> None:
    resource = tuned_resource.lift(yaml.safe_load(PATCH), "patch.yaml")
    assert codes(resource) == []
    assert [codes(profile) for profile in resource.profiles] == [[]]


def test_the_operators_own_object_is_no_patch() -> None:
    document = {
        "metadata": {"name": "openshift-node-performance-plant"},
        "spec": {
            "profile": [
                {"name": "openshift-node-performance-plant", "data": NODE},
                {"name": "openshift-node-performance-rt-plant", "data": RT},
            ],
            "recommend": [{"profile": "openshift-node-performance-plant", "priority": 20}],
        },
    }
    resource = tuned_resource.lift(document)
    assert [codes(each) for each in (resource, *resource.profiles)] == [[], [], []]


def test_a_hypervisors_profile_on_tuneds_own_breaks_none() -> None:
    files = {
        "/etc/tuned/relays/tuned.conf": HYPERVISOR,
        "/etc/tuned/realtime-virtual-host-variables.conf": "isolated_cores=2-7\nisolate_managed_irq=Y\n",
    }
    machine = MachineSpec(
        role="host",
        online=CpuSet(range(8)),
        isolated=CpuSet(range(2, 8)),
        facts=MachineFacts(kernel="rt", vendor="intel", tuned_version="2.20"),
        cmdline=KernelCmdline.parse(
            "quiet skew_tick=1 isolcpus=managed_irq,domain,2-7 intel_pstate=disable nosoftlockup tsc=reliable nohz=on "
            "nohz_full=2-7 rcu_nocbs=2-7 irqaffinity=0,1"
        ),
        tuned=tuned_conf.lift(files),
    )
    assert codes(machine) == []
