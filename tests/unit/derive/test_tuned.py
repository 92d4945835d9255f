"""What tuned profiles come to, and what command line tuned of each version writes for them."""

import pytest

from quietcore.derive.tuned import ancestors, cmdline_of, merged
from quietcore.derive.tuned_expand import LONGEST, NotKnown, World, expand
from quietcore.derive.tuned_shipped import shipped
from quietcore.spec import Cell, HostTopology, MachineFacts, TunedProfileSpec
from quietcore.units import CpuSet, Size

FOUR = World(online=CpuSet(range(4)), vendor="intel", arch="x86_64")
INTEL, AMD = MachineFacts(vendor="intel"), MachineFacts(vendor="amd")


def theirs(include: str | None = None, **fields: object) -> TunedProfileSpec:
    return TunedProfileSpec.model_validate(
        {"name": "plant", "role": "host", "include": include, "foreign": True, **fields}
    )


def written(profile: TunedProfileSpec, version: str, facts: MachineFacts = INTEL) -> str:
    found = cmdline_of(profile, CpuSet([2, 3]), CpuSet(range(4)), version, facts)
    assert found is not None
    return str(found.cmdline)


def test_tuned_2_20_trusts_the_clock_and_switches_intels_driver_off_in_realtime():
    assert written(theirs(), "2.20.0") == (
        "skew_tick=1 isolcpus=managed_irq,domain,2-3 intel_pstate=disable nosoftlockup tsc=reliable "
        "nohz=on nohz_full=2-3 rcu_nocbs=2-3 irqaffinity=0,1"
    )


def test_tuned_2_28_asks_for_the_vendor_and_tunes_rcu():
    assert written(theirs(), "2.28", AMD) == (
        "skew_tick=1 tsc=reliable rcupdate.rcu_normal_after_boot=1 rcutree.nohz_full_patience_delay=1000 "
        "isolcpus=managed_irq,domain,2-3 amd_pstate=disable nosoftlockup "
        "nohz=on nohz_full=2-3 rcu_nocbs=2-3 irqaffinity=0,1"
    )


def test_cpu_partitioning_writes_no_isolcpus_and_its_mask_in_groups_of_eight_digits():
    assert written(theirs("cpu-partitioning"), "2.20") == (
        "skew_tick=1 nohz=on nohz_full=2-3 rcu_nocbs=2-3 tuned.non_isolcpus=00000003 intel_pstate=disable nosoftlockup"
    )
    assert "systemd.cpu_affinity=0-1" in written(theirs("cpu-partitioning"), "2.27").split()


def test_what_depends_on_an_unknown_vendor_is_told_and_left_out():
    found = cmdline_of(theirs(), CpuSet([2, 3]), CpuSet(range(4)), "2.28")
    assert found is not None
    assert "pstate" not in str(found.cmdline)
    assert found.unknown == {"cmdline_realtime: ${disable_pstate}": "variable disable_pstate is not known"}


def test_a_version_between_those_that_are_known_is_not_guessed():
    assert cmdline_of(theirs(), CpuSet([2]), CpuSet(range(4)), "2.24") is None
    assert shipped("2.2") is None


def test_the_profiles_own_isolated_cores_count_before_the_machines():
    own = theirs("realtime", variables={"isolated_cores": "1", "isolate_managed_irq": "N"})
    assert "isolcpus=1 " in written(own, "2.20")


def test_isolated_cores_that_nobody_gives_are_no_parameter():
    found = cmdline_of(theirs("realtime"), CpuSet(), CpuSet(range(4)), "2.20")
    assert found is not None
    assert found.cmdline.get("isolcpus") is None
    assert "names a variable that nothing defines" in found.unknown.values()


def test_the_first_cpus_of_each_socket_can_be_left_out():
    cells = (Cell(id=0, cpus=CpuSet([0, 1]), memory=Size(1)), Cell(id=1, socket=1, cpus=CpuSet([2, 3]), memory=Size(1)))
    own = theirs("realtime", variables={"isolated_cores": "${f:calc_isolated_cores:1}"})
    found = cmdline_of(own, CpuSet(), CpuSet(range(4)), "2.20", INTEL, HostTopology(cells=cells))
    assert found is not None
    assert found.cmdline.cpus("isolcpus") == CpuSet([1, 3])


def test_a_minus_takes_words_away_and_a_child_replaces_an_option_of_the_same_name():
    minus = theirs(sections={"bootloader": {"cmdline_z": "-nosoftlockup skew_tick=1"}})
    assert not {"nosoftlockup", "skew_tick=1"} & set(written(minus, "2.20").split())
    same = theirs(sections={"bootloader": {"cmdline_rvh": "quiet"}})
    assert written(same, "2.20").endswith("tsc=reliable quiet")


@pytest.mark.parametrize("options", [{"replace": "true"}, {"enabled": "false"}])
def test_a_profile_may_write_nothing(options: dict[str, str]):
    assert written(theirs(sections={"bootloader": options}), "2.20") == ""


def test_a_profile_of_ours_writes_only_what_it_declares():
    ours = TunedProfileSpec(name="plc", role="guest")
    assert written(ours, "2.20") == ""
    assert written(ours.model_copy(update={"cmdline": ("quiet",)}), "2.20") == "quiet"


def test_ancestors_are_told_parents_first_and_once():
    assert ancestors(theirs("cpu-partitioning;-realtime")) == (
        "latency-performance",
        "network-latency",
        "cpu-partitioning",
        "realtime",
    )


def test_parents_that_nobody_knows_are_named_as_missing():
    whole = merged(theirs("openshift-node,cpu-partitioning"), "2.20")
    assert whole is not None
    assert whole.missing == ("openshift-node",)


def test_dropped_settings_are_gone_and_a_section_that_is_silent_is_enabled_again():
    off = theirs(sections={"sysctl": {"drop": "kernel.numa_balancing, net.core.busy_poll"}, "irqbalance": {}})
    whole = merged(off, "2.20")
    assert whole is not None
    assert "kernel.numa_balancing" not in whole.sections["sysctl"]
    assert whole.sections["sysctl"]["net.core.busy_read"] == "50"
    assert whole.sections["irqbalance"] == {"banned_cpus": "${isolated_cores}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${f:cpulist_unpack:0-2,5,^1}", "0,2,5"),
        ("${f:cpulist_unpack:0x3,,6}", "0,1,6"),
        ("${f:cpulist_pack:0,1,2,5}", "0-2,5"),
        ("${f:cpulist_invert:2-3}", "0,1"),
        ("${f:cpulist_online:3-9}", "3"),
        ("${f:cpulist_present:1,8}", "1"),
        ("${f:cpulist2hex:0,32}", "00000001,00000001"),
        ("${f:cpulist2hex_invert:1-3}", "00000001"),
        ("${f:hex2cpulist:ff}", "0,1,2,3,4,5,6,7"),
        ("${f:cpulist2devs:0-1}", "cpu0,cpu1"),
        ("${f:strip: a b }", "a b"),
        ("a${f:assertion:told:1:2}b", "ab"),
        (r"${f:regex_search_ternary:Y:\b[y,Y,1,t,T]\b:yes:no}", "yes"),
        ("${f:cpuinfo_check:GenuineIntel:i:AuthenticAMD:a:}", "i"),
        (r"${f:lscpu_check:Vendor ID\:\s*AuthenticAMD:a:Architecture\:\s*x86_64:x}", "x"),
        ("${f:check_net_queue_count:4}", "4"),
        ("${cores} ${nobody}", "2-3 ${nobody}"),
        ("${f:cpulist_invert:${cores}}", "0,1"),
        (r"\${cores}", "${cores}"),
        ("${i:PROFILE_DIR}/script.sh", "${i:PROFILE_DIR}/script.sh"),
    ],
)
def test_what_can_be_worked_out_without_the_machine_is(text: str, value: str):
    assert expand(text, {"cores": "2-3"}, FOUR) == value


@pytest.mark.parametrize(
    "text",
    [
        "${f:exec:uname:-r}",
        "${f:virt_check:a:b}",
        "${f:cpuinfo_check:avx512:a:b}",
        "${f:check_net_queue_count:all}",
        "${f:cpulist_unpack:0-99999999999}",
        "${f:regex_search_ternary:aaaa:(a+)+$:y:n}",
        "${f:regex_search_ternary:a:[:y:n}",
        "${f:regex_search_ternary:a}",
        "${unknown}",
        "${open",
        "${f:strip:" * 40 + "}" * 40,
        "${big}" * 3,
    ],
)
def test_what_cannot_is_not_known_and_never_run(text: str):
    with pytest.raises(NotKnown):
        expand(text, {"unknown": None, "big": "x" * (LONGEST // 2)}, FOUR)


def test_variables_that_double_each_other_do_not_fill_the_memory():
    doubling = {f"v{n}": f"${{v{n - 1}}}${{v{n - 1}}}" for n in range(1, 64)} | {"last": "${v63}"}
    own = theirs("realtime", variables={"v0": "xx", **doubling}, sections={"bootloader": {"cmdline_x": "a=${last}"}})
    found = cmdline_of(own, CpuSet([2]), CpuSet(range(4)), "2.20")
    assert found is not None
    assert found.unknown == {"cmdline_x: a=${last}": "variable last is not known"}
