"""The derived domain."""

from quietcore.derive.domain import domain_of
from quietcore.rules.examples import host
from quietcore.spec import KernelCmdline, RtNodeSpec
from quietcore.units import CpuSet, Size

NODE = RtNodeSpec(name="plc-a", host="hv1", vcpus=2, rt_vcpus=CpuSet([1]), memory=Size.parse("1GiB"))


def derived(arch: str):
    on = host()
    on = on.model_copy(update={"topology": on.topology.model_copy(update={"arch": arch})})
    return domain_of(NODE, on, (1, 2), None, KernelCmdline())


def test_a_pc_loses_what_only_a_pc_has():
    pc = derived("x86_64")
    assert (pc.hpet, pc.vmport, pc.devices.usb, pc.cpu_features) == (False, False, "none", {"tsc-deadline": "require"})


def test_an_arm_guest_gets_nothing_that_only_x86_has():
    arm = derived("aarch64")
    assert (arm.hpet, arm.vmport, arm.devices.usb, arm.cpu_features) == (None, None, None, {})
