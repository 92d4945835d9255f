"""The Debian guest boots both ways, takes its seed, and a tuned profile has its effects there."""

from __future__ import annotations

import pytest
from debian_guest import booted, settled

from quietcore.lab import images, labs, processes
from quietcore.lab.guest_agent import run_in
from quietcore.lab.images import cache, tier1

pytestmark = pytest.mark.lab
pytest.importorskip("libvirt")
pytest.importorskip("pycdlib")

DONE = "test -e /run/cloud-init/result.json"
TUNED = """#cloud-config
write_files:
  - {path: /etc/tuned/realtime-virtual-guest-variables.conf, content: "isolated_cores=1\\n"}
runcmd: [tuned-adm profile realtime-virtual-guest]
"""
DROP_IN = """#cloud-config
write_files:
  - path: /etc/default/grub.d/50-realtime.cfg
    content: GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX isolcpus=1 nohz_full=1"
runcmd: [update-grub]
power_state: {mode: reboot, condition: "! grep -q isolcpus /proc/cmdline"}
"""


def test_an_image_is_built_once_and_found_afterwards(able):
    said: list[str] = []
    progress = labs.Progress()
    progress.say = said.append  # type: ignore[method-assign]
    first = images.ensure(("tier1",), labs.Progress())
    assert images.ensure(("tier1",), progress) == first
    assert said == []
    assert str(cache.folder("tier1", tier1.key())) in first.tier1.kernel


def test_an_interrupted_build_is_not_taken_for_an_image(able, tmp_path, monkeypatch):
    monkeypatch.setenv("QUIETCORE_CACHE", str(tmp_path))

    def interrupted(into):
        (into / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.ensure("half", "0", interrupted)
    assert [path.name for path in (tmp_path / "images").iterdir()] == [".half.lock"]
    assert cache.ensure("half", "0", lambda into: (into / "whole").touch()) == cache.folder("half", "0")


def test_booted_directly_it_is_a_real_time_machine_where_tuned_takes_effect(lab, tier2, tmp_path):
    with booted(lab.hosts[0], tier2, tmp_path, TUNED, direct=f"{tier2.cmdline} isolcpus=1") as guest:
        assert settled(guest, DONE)
        assert "PREEMPT_RT" in run_in(guest, "uname -v")
        assert run_in(guest, "cat /sys/devices/system/cpu/isolated").strip() == "1"
        assert "status: done" in run_in(guest, "cloud-init status")
        assert "realtime-virtual-guest" in run_in(guest, "tuned-adm active")
        assert run_in(guest, "sysctl -n kernel.sched_rt_runtime_us kernel.timer_migration").split() == ["-1", "0"]
        assert run_in(guest, "cat /proc/irq/default_smp_affinity").strip().lstrip("0") == "1"
        threads = run_in(guest, "ps -eLo cls,rtprio,comm").splitlines()
        assert {" ".join(line.split()) for line in threads} >= {"FF 2 ksoftirqd/1", "FF 4 rcuc/1"}
        guest.shutdown()
        assert processes.await_condition(lambda: not _active(guest), seconds=120, every=0.5)


def test_from_its_own_disk_it_takes_a_boot_loader_drop_in_and_one_reboot(lab, tier2, tmp_path):
    with booted(lab.hosts[1], tier2, tmp_path, DROP_IN, direct=None) as guest:
        assert settled(guest, f"{DONE} && grep -q isolcpus=1 /proc/cmdline")
        assert run_in(guest, "cat /sys/devices/system/cpu/isolated").strip() == "1"
        assert run_in(guest, "grep -c 'Finished.*[Cc]loud-init\\|cloud-init.*finished' /var/log/cloud-init.log || true")


def _active(guest) -> bool:
    import libvirt

    try:
        return bool(guest.isActive())
    except libvirt.libvirtError:
        return False
