"""What a guest is told at its first boot."""

import os
import subprocess

import yaml

from quietcore.render.cloud_init import CMDLINE, GRUB_DROP_IN, Seed, seed
from quietcore.spec import KernelCmdline, RtNodeSpec, TunedProfileSpec
from quietcore.units import CpuSet, Size

NODE = RtNodeSpec(name="plc-a", host="hv1", vcpus=2, rt_vcpus=CpuSet([1]), memory=Size.parse("1GiB"))
TUNED = TunedProfileSpec(name="plc-guest", role="guest")
LINE = KernelCmdline.parse("isolcpus=managed_irq,domain,1 nohz_full=1")
MAC = "52:54:00:00:00:01"


def told(node: RtNodeSpec = NODE, **arguments: object) -> Seed:
    return seed(node, TUNED, LINE, **{"macs": [MAC], **arguments})


def data(written: Seed) -> dict[str, object]:
    return yaml.safe_load(written.user_data)


def files(written: Seed) -> dict[str, str]:
    return {file["path"]: file["content"] for file in data(written)["write_files"]}


def instance(written: Seed) -> str:
    return yaml.safe_load(written.meta_data)["instance-id"]


def test_the_boot_loader_adds_the_command_line_to_what_the_image_has(tmp_path):
    written = files(told())
    line = tmp_path / "cmdline"
    line.write_text(written[CMDLINE])
    script = written[GRUB_DROP_IN].replace(CMDLINE, str(line)) + 'printf %s "$GRUB_CMDLINE_LINUX"\n'
    ran = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GRUB_CMDLINE_LINUX": "quiet"},
    )
    assert ran.stdout == f"quiet {LINE}"


def test_the_guest_reboots_only_while_it_runs_without_its_command_line(tmp_path):
    condition = data(told())["power_state"]["condition"]
    wanted, booted = tmp_path / "wanted", tmp_path / "booted"
    wanted.write_text(files(told())[CMDLINE])
    test = condition.replace(CMDLINE, str(wanted)).replace("/proc/cmdline", str(booted))
    for line, reboots in (("root=/dev/vda1 ro", True), (f"root=/dev/vda1 {LINE} quiet", False)):
        booted.write_text(f"{line}\n")
        assert (subprocess.run(["sh", "-c", test], check=False).returncode == 0) == reboots


def test_a_directly_booted_guest_is_not_told_to_reboot():
    written = told(NODE.model_copy(update={"boot": "direct"}))
    assert "power_state" not in data(written)
    assert GRUB_DROP_IN not in files(written)
    assert "tuned-adm profile plc-guest" in data(written)["runcmd"]


def test_changed_data_is_a_new_instance_and_equal_data_is_not():
    assert instance(told()) == instance(told())
    assert instance(told()) != instance(told(authorized_keys=["ssh-ed25519 AAAA x"]))
    assert instance(told()) != instance(told(macs=["52:54:00:00:00:02"]))


def test_further_cloud_config_follows_ours_and_replaces_single_values():
    extra = {"runcmd": ["echo hi"], "power_state": {"message": "again"}, "timezone": "UTC"}
    merged = data(told(extra=extra))
    assert merged["runcmd"][-1] == "echo hi"
    assert len(merged["runcmd"]) == len(data(told())["runcmd"]) + 1
    assert merged["power_state"]["message"] == "again"
    assert merged["power_state"]["mode"] == "reboot"
    assert merged["timezone"] == "UTC"
