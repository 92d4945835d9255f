"""What OpenShift's operator makes of a sound profile breaks no rule: its goldens are good under their own dialect."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quietcore.derive.nto import Vendor, machine_of
from quietcore.rules.cluster.examples import WORKER
from quietcore.rules.judge import findings
from quietcore.spec import MachineFacts, MachineSpec, PerformanceProfileSpec, SiteSpec
from quietcore.spec.performance_profile import HardwareTuning, ProfilePages, WorkloadHints
from quietcore.units import CpuSet

maybe = st.none() | st.booleans()


@st.composite
def profiles(draw: st.DrawFn) -> PerformanceProfileSpec:
    """A profile that the webhook takes: each CPU in one set, hints that agree, pages with a default."""
    count = draw(st.sampled_from((4, 16, 64)))
    owner = [draw(st.sampled_from("riiiso")) for _ in range(count - 3)]
    sets = {key: CpuSet(cpu + 3 for cpu, mine in enumerate(owner) if mine == key) for key in "riso"}
    mixed = draw(st.booleans()) and bool(sets["s"])
    high = draw(st.booleans())
    kernel = draw(maybe)
    pages = tuple(
        ProfilePages(size=size, count=draw(st.integers(1, 8)), node=draw(st.sampled_from((None, 0))))
        for size in draw(st.sets(st.sampled_from(("2M", "1G"))))
    )
    return PerformanceProfileSpec(
        name="any",
        reserved=sets["r"] | CpuSet([0]) | (CpuSet() if mixed else sets["s"]),
        isolated=sets["i"] | CpuSet([1, 2]),
        offlined=sets["o"],
        shared=sets["s"] if mixed else None,
        balance_isolated=draw(maybe),
        default_page_size=draw(st.sampled_from(("2M", "1G"))) if pages else None,
        pages=pages,
        realtime_kernel=kernel,
        hints=WorkloadHints(
            real_time=draw(st.sampled_from((None, True))) if kernel else draw(maybe),
            high_power=high,
            per_pod_power=False if high else draw(maybe),
            mixed_cpus=mixed,
        ),
        topology_policy=draw(st.sampled_from((None, "none", "best-effort", "restricted", "single-numa-node"))),
        node_selector=WORKER,
        user_level_networking=draw(maybe),
        hardware_tuning=draw(st.none() | st.just(HardwareTuning(isolated=2500000, reserved=2800000))),
    )


@settings(max_examples=60, deadline=None)
@given(profile=profiles(), vendor=st.sampled_from((None, "intel", "amd")))
def test_nodes_of_a_sound_profile_give_no_finding(profile: PerformanceProfileSpec, vendor: Vendor | None) -> None:
    known = MachineSpec(name="w1", role="worker", facts=MachineFacts(vendor=vendor))
    told = findings(SiteSpec(machines=(machine_of(profile, known),)))
    assert [finding.text() for finding in told] == []
