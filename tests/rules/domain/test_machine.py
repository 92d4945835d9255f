"""What machine a real-time domain gets: each rule at its edge."""

import pytest

from quietcore.rules.examples import cpus, domain, guest, host, pins, placed, scheds, smt_host
from quietcore.rules.judge import findings
from quietcore.spec import CpuTopology, Disk, DomainSpec, Interface, KernelCmdline, MachineSpec, TunedProfileSpec
from quietcore.units import Size


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def told(subject: object, code: str) -> list[str]:
    return [f"{found.where}: {found.given}" for found in findings(subject) if found.code == code]


def listing(**devices: object) -> DomainSpec:
    return domain(devices=domain().devices.model_copy(update=devices))


@pytest.mark.parametrize("mode", ["host-model", "custom"])
def test_another_cpu_is_accepted_where_it_requires_the_deadline_timer(mode: str) -> None:
    assert codes(domain(cpu_mode=mode)) == []
    assert codes(domain(cpu_mode=mode, cpu_features={"tsc-deadline": "optional"})) == ["D15"]


def test_no_cpu_at_all_is_refused_even_where_a_feature_is_named() -> None:
    assert codes(domain(cpu_mode=None)) == ["D15"]
    assert codes(domain(cpu_mode="maximum")) == []


def test_under_tcg_no_cpu_is_passed_through() -> None:
    tcg = {"hypervisor": "qemu", "cpu_mode": "custom", "cpu_model": "Nehalem", "cpu_features": {}}
    assert codes(domain(**tcg)) == []


def test_an_arm_guest_needs_nothing_of_a_pc() -> None:
    arm = {"arch": "aarch64", "machine": "virt", "cpu_features": {}, "hpet": None, "vmport": None}
    assert codes(domain(**arm, devices=domain().devices.model_copy(update={"usb": None}))) == []
    assert codes(domain(**arm, cpu_mode="host-model")) == ["D15"]


@pytest.mark.parametrize(
    ("policy", "expected"), [("require", []), ("force", []), ("optional", ["D16"]), ("disable", ["D16"])]
)
def test_the_deadline_timer_is_required_and_not_only_wished_for(policy: str, expected: list[str]) -> None:
    assert codes(domain(cpu_features={"tsc-deadline": policy})) == expected


@pytest.mark.parametrize(
    ("policy", "migratable", "expected"),
    [
        ("require", False, []),
        ("require", True, ["D17"]),
        ("require", None, ["D17"]),
        ("disable", False, ["D17"]),
        ("optional", True, []),
    ],
)
def test_an_invariant_tsc_and_migration_exclude_each_other(
    policy: str, migratable: bool | None, expected: list[str]
) -> None:
    features = {"tsc-deadline": "require", "invtsc": policy}
    assert codes(domain(cpu_features=features, migratable=migratable)) == expected


def test_a_named_cpu_with_an_invariant_tsc_says_nothing_of_migration() -> None:
    features = {"tsc-deadline": "require", "invtsc": "require"}
    assert codes(domain(cpu_mode="host-model", cpu_features=features, migratable=None)) == []


@pytest.mark.parametrize("levels", [{"cores": 2}, {"cores": 4, "threads": 2}, {"sockets": 2, "cores": 4}, {"dies": 3}])
def test_a_topology_of_another_count_is_refused(levels: dict[str, int]) -> None:
    assert codes(domain(cpu_topology=CpuTopology(**levels))) == ["D18"]


@pytest.mark.parametrize(
    "levels", [{"cores": 4}, {"sockets": 2, "cores": 2}, {"clusters": 2, "dies": 2}, {"sockets": 4}]
)
def test_a_topology_of_the_right_count_is_fine(levels: dict[str, int]) -> None:
    assert codes(domain(cpu_topology=CpuTopology(**levels))) == []


def test_siblings_that_are_none_are_judged_only_where_the_host_is_known() -> None:
    two = CpuTopology(cores=2, threads=2)
    assert codes(domain(cpu_topology=two)) == []
    assert codes(placed(cpu_topology=two)) == ["D19"]
    on = {"emulator_pin": cpus("0"), "iothreads": 0, "iothread_pins": (), "cpu_topology": two}
    turned = placed(smt_host(), vcpu_pins=pins(v0="1", v1="2", v2="9", v3="10"), **on)
    assert told(turned, "D19") == [
        'domain "plc-a", cpu.topology.threads: 2 threads a core; vCPUs 0-1 are no siblings on host "hv2"'
    ]
    half = placed(smt_host(), vcpu_pins=pins(v0="1", v1="9", v2="2", v3="3"), **on)
    assert told(half, "D19")[0].endswith('vCPUs 2-3 are no siblings on host "hv2"')


@pytest.mark.parametrize(
    ("wrong", "told_instead"),
    [({"v2": "2-3", "v3": "10"}, "D03"), ({"v3": "10"}, "D02"), ({"v2": "2", "v3": "2"}, "D04")],
)
def test_siblings_whose_pins_are_wrong_in_themselves_are_told_as_that(wrong: dict[str, str], told_instead: str) -> None:
    on = {"emulator_pin": cpus("0"), "iothreads": 0, "iothread_pins": ()}
    node = placed(
        smt_host(), cpu_topology=CpuTopology(cores=2, threads=2), vcpu_pins=pins(v0="1", v1="9", **wrong), **on
    )
    assert told_instead in codes(node)
    assert "D19" not in codes(node)


def test_siblings_of_a_topology_that_is_wrong_itself_are_not_told() -> None:
    assert codes(placed(cpu_topology=CpuTopology(cores=4, threads=2))) == ["D18"]


@pytest.mark.parametrize("hint", ["hint-dedicated", "poll-control"])
def test_a_hint_of_dedicated_cpus_is_kept_by_pins_of_ones_own(hint: str) -> None:
    own = {"kvm_features": (hint,), "vcpu_scheds": scheds("2-3"), "guest": None}
    assert codes(domain(**own)) == []
    assert codes(domain(**own, vcpu_pins=pins(v0="1", v1="1", v2="3", v3="4"))) == ["D36"]
    assert (
        codes(
            domain(
                kvm_features=("hidden",),
                vcpu_pins=pins(v0="1", v1="1", v2="3", v3="4"),
                guest=None,
                vcpu_scheds=scheds("2-3"),
            )
        )
        == []
    )


def test_a_wider_pin_under_a_hint_is_told_as_a_wider_pin_too() -> None:
    assert "D36" in codes(domain(kvm_features=("hint-dedicated",), vcpu_pins=pins(v0="0-1", v1="2", v2="3", v3="4")))


def test_usb_that_nobody_denies_is_told_as_what_libvirt_adds() -> None:
    assert told(listing(usb=None), "D33") == [
        'domain "plc-a", devices.controller: no word of USB: libvirt adds a controller'
    ]
    assert told(listing(usb=""), "D33") == ['domain "plc-a", devices.controller: USB']


@pytest.mark.parametrize("name", ["graphics", "hub", "input", "redirdev", "sound"])
def test_each_needless_device_is_told_by_itself(name: str) -> None:
    assert told(listing(needless=(name,)), "D33") == [f'domain "plc-a", devices.{name}: <{name}>']


def test_a_usb_device_of_the_host_is_told_with_their_number() -> None:
    assert told(listing(usb_hostdevs=1), "D34") == ['domain "plc-a", devices.hostdev: 1 USB device of the host']
    assert told(listing(usb_hostdevs=2), "D34") == ['domain "plc-a", devices.hostdev: 2 USB devices of the host']


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("hpet", "clock.timer[hpet].present"),
        ("vmport", "features.vmport.state"),
        ("suspend_to_mem", "pm.suspend-to-mem.enabled"),
        ("suspend_to_disk", "pm.suspend-to-disk.enabled"),
    ],
)
@pytest.mark.parametrize(("on", "given"), [(True, "on"), (None, "nothing: the guest gets it")])
def test_each_relic_is_there_unless_it_is_taken_away(field: str, where: str, on: bool | None, given: str) -> None:
    assert told(domain(**{field: on}), "D35") == [f'domain "plc-a", {where}: {given}']


@pytest.mark.parametrize(
    ("action", "expected"),
    [("none", ["D37"]), ("dump", ["D37"]), ("reset", []), ("shutdown", []), ("pause", []), ("inject-nmi", [])],
)
def test_a_watchdog_acts(action: str, expected: list[str]) -> None:
    assert codes(listing(watchdogs=(action,))) == expected


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("", ["D38"]), ("pc", ["D38"]), ("pc-i440fx-7.2", ["D38"]), ("q35", []), ("pc-q35-7.2", []), ("microvm", [])],
)
def test_the_old_pc_is_told_by_any_of_its_names(machine: str, expected: list[str]) -> None:
    assert codes(domain(machine=machine)) == expected


@pytest.mark.parametrize(
    ("kind", "cache", "expected"),
    [
        ("file", None, ["D39"]),
        ("block", "default", ["D39"]),
        ("block", "writethrough", ["D39"]),
        ("file", "directsync", []),
        ("file", "none", []),
        ("network", None, []),
    ],
)
def test_a_disk_of_the_host_bypasses_its_page_cache(kind: str, cache: str | None, expected: list[str]) -> None:
    assert codes(listing(disks=(Disk(target="vda", type=kind, cache=cache),))) == expected


def test_a_disk_is_told_by_its_name_or_its_number() -> None:
    found = told(listing(disks=(Disk(cache="none"), Disk(cache="unsafe"), Disk(target="sdb"))), "D39")
    assert [where.partition(": ")[0] for where in found] == [
        'domain "plc-a", devices.disk[1].driver.cache',
        'domain "plc-a", devices.disk[sdb].driver.cache',
    ]


@pytest.mark.parametrize(
    ("kind", "model", "driver", "expected"),
    [
        ("bridge", "virtio", None, []),
        ("bridge", "virtio-non-transitional", "vhost", []),
        ("bridge", "virtio", "qemu", ["D40"]),
        ("bridge", None, None, ["D40"]),
        ("network", None, None, []),
        ("network", "e1000", None, ["D40"]),
        ("user", "virtio", None, ["D40"]),
        ("hostdev", None, None, []),
        ("vdpa", None, None, []),
        ("vhostuser", "virtio", "qemu", []),
    ],
)
def test_a_card_is_carried_by_vhost_or_by_itself(
    kind: str, model: str | None, driver: str | None, expected: list[str]
) -> None:
    assert codes(listing(interfaces=(Interface(type=kind, model=model, driver=driver),))) == expected


@pytest.mark.parametrize(
    ("snapshot", "expected"), [("external", ["D49"]), ("internal", ["D49"]), ("no", []), ("manual", []), (None, [])]
)
def test_a_disk_asks_for_no_snapshot(snapshot: str | None, expected: list[str]) -> None:
    assert codes(listing(disks=(Disk(cache="none", snapshot=snapshot),))) == expected


def test_hugepages_and_a_file_exclude_each_other_and_either_alone_does_not() -> None:
    assert codes(domain(memory_source="file")) == ["D30"]
    assert codes(domain(memory_source="anonymous")) == []
    assert codes(domain(memory_source="file", hugepages=None)) == ["D23"]


@pytest.mark.parametrize(("limit", "expected"), [("1GiB", ["D28"]), ("2GiB", ["D28"]), ("3GiB", []), (None, [])])
def test_a_hard_limit_leaves_room_beside_the_locked_memory(limit: str | None, expected: list[str]) -> None:
    assert codes(placed(hard_limit=limit and Size.parse(limit))) == expected


def test_a_hard_limit_without_locked_memory_is_another_matter() -> None:
    assert codes(placed(host(memlock="limited"), locked=False, hard_limit=Size.parse("1GiB"))) == []


def test_a_domain_that_pins_nothing_is_told_once_and_not_vcpu_by_vcpu() -> None:
    assert codes(domain(vcpu_pins=())) == ["D50"]
    assert codes(domain(vcpu_pins=(), vcpu_cpuset=cpus("2"))) == ["D14"]
    assert codes(domain(vcpu_pins=(), placement="auto")) == ["D02", "D42"]
    assert told(domain(vcpu_pins=(), vcpu_cpuset=cpus("2-3")), "D14") == [
        'domain "plc-a", cputune.vcpupin: no pins; real-time vCPUs 1-3 may run on CPUs 2-3'
    ]


def test_vcpus_without_a_policy_that_float_are_told_one_by_one() -> None:
    assert codes(placed(vcpu_pins=(), vcpu_cpuset=cpus("2-3"), vcpu_scheds=())) == ["D02", "D13"]


def test_a_cpuset_beside_pins_is_of_no_account() -> None:
    assert codes(domain(vcpu_cpuset=cpus("0-7"))) == []


def test_a_vcpu_that_was_forgotten_is_told_by_number() -> None:
    assert codes(domain(vcpu_pins=pins(v0="1", v1="2", v2="3"), vcpu_cpuset=cpus("2-7"))) == ["D02"]


def ranked(own: int, load: int, **changes: object) -> DomainSpec:
    both = scheds("0", priority=own) + scheds("1-3", priority=load)
    return domain(vcpu_pins=pins(v0="5", v1="2", v2="3", v3="4"), vcpu_scheds=both, **changes)


@pytest.mark.parametrize(("own", "load", "expected"), [(1, 10, []), (5, 5, []), (6, 5, ["D12"])])
def test_the_guests_os_does_not_outrank_its_load(own: int, load: int, expected: list[str]) -> None:
    assert codes(ranked(own, load)) == expected
    assert codes(ranked(own, load, guest=None)) == expected


def test_the_os_of_a_guest_is_what_it_does_not_isolate() -> None:
    inside = guest(isolated=cpus("0-2"), cmdline=None)
    assert codes(ranked(6, 5, guest=inside)) == []
    assert codes(ranked(1, 5, guest=inside)) == ["D12"]


def test_a_guest_without_a_declared_inside_may_have_real_time_vcpus_alone_where_the_emulator_is_pinned() -> None:
    every = {"vcpu_scheds": scheds("0-3"), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4"), "guest": None}
    assert codes(domain(**every)) == []
    assert codes(domain(**every, emulator_pin=None)) == ["D01", "D07"]


def test_a_guest_of_real_time_vcpus_alone_leaves_one_to_its_os() -> None:
    every = {"vcpu_scheds": scheds("0-3"), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4")}
    assert codes(domain(**every)) == []
    assert codes(domain(**every, guest=guest(isolated=cpus("0-3"), cmdline=None))) == ["D01"]
    assert codes(domain(**every, guest=guest(isolated=cpus(""), cmdline=None))) == ["D46"]


def polling(parameter: str = "idle=poll", **changes: object) -> object:
    inside = guest(cmdline=KernelCmdline(parameters=(*guest().cmdline.parameters, parameter)))
    return placed(**{"vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4"), "guest": inside} | changes)


def test_a_guest_may_poll_on_cpus_that_are_its_own() -> None:
    assert "D47" not in codes(polling())
    assert told(polling(vcpu_pins=pins(v0="0", v1="2", v2="3", v3="4")), "D47") == [
        'domain "plc-a", guest.cmdline.idle: idle=poll; no host CPU of its own has: vCPU 0'
    ]


def test_a_guest_that_polls_on_the_emulators_cpu_is_told_without_a_host_too() -> None:
    node = polling(vcpu_pins=pins(v0="1", v1="2", v2="3", v3="4"))
    assert told(node.model_copy(update={"host": None}), "D47")
    assert not told(polling("idle=halt", vcpu_pins=pins(v0="1", v1="2", v2="3", v3="4")), "D47")


def kvm(cmdline: str, role: str = "host") -> list[str]:
    machine = MachineSpec(name="hv1", role=role, cmdline=KernelCmdline.parse(cmdline))
    return told(machine, "D48")


@pytest.mark.parametrize(
    "parameter",
    ["kvm.halt_poll_ns=1", "kvm.kvmclock_periodic_sync=Y", "kvm.nx_huge_pages=force", "kvm_intel.ple_gap=128"],
)
def test_each_parameter_of_kvm_that_is_on_is_told_at_its_place(parameter: str) -> None:
    assert kvm(f"isolcpus=2-7 {parameter}") == [f"hv1, cmdline: {parameter}"]
    assert kvm(parameter) == []
    assert kvm(f"isolcpus=2-7 {parameter}", role="guest") == []


@pytest.mark.parametrize(
    "parameter",
    ["kvm.halt_poll_ns=0", "kvm.kvmclock_periodic_sync=N", "kvm.nx_huge_pages=never", "kvm_intel.ple_gap=0"],
)
def test_a_parameter_of_kvm_that_is_off_is_fine(parameter: str) -> None:
    assert kvm(f"isolcpus=2-7 {parameter}") == []


def test_a_profile_that_is_no_real_time_one_may_let_kvm_poll() -> None:
    said = {"sysfs": {"/sys/module/kvm/parameters/halt_poll_ns": "200000"}}
    ours = TunedProfileSpec(name="quiet", role="host", sections=said)
    assert told(MachineSpec(tuned=ours), "D48") == ["tuned, sysfs: kvm.halt_poll_ns=200000"]
    assert told(MachineSpec(tuned=ours.model_copy(update={"include": "virtual-host"})), "D48") == []


def test_iothreads_with_numbers_of_their_own_are_pinned_by_them() -> None:
    numbered = placed(iothreads=2, iothread_ids=cpus("3,7"))
    assert told(numbered, "D08") == [
        'domain "plc-a", cputune.iothreadpin[1]: IOThread 1 of 2',
        'domain "plc-a", cputune.iothreadpin[3]: no pin',
        'domain "plc-a", cputune.iothreadpin[7]: no pin',
    ]


@pytest.mark.parametrize(
    ("changes", "code", "given"),
    [
        ({"machine": ""}, "D38", "os.type.machine: nothing: libvirt takes pc"),
        ({"machine": "pc"}, "D38", 'os.type.machine: "pc"'),
        ({"cpu_mode": None}, "D15", "cpu: no CPU: the guest gets QEMU's default model"),
        ({"cpu_mode": "custom", "cpu_features": {}}, "D15", 'cpu: mode "custom"'),
        ({"cpu_features": {}}, "D16", "cpu.feature[tsc-deadline]: not there"),
        ({"cpu_features": {"tsc-deadline": "forbid"}}, "D16", 'cpu.feature[tsc-deadline]: policy "forbid"'),
        (
            {"cpu_features": {"tsc-deadline": "require", "invtsc": "require"}, "migratable": True},
            "D17",
            'cpu.migratable: "on"; invtsc is required',
        ),
        (
            {"cpu_features": {"tsc-deadline": "require", "invtsc": "require"}, "migratable": None},
            "D17",
            "cpu.migratable: nothing: on by default; invtsc is required",
        ),
        (
            {"cpu_topology": CpuTopology(sockets=2, dies=1, cores=4, threads=1)},
            "D18",
            "cpu.topology: 2 x 1 x 4 x 1 is 8; the domain has 4 vCPUs",
        ),
    ],
)
def test_what_was_given_is_told_in_the_xmls_own_words(changes: dict[str, object], code: str, given: str) -> None:
    assert told(domain(**changes), code) == [f'domain "plc-a", {given}']


def test_what_is_not_said_of_a_disk_is_told_as_what_qemu_does() -> None:
    (unsaid,) = told(listing(disks=(Disk(target="vda"),)), "D39")
    (said,) = told(listing(disks=(Disk(target="vda", cache="unsafe"),)), "D39")
    assert unsaid.endswith("cache: nothing: QEMU writes back through the host's cache")
    assert said.endswith('cache: "unsafe"')


def test_what_is_allowed_for_a_cpu_is_what_its_architecture_has() -> None:
    pc, arm = (findings(domain(cpu_mode=None, arch=arch, machine="q35"))[0] for arch in ("x86_64", "aarch64"))
    assert pc.allowed == '"host-model" or a model with tsc-deadline required; or "host-passthrough"'
    assert arm.allowed == '"host-passthrough"'


def test_an_arm_machine_without_a_name_is_no_old_pc() -> None:
    assert codes(domain(arch="aarch64", machine="")) == []


def test_a_host_that_isolates_by_declaration_alone_is_a_real_time_one() -> None:
    said = {"sysfs": {"/sys/module/kvm_intel/parameters/ple_gap": "128"}}
    profile = TunedProfileSpec(name="quiet", role="host", include="virtual-host", sections=said)
    machine = MachineSpec(online=cpus("0-7"), isolated=cpus("2-7"), tuned=profile)
    assert told(machine, "D48") == ["tuned, sysfs: kvm_intel.ple_gap=128"]


def test_a_guest_of_real_time_vcpus_alone_isolates_its_own_numbers() -> None:
    every = {"vcpu_scheds": scheds("0-3"), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4")}
    hosts, others = (guest(isolated=cpus(numbers), cmdline=None) for numbers in ("2-5", "3-6"))
    assert told(domain(**every, guest=hosts), "D46")[0].endswith("these are host CPU numbers")
    assert not told(domain(**every, guest=others), "D46")[0].endswith("these are host CPU numbers")


@pytest.mark.parametrize(("pmu", "given"), [(None, "nothing: the guest gets one"), (True, '"on"')])
def test_a_performance_monitoring_unit_is_there_unless_it_is_taken_away(pmu: bool | None, given: str) -> None:
    assert told(domain(pmu=pmu), "D32") == [f'domain "plc-a", features.pmu.state: {given}']
