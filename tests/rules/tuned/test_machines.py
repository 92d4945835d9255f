"""The T rules on their edges: profiles on machines, with both ends named."""

import pytest

from quietcore.render.tuned_conf import lift
from quietcore.rules.examples import boot, profile
from quietcore.rules.judge import asides, findings
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.rules.tuned.isolation import CMDLINE
from quietcore.spec import Cell, CpuPlan, HostTopology, MachineSpec, TunedProfileSpec
from quietcore.units import CpuSet, Size

SET = {"isolated_cores": "1-3", "isolate_managed_irq": "Y"}
LATER = (
    "skew_tick=1 tsc=reliable rcupdate.rcu_normal_after_boot=1 rcutree.nohz_full_patience_delay=1000 "
    "isolcpus=managed_irq,domain,1-3 intel_pstate=disable nosoftlockup nohz=on nohz_full=1-3 "
    "rcu_nocbs=1-3 irqaffinity=0"
)


def codes(machine: MachineSpec) -> list[str]:
    return [finding.code for finding in findings(machine) if finding.code.startswith("T")]


def given(machine: MachineSpec, code: str) -> list[str]:
    return [finding.given for finding in findings(machine) if finding.code == code]


@pytest.mark.parametrize(
    ("include", "role", "wrong"),
    [
        ("realtime-virtual-host", "host", False),
        ("realtime", "host", False),
        ("cpu-partitioning", "host", False),
        ("realtime-virtual-guest", "host", True),
        ("realtime-virtual-host", "guest", True),
        ("realtime-virtual-guest", "guest", False),
        ("realtime-virtual-guest", "worker", False),
        ("realtime-virtual-host", "worker", False),
        ("throughput-performance", "worker", True),
        ("network-latency", "host", True),
        ("virtual-host", "host", True),
        ("", "host", True),
        ("our-base", "host", False),
        ("virtual-host,our-base", "host", False),
    ],
)
def test_a_machine_stands_on_the_profile_of_its_role(include: str, role: str, wrong: bool) -> None:
    machine = tuned_machine(theirs(include), role=role)  # type: ignore[arg-type]
    assert codes(machine) == (["T01"] if wrong else [])


def test_a_machine_without_isolated_cpus_may_have_any_profile() -> None:
    assert codes(tuned_machine(theirs("balanced"), isolated="")) == []


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        ("1-3", []),
        ("3,2,1", []),
        ("0-3,^0", []),
        ("${f:cpulist_invert:0}", []),
        ("1-2", ["T02"]),
        ("0-3", ["T02"]),
        ("1-4", ["T02"]),
        ("", ["T02"]),
        ("one", ["T02"]),
        ("${f:exec:cat:/x}", []),
        ("${f:calc_isolated_cores:1}", []),
    ],
)
def test_tuned_isolates_the_machines_cpus(cores: str, expected: list[str]) -> None:
    assert codes(tuned_machine(theirs(variables={"isolated_cores": cores}))) == expected


def test_all_but_the_first_of_each_socket_are_known_from_the_topology() -> None:
    cells = (Cell(id=0, cpus=CpuSet([0, 1]), memory=Size(1)), Cell(id=1, socket=1, cpus=CpuSet([2, 3]), memory=Size(1)))
    machine = tuned_machine(theirs(variables={"isolated_cores": "${f:calc_isolated_cores:1}"}))
    assert codes(machine.model_copy(update={"topology": HostTopology(cells=cells)})) == ["T02"]


def test_both_ends_are_named() -> None:
    machine = tuned_machine(theirs(variables={"isolated_cores": "2-4"}))
    assert given(machine, "T02") == [
        "plant/tuned.conf says isolated_cores=2-4; 4 of it not online; the machine isolates 1-3"
    ]
    planned = machine.model_copy(
        update={
            "plan": CpuPlan(housekeeping=CpuSet([0]), isolated=CpuSet([1, 2, 3])),
            "files": {"tuned": "t", "plan": "p"},
        }
    )
    assert "t says isolated_cores=2-4" in given(planned, "T02")[0]
    assert "p isolates 1-3" in given(planned, "T02")[0]


@pytest.mark.parametrize(
    ("value", "flags", "expected"),
    [
        ("Y", "managed_irq,domain,", []),
        ("1", "managed_irq,domain,", []),
        ("Y", "domain,", ["T03"]),
        ("Y", "", ["T03"]),
        ("N", "managed_irq,domain,", ["T03"]),
        ("N", "", []),
        ("yes", "", []),
    ],
)
def test_the_managed_irq_flag_goes_with_its_variable(value: str, flags: str, expected: list[str]) -> None:
    line = CMDLINE.replace("managed_irq,domain,", flags)
    own = theirs(variables={"isolated_cores": "1-3", "isolate_managed_irq": value})
    assert codes(tuned_machine(own, line, tuned_version="2.20")) == expected


def test_without_the_variables_file_nothing_is_said_of_managed_interrupts() -> None:
    line = CMDLINE.replace("managed_irq,domain,", "")
    assert codes(tuned_machine(theirs(), line, tuned_version="2.20")) == []
    assert (
        codes(tuned_machine(theirs("cpu-partitioning", variables=SET), "nohz=on", tuned_version="2.20")) == ["T04"] * 4
    )


@pytest.mark.parametrize(
    ("version", "line", "expected"),
    [
        ("2.20", CMDLINE, []),
        ("2.20", f"root=/dev/vda1 {CMDLINE} default_hugepagesz=1G", []),
        ("2.20", CMDLINE.replace("irqaffinity=0", "irqaffinity=0-0"), []),
        ("2.20", LATER, []),
        ("2.28", LATER, []),
        ("2.28.0", LATER, []),
        ("2.28", CMDLINE, ["T04", "T04"]),
        ("2.20", CMDLINE.replace("skew_tick=1 ", ""), ["T04"]),
        ("2.20", CMDLINE.replace("skew_tick=1", "skew_tick=0"), ["T04"]),
        ("2.20", CMDLINE.replace("intel_pstate=disable", ""), ["T04"]),
        ("2.24", "quiet", []),
        ("2.20", "isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0 $tuned_params", []),
        ("2.20", f"{CMDLINE.replace('skew_tick=1', 'skew_tick=0')} $tuned_params", ["T04"]),
        # Where the version is not known, only what all of them write is held against it.
        (None, CMDLINE, ["T05"]),
        (None, LATER, ["T05"]),
        (None, CMDLINE.replace("nosoftlockup", ""), ["T04", "T05"]),
    ],
)
def test_the_command_line_is_what_tuned_of_its_version_writes(
    version: str | None, line: str, expected: list[str]
) -> None:
    machine = tuned_machine(theirs(variables=SET), line, vendor="intel", tuned_version=version)
    assert codes(machine) == expected


def test_a_version_that_is_not_known_is_an_aside() -> None:
    machine = tuned_machine(theirs(), "quiet", tuned_version="2.24")
    assert [aside[0] for aside in asides(machine) if aside[0].startswith("T")] == ["T04"]
    assert [aside for aside in asides(machine.model_copy(update={"cmdline": None})) if aside[0] == "T04"] == []


def test_what_tuned_writes_and_what_is_booted_are_both_named() -> None:
    line = CMDLINE.replace("skew_tick=1", "skew_tick=0")
    machine = tuned_machine(theirs(variables=SET), line, vendor="intel", tuned_version="2.20")
    assert given(machine, "T04") == ["tuned 2.20 writes skew_tick=1 for plant/tuned.conf; cmdline.txt says skew_tick=0"]
    machine = tuned_machine(theirs(variables=SET), CMDLINE, vendor="amd")
    assert given(machine, "T05") == [
        "plant/tuned.conf does not say for which tuned it is: 2.20 writes intel_pstate=disable, 2.28 writes "
        "rcupdate.rcu_normal_after_boot=1 rcutree.nohz_full_patience_delay=1000 amd_pstate=disable; "
        "cmdline.txt has intel_pstate=disable"
    ]


def test_a_profile_that_isolates_other_cpus_is_told_once() -> None:
    sysfs = {"/sys/devices/virtual/workqueue/cpumask": "${not_isolated_cpumask}"}
    banned = {"banned_cpus": "${isolated_cores}"}
    own = theirs(variables={**SET, "isolated_cores": "2-3"}, irqbalance=banned, sysfs=sysfs)
    assert codes(tuned_machine(own, CMDLINE, vendor="intel", tuned_version="2.20")) == ["T02"]


def test_a_profile_that_writes_nothing_needs_no_version() -> None:
    assert codes(tuned_machine(theirs(bootloader={"enabled": "false"}), "quiet")) == []


def test_of_parents_that_nobody_knows_only_the_profiles_own_words_count() -> None:
    own = lift("[main]\ninclude=our-base,realtime\n[bootloader]\ncmdline_x=+quiet\n", "plant/tuned.conf")
    assert codes(tuned_machine(own, "", tuned_version="2.20")) == ["T04"]


def test_each_word_that_a_profile_of_ours_writes_is_told_beside_the_declared_one() -> None:
    own = profile(cmdline=("isolcpus=1-3", "nohz=on", "nosoftlockup"))
    machine = boot("isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0 nohz", tuned=own)
    assert given(machine, "T04") == [
        'profile "plc-guest" writes isolcpus=1-3; the declared command line says isolcpus=managed_irq,domain,1-3',
        'profile "plc-guest" writes nohz=on; the declared command line says nohz',
        'profile "plc-guest" writes nosoftlockup; the declared command line has none',
    ]


def test_a_profile_of_ours_that_writes_nothing_agrees_with_any_command_line() -> None:
    assert codes(boot("quiet", isolated="", tuned=profile())) == []


@pytest.mark.parametrize(
    ("kernel", "name", "value", "expected"),
    [
        ("rt", "kernel.numa_balancing", "0", ["T10"]),
        ("rt", "net.core.busy_read", "50", ["T10"]),
        ("rt", "net.core.busy_poll", "0", ["T10"]),
        ("generic", "kernel.numa_balancing", "0", []),
        ("generic", "kernel.numa_balancing", "1", ["T10"]),
        (None, "kernel.numa_balancing", "1", ["T10"]),
        (None, "net.core.busy_read", "50", []),
    ],
)
def test_what_the_kernel_does_not_have_is_not_asked_of_it(
    kernel: str | None, name: str, value: str, expected: list[str]
) -> None:
    assert codes(tuned_machine(theirs(sysctl={name: value}), kernel=kernel)) == expected
    ours = TunedProfileSpec(name="plc", role="host", sysctl={name: value})
    assert codes(tuned_machine(ours, kernel=kernel)) == expected


@pytest.mark.parametrize(
    ("channels", "queues", "expected"),
    [
        ("", "1", []),
        ("", "2", ["T13"]),
        ("", "${f:exec:nproc}", []),
        ("combined 1", "", []),
        ("combined 2", "", ["T13"]),
        ("rx 4 tx 4", "", []),
    ],
)
def test_queues_find_room_on_housekeeping_cpus(channels: str, queues: str, expected: list[str]) -> None:
    own = theirs(
        variables={"netdev_queue_count": queues} if queues else {},
        **({"net": {"channels": channels}} if channels else {}),
    )
    assert codes(tuned_machine(own)) == expected
    assert codes(tuned_machine(own, isolated="")) == []


@pytest.mark.parametrize(
    ("path", "mask", "expected"),
    [
        ("/sys/devices/virtual/workqueue/cpumask", "1", []),
        ("/sys/devices/virtual/workqueue/cpumask", "0x3", ["T14"]),
        ("/sys/bus/workqueue/devices/writeback/cpumask", "00000000,00000002", ["T14"]),
        ("/sys/devices/virtual/workqueue/cpumask", "${isolated_cpumask}", ["T14"]),
        ("/sys/devices/virtual/workqueue/cpumask", "${f:exec:x}", []),
        ("/sys/devices/virtual/workqueue/cpumask", "nonsense", []),
        ("/sys/other/cpumask", "f", []),
    ],
)
def test_unbound_work_stays_off_isolated_cpus(path: str, mask: str, expected: list[str]) -> None:
    assert codes(tuned_machine(theirs(sysfs={path: mask}))) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"banned_cpus": "1-3"}, []),
        ({"banned_cpus": "0-3"}, []),
        ({"banned_cpus": "2-3"}, ["T16"]),
        ({"banned_cpus": ""}, ["T16"]),
        ({"banned_cpus": "${f:exec:x}"}, []),
        ({"enabled": "false", "banned_cpus": "2-3"}, []),
        ({"replace": "true"}, ["T16"]),
        ({"enabled": "true"}, []),
    ],
)
def test_irqbalance_is_banned_from_isolated_cpus(options: dict[str, str], expected: list[str]) -> None:
    assert codes(tuned_machine(theirs(irqbalance=options))) == expected


@pytest.mark.parametrize(
    ("groups", "boosted", "expected"),
    [
        ({}, None, []),
        ({}, 4, []),
        ({}, 11, ["T15"]),
        ({"group.rcuc": r"0:f:11:*:^\[rcuc"}, 11, []),
        ({"group.rcuc": r"0:f:2:*:^\[rcuc"}, None, []),
        ({"group.rcuc": r"0:f:1:*:^\[rcuc"}, None, ["T15"]),
        ({"group.ksoftirqd": r"0:f:5:*:^\[ksoftirqd"}, None, ["T15"]),
        ({"group.ktimers": "0:o:0:*:x"}, None, ["T15"]),
        ({"group.ktimers": "0:f:100:*:x"}, None, ["T15"]),
        ({"group.ktimers": "0:f:99:*:x"}, None, []),
        ({"group.ktimers": "0:f:1:*:x"}, None, []),
        ({"group.ktimers": "0:r:0:*:x"}, None, ["T15"]),
        ({"group.ktimers": "f:99"}, None, ["T15"]),
        ({"group.ours": "0:o:0:*:x"}, None, []),
    ],
)
def test_kernel_threads_do_not_work_against_each_other(
    groups: dict[str, str], boosted: int | None, expected: list[str]
) -> None:
    own = theirs(variables=SET, scheduler=groups)
    line = None if boosted is None else f"{CMDLINE} rcutree.kthread_prio={boosted}"
    assert codes(tuned_machine(own, line, vendor="intel", tuned_version="2.20")) == expected


def test_variables_of_the_parents_are_known_beside_a_version_that_is_not() -> None:
    own = theirs(sysfs={"/sys/devices/virtual/workqueue/cpumask": "${isolated_cpumask}"})
    assert codes(tuned_machine(own, tuned_version="2.24")) == ["T14"]


def test_a_machine_without_a_profile_breaks_none() -> None:
    assert codes(boot()) == []


def test_the_option_at_fault_is_named_and_what_to_write() -> None:
    variable, section = theirs(variables={"netdev_queue_count": "4"}), theirs(net={"channels": "combined 4"})
    told = [finding for own in (variable, section) for finding in findings(tuned_machine(own))]
    assert [(finding.where, finding.hint) for finding in told] == [
        ("tuned.netdev_queue_count", "write netdev_queue_count=1"),
        ("tuned.channels", "write channels=combined 1"),
    ]
    assert told[0].given == "plant/tuned.conf asks for 4 queues; the machine leaves CPU 0 for them"


def test_what_irqbalance_may_use_is_told() -> None:
    for banned, said in (("2", "2"), ("", "no CPU")):
        machine = tuned_machine(theirs(irqbalance={"banned_cpus": banned}))
        left = machine.isolated - CpuSet.parse(banned)
        assert given(machine, "T16") == [
            f"plant/tuned.conf bans irqbalance from {said}; the machine isolates 1-3: it may use {left}"
        ]


def test_numa_balancing_of_ordinary_machines_is_their_affair() -> None:
    assert codes(tuned_machine(theirs("balanced", sysctl={"kernel.numa_balancing": "1"}), isolated="")) == []


def test_both_ends_of_managed_interrupts_are_named_with_what_to_write() -> None:
    own = theirs(variables={"isolated_cores": "1-3"})
    with_flag = tuned_machine(own, CMDLINE, tuned_version="2.20")
    without = tuned_machine(theirs(variables=SET), CMDLINE.replace("managed_irq,", ""), tuned_version="2.20")
    told = [finding for machine in (with_flag, without) for finding in findings(machine) if finding.code == "T03"]
    assert [(finding.given, finding.hint) for finding in told] == [
        (
            "plant/tuned.conf says isolate_managed_irq=(nothing); cmdline.txt says isolcpus=managed_irq,domain,1-3",
            "write isolate_managed_irq=Y",
        ),
        (
            "plant/tuned.conf says isolate_managed_irq=Y; cmdline.txt says isolcpus=domain,1-3",
            "add managed_irq to isolcpus",
        ),
    ]


def test_threads_of_a_version_that_is_not_known_are_those_of_the_oldest() -> None:
    own = theirs(variables=SET, bootloader={"enabled": "false"})
    machine = tuned_machine(own, f"{CMDLINE} rcutree.kthread_prio=11", tuned_version="2.24")
    assert given(machine, "T15") == ["cmdline.txt says rcutree.kthread_prio=11; plant/tuned.conf gives rcuc 4"]


def test_what_an_ordinary_profile_stands_on_is_told() -> None:
    told = [given(tuned_machine(theirs(include)), "T01")[0] for include in ("balanced", "")]
    assert told == [
        "plant/tuned.conf stands on balanced, which isolates nothing; isolated CPUs are 1-3",
        "plant/tuned.conf stands on no other profile, which isolates nothing; isolated CPUs are 1-3",
    ]


@pytest.mark.parametrize("group", ["group.rcuc", "group.ksoftirqd"])
def test_one_group_alone_is_compared_with_none(group: str) -> None:
    own = theirs("openshift-node-performance-plant", scheduler={group: "0:f:1:*:x"})
    assert codes(tuned_machine(own)) == []
