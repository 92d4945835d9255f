"""Scheduling and idle polling at their edges."""

from quietcore.rules.examples import GUEST_CMDLINE, cpus, declared, domain, guest, pins, placed, scheds
from quietcore.rules.judge import findings
from quietcore.spec import KernelCmdline

EVERY = {"vcpu_scheds": scheds("0-3"), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4")}
POLLING = guest(cmdline=KernelCmdline.parse(f"{GUEST_CMDLINE} idle=poll"))


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def of(subject: object, code: str) -> list[tuple[str, str]]:
    return [(found.given, found.hint) for found in findings(subject) if found.code == code]


def test_a_guest_that_isolates_all_is_no_matter_of_the_hosts_ranks() -> None:
    assert codes(domain(guest=guest(isolated=cpus("0-3"), cmdline=None))) == ["D46"]


def test_a_guest_that_isolates_nothing_is_judged_by_its_emulator() -> None:
    inside = guest(isolated=cpus(""), cmdline=None)
    assert codes(domain(**EVERY, guest=inside)) == ["D46"]
    assert codes(domain(**EVERY, guest=inside, emulator_pin=None)) == ["D01", "D07", "D46"]


def test_a_vcpu_without_a_real_time_policy_needs_no_priority() -> None:
    assert "D11" not in codes(domain(vcpu_scheds=scheds("1-3") + scheds("0", "batch", None)))


def test_a_priority_is_told_as_it_was_given() -> None:
    assert [given for given, _ in of(domain(vcpu_scheds=scheds("1-3", priority=None)), "D11")] == [
        "no priority for vCPUs 1-3"
    ]
    assert [given for given, _ in of(domain(vcpu_scheds=scheds("1-3", priority=99)), "D11")] == [
        "priority 99 for vCPUs 1-3"
    ]


def test_a_missing_vcpu_is_taken_out_or_its_whole_entry() -> None:
    assert [hint for _, hint in of(domain(vcpu_scheds=scheds("1-4")), "D09")] == ["write 1-3"]
    assert [hint for _, hint in of(domain(vcpu_scheds=scheds("1-3") + scheds("6")), "D09")] == ["remove this vcpusched"]


def test_what_is_to_be_scheduled_is_what_the_guest_isolates_or_all_but_vcpu_0() -> None:
    raw = placed(vcpu_scheds=(), guest=guest(isolated=cpus("2-3"), cmdline=None))
    assert of(raw, "D13") == [
        (
            "no vCPU with a real-time policy; the guest isolates 2-3",
            "write <vcpusched vcpus='2-3' scheduler='fifo' priority='1'/>",
        )
    ]
    node = declared().model_copy(update={"domain": domain(vcpu_scheds=(), guest=None)})
    assert of(node, "D13") == [("no vCPU with a real-time policy", 'set rt_vcpus to "1-3"')]


def test_a_guest_that_polls_beside_an_unpinned_emulator_is_judged_by_its_pins() -> None:
    own = {"vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4"), "guest": POLLING}
    assert codes(domain(**own, emulator_pin=None)) == ["D07"]


def test_a_guest_that_polls_with_two_vcpus_on_one_cpu_is_told() -> None:
    shared = {"vcpus": 5, "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4", v4="5"), "guest": POLLING}
    assert [given for given, _ in of(domain(**shared), "D47")] == ["idle=poll; no host CPU of its own has: vCPUs 0,4"]


def test_a_guest_that_polls_on_several_cpus_is_told_of_that_vcpu() -> None:
    wide = {"vcpu_pins": pins(v0="5-6", v1="2", v2="3", v3="4"), "guest": POLLING}
    assert [given for given, _ in of(domain(**wide), "D47")] == ["idle=poll; no host CPU of its own has: vCPU 0"]
