"""Pods as their authors write them, each with the exact rules that they break."""

from __future__ import annotations

import pytest

from quietcore.render.pod import lift, with_classes
from quietcore.rules.judge import findings
from quietcore.spec import PodSpec, RuntimeClassSpec

GOOD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: plc}
spec:
  template:
    metadata:
      annotations:
        cpu-load-balancing.crio.io: "disable"
        irq-load-balancing.crio.io: "disable"
        cpu-quota.crio.io: "disable"
    spec:
      runtimeClassName: performance-plc
      nodeSelector: {node-role.kubernetes.io/realtime: ""}
      containers:
      - name: rt
        command: [chrt, -f, "40", ./plc]
        resources: {limits: {cpu: "2", memory: 1Gi}}
        securityContext: {capabilities: {add: [SYS_NICE, IPC_LOCK]}}
"""
HELPER = """
      - name: helper
        resources: {limits: {cpu: 500m, memory: 64Mi}}
"""
PLAIN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  template:
    spec:
      containers:
      - name: nginx
        image: nginx
        resources: {requests: {cpu: 100m}, limits: {cpu: "1", memory: 1Gi}}
        livenessProbe: {exec: {command: ["true"]}}
        securityContext: {privileged: true}
      volumes:
      - {name: shm, emptyDir: {medium: Memory}}
"""


def pods(text: str) -> tuple[PodSpec, ...]:
    lifted = lift(text, "pods.yaml")
    classes = [each for each in lifted if isinstance(each, RuntimeClassSpec)]
    return with_classes([each for each in lifted if isinstance(each, PodSpec)], classes)


def codes(text: str) -> list[str]:
    return sorted({found.code for pod in pods(text) for found in findings(pod)})


def wheres(text: str) -> list[str]:
    return [found.where for pod in pods(text) for found in findings(pod)]


def test_the_good_pod_breaks_nothing() -> None:
    assert pods(GOOD)[0].realtime
    assert codes(GOOD) == []


def test_an_ordinary_pod_breaks_nothing_whatever_it_does() -> None:
    assert not pods(PLAIN)[0].realtime
    assert codes(PLAIN) == []


def test_a_guaranteed_pod_that_asks_for_no_priority_makes_no_real_time_claim() -> None:
    assert codes(PLAIN.replace("requests: {cpu: 100m}, limits", "limits").replace("privileged: true", "")) == []


MISTAKES = {
    "W01 no memory limit": (", memory: 1Gi}}\n        sec", "}}\n        sec", ["W01"]),
    "W01 a request below the limit": ('limits: {cpu: "2"', 'requests: {cpu: "1"}, limits: {cpu: "2"', ["W01"]),
    "W01 no limit at all": ('resources: {limits: {cpu: "2", memory: 1Gi}}', "resources: {}", ["W01"]),
    "W02 one and a half": ('cpu: "2"', "cpu: 1500m", ["W02"]),
    "two CPUs in thousandths": ('cpu: "2"', "cpu: 2000m", []),
    "two CPUs as a number": ('cpu: "2"', "cpu: 2", []),
    "W02 a hair too much": ('cpu: "2"', "cpu: 2001m", ["W02"]),
    "requests equal in another spelling": ("{limits:", "{requests: {cpu: 2000m, memory: 1024Mi}, limits:", []),
    "W04 a bare pod": ("", "", []),
    "W06 a value that is ignored": ('cpu-quota.crio.io: "disable"', 'cpu-quota.crio.io: "false"', ["W06"]),
    "the old form": ('cpu-quota.crio.io: "disable"', 'cpu-quota.crio.io: "true"', []),
    "interrupts of the house": (
        'irq-load-balancing.crio.io: "disable"',
        "irq-load-balancing.crio.io: housekeeping",
        [],
    ),
    "W06 quota has no house": ('cpu-quota.crio.io: "disable"', "cpu-quota.crio.io: housekeeping", ["W06"]),
    "shared CPUs": ('cpu-quota.crio.io: "disable"', "cpu-shared.crio.io/rt: enable", []),
    "W06 shared CPUs of nobody": ('cpu-quota.crio.io: "disable"', "cpu-shared.crio.io/tr: enable", ["W06"]),
    "W06 shared CPUs disabled": ('cpu-quota.crio.io: "disable"', "cpu-shared.crio.io/rt: disable", ["W06"]),
    "W06 shared CPUs of no container": ('cpu-quota.crio.io: "disable"', "cpu-shared.crio.io: enable", ["W06"]),
    "W06 a name that is none": ("irq-load-balancing", "irq-loadbalancing", ["W06"]),
    "W06 quota of one container": ('cpu-quota.crio.io: "disable"', 'cpu-quota.crio.io/rt: "disable"', ["W06"]),
    "other annotations of CRI-O": ('cpu-quota.crio.io: "disable"', 'shm-size.crio.io: "64m"', []),
    "W07 no runtime class": ("runtimeClassName: performance-plc", "", ["W07"]),
    "another runtime class": ("performance-plc", "latency", []),
    "W08 no latency": ('cpu-quota.crio.io: "disable"', 'cpu-c-states.crio.io: "max_latency:0"', ["W08"]),
    "a latency": ('cpu-quota.crio.io: "disable"', 'cpu-c-states.crio.io: "max_latency:1"', []),
    "W08 a latency with a unit": ('cpu-quota.crio.io: "disable"', 'cpu-c-states.crio.io: "max_latency:1us"', ["W08"]),
    "states off": ('cpu-quota.crio.io: "disable"', 'cpu-c-states.crio.io: "disable"', []),
    "W08 states by another word": ('cpu-quota.crio.io: "disable"', 'cpu-c-states.crio.io: "off"', ["W08"]),
    "a governor": ('cpu-quota.crio.io: "disable"', "cpu-freq-governor.crio.io: performance", []),
    "W08 no governor": ('cpu-quota.crio.io: "disable"', "cpu-freq-governor.crio.io: turbo", ["W08"]),
    "W12 no SYS_NICE": ("[SYS_NICE, IPC_LOCK]", "[IPC_LOCK]", ["W12"]),
    "W12 no IPC_LOCK": ("[SYS_NICE, IPC_LOCK]", "[SYS_NICE]", ["W12"]),
    "capabilities in their long form": ("[SYS_NICE, IPC_LOCK]", "[CAP_SYS_NICE, CAP_IPC_LOCK]", []),
    "W12 privileged": ("{capabilities: {add: [SYS_NICE, IPC_LOCK]}}", "{privileged: true}", ["W12"]),
    "no scheduling, no SYS_NICE": ('command: [chrt, -f, "40", ./plc]', "command: [./plc]", []),
    "W13 ninety-nine": ('"40"', '"99"', ["W13"]),
    "ninety-eight, of threads that sleep": ('"40"', '"98"', []),
    "one": ('"40"', '"1"', []),
    "W13 nought": ('"40"', '"0"', ["W13"]),
    "ninety-nine under OTHER": ('chrt, -f, "40"', 'chrt, -o, "0"', []),
    "no right is needed under OTHER": (
        'chrt, -f, "40", ./plc]\n        resources: {limits: {cpu: "2", memory: 1Gi}}\n'
        "        securityContext: {capabilities: {add: [SYS_NICE, IPC_LOCK]}}",
        'chrt, -o, "0", ./plc]\n        resources: {limits: {cpu: "2", memory: 1Gi}}',
        [],
    ),
    "W13 in a shell": ('chrt, -f, "40", ./plc', 'sh, -c, "exec chrt --fifo 99 ./plc"', ["W13"]),
    "W15 exec": ("command:", "readinessProbe: {exec: {command: [ready]}}\n        command:", ["W15"]),
    "a probe over the network": ("command:", "readinessProbe: {tcpSocket: {port: 1}}\n        command:", []),
    "W17 anywhere": (
        'nodeSelector: {node-role.kubernetes.io/realtime: ""}',
        "nodeSelector: {kubernetes.io/os: linux}",
        [],
    ),
    "W18 two": ("spec:\n  template", "spec:\n  replicas: 2\n  template", ["W18"]),
    "one replica": ("spec:\n  template", "spec:\n  replicas: 1\n  template", []),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_and_nothing_else(mistake: str) -> None:
    old, new, expected = MISTAKES[mistake]
    assert old in GOOD
    assert codes(GOOD.replace(old, new, 1)) == expected


def test_a_helper_may_share_cpus_and_be_probed_by_a_program() -> None:
    probed = HELPER + "        livenessProbe: {exec: {command: [alive]}}\n"
    assert codes(GOOD + probed) == []


def test_a_helper_with_cpus_of_its_own_is_not_probed_by_a_program() -> None:
    probed = HELPER.replace("500m", "1") + "        livenessProbe: {exec: {command: [alive]}}\n"
    assert codes(GOOD + probed) == ["W15"]
    assert codes(GOOD + probed.replace(", memory: 64Mi", "")) == ["W01"]


def test_the_real_time_container_is_not_probed_whatever_its_cpus() -> None:
    probed = GOOD.replace("command:", "livenessProbe: {exec: {command: [alive]}}\n        command:")
    assert codes(probed.replace('cpu: "2"', "cpu: 500m")) == ["W02", "W15"]


def test_a_helper_that_breaks_the_guarantee_is_named() -> None:
    text = GOOD + HELPER.replace(", memory: 64Mi", "")
    assert codes(text) == ["W01"]
    assert wheres(text) == ['Deployment "plc", container "helper", resources']


def test_an_init_container_without_limits_breaks_the_guarantee() -> None:
    assert codes(GOOD + "      initContainers: [{name: setup}]\n") == ["W01"]


def test_a_sidecar_is_an_init_container_that_stays() -> None:
    text = (
        GOOD + "      initContainers: [{name: s, restartPolicy: Always, resources: {limits: {cpu: 1, memory: 1Gi}}}]\n"
    )
    (pod,) = pods(text)
    assert [each.kind for each in pod.containers] == ["sidecar", "container"]
    assert pod.exclusive == 3


def test_an_init_container_lends_its_cpus_on() -> None:
    text = GOOD + "      initContainers: [{name: s, resources: {limits: {cpu: 3, memory: 1Gi}}}]\n"
    assert pods(text)[0].exclusive == 3


def test_resources_of_the_pod_itself_make_the_guarantee() -> None:
    text = GOOD + HELPER.replace(", memory: 64Mi", "") + "      resources: {limits: {cpu: 3, memory: 2Gi}}\n"
    assert codes(text) == []
    assert codes(text.replace("resources: {limits: {cpu: 3", "resources: {requests: {cpu: 1}, limits: {cpu: 3")) == [
        "W01"
    ]


def test_without_a_mark_one_container_with_whole_cpus_is_enough() -> None:
    unmarked = GOOD.replace("[SYS_NICE, IPC_LOCK]", "[]").replace("chrt, -f, ", "")
    assert codes(unmarked + HELPER) == []
    assert codes(unmarked.replace('cpu: "2"', "cpu: 700m") + HELPER) == ["W02"]


BARE = """
kind: Pod
metadata:
  name: test
  annotations: {quietcore.dev/sched-priority: "40"}
spec:
  nodeSelector: {rt: "true"}
  restartPolicy: Never
  containers:
  - name: rt
    command: [./plc]
    resources: {limits: {cpu: 2, memory: 1Gi}}
    securityContext: {capabilities: {add: [SYS_NICE, IPC_LOCK]}}
"""
DECLARED = {
    "a test that ends may stand alone": ("", "", []),
    "W04 restarted in place only": ("restartPolicy: Never", "restartPolicy: Always", ["W04"]),
    "W04 by default": ("  restartPolicy: Never\n", "", ["W04"]),
    "on failure": ("restartPolicy: Never", "restartPolicy: OnFailure", []),
    "W13 ninety-nine": ('"40"', '"99"', ["W13"]),
    "W13 no number": ('"40"', '"high"', ["W13"]),
    "fifty, of threads that sleep": ('"40"', '"50"', []),
    "W13 fifty, of threads that never sleep": (
        '"40"}',
        '"50", quietcore.dev/cpu-bound: "true"}',
        ["W13"],
    ),
    "forty-nine, of threads that never sleep": ('"40"}', '"49", quietcore.dev/cpu-bound: "true"}', []),
    "fifty, and meant": (
        '"40"}',
        '"50", quietcore.dev/cpu-bound: "true", quietcore.dev/above-interrupts: "true"}',
        [],
    ),
    "W13 a policy that is none": ('"40"}', '"40", quietcore.dev/sched-policy: batch-fifo}', ["W13"]),
    "no real time after all": ('"40"}', '"99", quietcore.dev/sched-policy: other}', []),
    "a test that ends may have all rights": ("{capabilities: {add: [SYS_NICE, IPC_LOCK]}}", "{privileged: true}", []),
    "W12 declared without the right": ("[SYS_NICE, IPC_LOCK]", "[]", ["W12"]),
    "W17 anywhere": ('nodeSelector: {rt: "true"}', "nodeSelector: {kubernetes.io/os: linux}", ["W17"]),
    "W17 without a selector": ('nodeSelector: {rt: "true"}', "hostNetwork: true", ["W17"]),
    "a node by name": ('nodeSelector: {rt: "true"}', "nodeName: w1", []),
    "a node by affinity": (
        'nodeSelector: {rt: "true"}',
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: [{matchExpressions: [{key: rt, operator: Exists}]}]}}}",
        [],
    ),
    "W17 affinity that only prefers": (
        'nodeSelector: {rt: "true"}',
        "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}",
        ["W17"],
    ),
    "a runtime class may choose": ('nodeSelector: {rt: "true"}', "runtimeClassName: latency", []),
    "W20 a latency test on one CPU": (
        "[./plc]\n    resources: {limits: {cpu: 2",
        "[cyclictest]\n    resources: {limits: {cpu: 1",
        ["W20"],
    ),
    "a latency test on two": ("[./plc]", "[cyclictest, -p, '95', -m]", []),
    "W13 a latency test at 99": ("[./plc]", "[cyclictest, --priority=99]", ["W13"]),
    "W13 oslat spins above interrupts": ("[./plc]", "[oslat, --rtprio, '60']", ["W13"]),
}


@pytest.mark.parametrize("mistake", DECLARED)
def test_what_the_author_declares_is_held_against_the_pod(mistake: str) -> None:
    old, new, expected = DECLARED[mistake]
    assert old in BARE
    assert codes(BARE.replace(old, new, 1)) == expected


PAGES = BARE.replace("memory: 1Gi}", "memory: 1Gi, hugepages-1Gi: 2Gi}") + (
    "  volumes: [{name: huge, emptyDir: {medium: HugePages}}]\n"
)
HUGE = {
    "one size needs no name": ("", "", []),
    "a size by name": ("medium: HugePages", "medium: HugePages-1Gi", []),
    "a size in another spelling": ("hugepages-1Gi", "hugepages-1024Mi", []),
    "W10 another size": ("medium: HugePages", "medium: HugePages-2Mi", ["W10"]),
    "W10 two sizes": ("hugepages-1Gi: 2Gi", "hugepages-1Gi: 2Gi, hugepages-2Mi: 4Mi", ["W10"]),
    "W10 no pages": (", hugepages-1Gi: 2Gi", "", ["W10"]),
    "W10 half a page": ("hugepages-1Gi: 2Gi", "hugepages-1Gi: 1536Mi", ["W10"]),
    "W10 a request below the limit": (
        "{limits",
        "{requests: {cpu: 2, memory: 1Gi, hugepages-1Gi: 1Gi}, limits",
        ["W10"],
    ),
    "requests that equal the limits": ("{limits", "{requests: {cpu: 2, memory: 1Gi, hugepages-1Gi: 2Gi}, limits", []),
}


@pytest.mark.parametrize("mistake", HUGE)
def test_hugepages_add_up(mistake: str) -> None:
    old, new, expected = HUGE[mistake]
    assert old in PAGES
    assert codes(PAGES.replace(old, new, 1)) == expected


def test_hugepages_alone_are_refused() -> None:
    assert codes(PAGES.replace("cpu: 2, memory: 1Gi, ", "")) == ["W01", "W10"]
    assert codes(PAGES.replace("memory: 1Gi, ", "")) == ["W01"]
    assert codes(PAGES.replace("cpu: 2, ", "")) == ["W01"]


MEMORY = BARE + "  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 1Gi}}]\n"


def test_a_volume_in_memory_leaves_room_for_the_program() -> None:
    assert codes(MEMORY) == ["W21"]
    assert codes(MEMORY.replace("sizeLimit: 1Gi", "sizeLimit: 1023Mi")) == []
    assert codes(MEMORY.replace(", sizeLimit: 1Gi", "")) == ["W21"]
    assert codes(MEMORY.replace("medium: Memory, ", "")) == []


CLASS = "---\nkind: RuntimeClass\nmetadata: {name: performance-plc}\nhandler: HANDLER\n"


def test_the_runtime_class_is_read_where_it_stands_beside_the_pod() -> None:
    assert codes(GOOD + CLASS.replace("HANDLER", "high-performance")) == []
    assert codes(GOOD + CLASS.replace("HANDLER", "runc")) == ["W05"]
    assert codes(GOOD + CLASS.replace("HANDLER", "runc").replace("performance-plc", "other")) == []


def test_either_trace_asks_for_the_handler() -> None:
    unannotated = GOOD.replace(".crio.io", ".example.com")
    renamed = GOOD.replace("performance-plc", "quiet") + CLASS.replace("performance-plc", "quiet")
    assert codes(unannotated + CLASS.replace("HANDLER", "runc")) == ["W05"]
    assert codes(renamed.replace("HANDLER", "runc")) == ["W05"]


def test_a_pod_without_either_trace_may_have_any_handler() -> None:
    boxed = BARE.replace("restartPolicy", "runtimeClassName: kata\n  restartPolicy")
    assert codes(boxed + CLASS.replace("performance-plc", "kata").replace("HANDLER", "kata")) == []


def test_a_job_runs_its_pods_where_there_is_room() -> None:
    job = GOOD.replace("kind: Deployment", "kind: Job").replace(
        "spec:\n  template", "spec:\n  parallelism: 4\n  template"
    )
    assert codes(job) == []


def test_a_runtime_class_that_is_known_to_choose_no_node_leaves_that_to_the_pod() -> None:
    anywhere = GOOD.replace('nodeSelector: {node-role.kubernetes.io/realtime: ""}', "")
    known = CLASS.replace("HANDLER", "high-performance")
    assert codes(anywhere) == []
    assert codes(anywhere + known) == ["W17"]
    assert codes(anywhere + known + "scheduling: {nodeSelector: {rt: 'true'}}\n") == []


@pytest.mark.parametrize("spread", ["affinity: {podAntiAffinity: {WHEN: [TERM]}}", "topologySpreadConstraints: [KEY]"])
def test_replicas_that_are_kept_apart_are_fine(spread: str) -> None:
    key = "{topologyKey: kubernetes.io/hostname}"
    for when, term in (("required", key), ("preferred", f"{{podAffinityTerm: {key}, weight: 1}}")):
        kept = spread.replace("WHEN", f"{when}DuringSchedulingIgnoredDuringExecution").replace("TERM", term)
        text = GOOD.replace("spec:\n  template", "spec:\n  replicas: 3\n  template")
        assert codes(text + "      " + kept.replace("KEY", key) + "\n") == []


def test_the_same_pod_in_any_holder_gives_the_same_findings() -> None:
    bad = GOOD.replace('"40"', '"99"')
    for kind in ("StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"):
        assert codes(bad.replace("kind: Deployment", f"kind: {kind}")) == ["W13"]
    assert codes("kind: List\nitems:\n- " + bad.strip().replace("\n", "\n  ")) == ["W13"]


def test_a_cron_job_holds_its_pod_two_levels_down() -> None:
    template = GOOD.replace('"40"', '"99"').partition("spec:\n")[2].replace("\n", "\n    ")
    assert codes(f"kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n    {template}") == ["W13"]
