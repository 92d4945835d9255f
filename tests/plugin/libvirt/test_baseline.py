"""The picture kept of a domain: what others changed since stands out, what libvirt fills in does not."""

from __future__ import annotations

from quietcore.plugins.libvirt.baseline import Baseline, baseline, drift, first_baseline, still_pending

DECLARED = {"memory": "1 GiB", "os.machine": "q35", "cputune.vcpupin[0]": "2"}
DEFINED = {**DECLARED, "os.machine": "pc-q35-7.2", "devices.controller[pci 0]": "<controller/>" * 9}


def test_what_libvirt_fills_in_is_no_drift():
    kept = baseline(DECLARED, DEFINED, DEFINED, run=1)
    assert drift(DECLARED, kept, DEFINED, DEFINED).values() == {}


def test_the_picture_survives_the_state():
    kept = baseline(DECLARED, DEFINED, DEFINED, run=1)
    assert Baseline.of({"__quietcore": kept.props()}) == kept


def test_a_pin_that_runs_otherwise_is_drift_of_what_runs():
    kept = baseline(DECLARED, DEFINED, DEFINED, run=1)
    astray = drift(DECLARED, kept, DEFINED, {**DEFINED, "cputune.vcpupin[0]": "7"})
    assert (astray.running, astray.defined) == ({"cputune.vcpupin[0]": "7"}, {})


def test_a_pin_that_nobody_declared_is_drift():
    kept = baseline(DECLARED, DEFINED, DEFINED, run=1)
    assert drift(DECLARED, kept, DEFINED, {**DEFINED, "cputune.vcpupin[1]": "0"}).running == {"cputune.vcpupin[1]": "0"}


def test_a_definition_edited_by_hand_is_drift_even_in_what_libvirt_filled_in():
    kept = baseline(DECLARED, DEFINED, DEFINED, run=1)
    edited = {**DEFINED, "devices.controller[pci 0]": "<other/>" * 9, "memory": "2 GiB"}
    assert set(drift(DECLARED, kept, edited, DEFINED).defined) == {"devices.controller[pci 0]", "memory"}


def test_what_waits_for_a_boot_runs_otherwise_and_is_no_drift():
    running = {**DEFINED, "memory": "512 MiB"}
    kept = baseline(DECLARED, DEFINED, running, run=1, pending=["memory"])
    assert drift(DECLARED, kept, DEFINED, running).values() == {}
    assert still_pending(kept, DEFINED, running, run=1) == ("memory",)


def test_nothing_waits_once_the_domain_was_started_anew():
    kept = baseline(DECLARED, DEFINED, {**DEFINED, "memory": "512 MiB"}, run=1, pending=["memory"])
    assert drift(DECLARED, kept, DEFINED, DEFINED).values() == {}
    assert still_pending(kept, DEFINED, DEFINED, run=2) == ()
    assert still_pending(kept, DEFINED, None, run=-1) == ()


def test_a_live_change_that_was_refused_is_drift_from_the_start():
    running = {**DEFINED, "cputune.vcpupin[0]": "7"}
    kept = baseline(DECLARED, DEFINED, running, run=1)
    assert drift(DECLARED, kept, DEFINED, running).running == {"cputune.vcpupin[0]": "7"}


def test_a_domain_never_seen_before_is_taken_as_it_is_but_for_literal_facts():
    taken = first_baseline(DECLARED, {**DEFINED, "cputune.vcpupin[0]": "7", "devices.disk[vdb]": "x"}, None, run=-1)
    seen = {**DEFINED, "cputune.vcpupin[0]": "7", "devices.disk[vdb]": "x"}
    assert drift(DECLARED, taken, seen, None).defined == {"cputune.vcpupin[0]": "7"}
