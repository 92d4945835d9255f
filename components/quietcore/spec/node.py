"""A real-time node: the guest that a user declares, before anything is derived."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from quietcore.errors import UnitError
from quietcore.spec.spec import CpuSetField, DurationField, SizeField, Spec, Tuple, Whole
from quietcore.units import CpuSet, Duration, Size
from quietcore.units.cpuset import MOST


def _pins(value: object) -> object:
    """Keys come back from the engine as text."""
    if not isinstance(value, dict):
        return value
    return {int(vcpu) if isinstance(vcpu, str) and vcpu.isdecimal() else vcpu: cpu for vcpu, cpu in value.items()}


def _in_mebibytes(memory: Size) -> Size:
    """The SDK's domain counts its memory in MiB."""
    whole, rest = divmod(memory.bytes, Size.mib(1).bytes)
    if whole and not rest:
        return memory
    near = " or ".join(str(Size.mib(count)) for count in (whole, whole + 1) if count)
    raise UnitError(
        "memory is no whole number of MiB", given=str(memory), allowed="1MiB and more", hint=f"write {near}"
    )


_HostCpu = Annotated[Whole, Field(ge=0, lt=MOST)]

Pins = Annotated[dict[int, _HostCpu], BeforeValidator(_pins)]


class RtNodeSpec(Spec):
    """What a user says of a node. ``rt_vcpus`` are guest CPU numbers; ``pins`` and ``emulator`` hold the host's.

    ``pins``, ``emulator``, ``page_size`` and ``cell`` are derived unless given; a rule judges what is given.
    ``boot``: "direct" starts a given kernel with ``root`` as root device; "disk" starts a stock cloud image from its
    own disk, where cloud-init writes the boot-loader drop-in and reboots once.
    ``restart``: whether an update may shut the guest down and start it again to bring a change into force.
    """

    name: str
    host: str
    vcpus: Annotated[Whole, Field(ge=1, le=512)]
    rt_vcpus: CpuSetField
    memory: Annotated[SizeField, AfterValidator(_in_mebibytes)]
    tuned: str | None = None
    networks: Tuple[str] = ("default",)
    boot: Literal["disk", "direct"] = "disk"
    root: str = "/dev/vda1"
    disk: SizeField = Size.parse("8GiB")
    scheduler: Literal["fifo", "rr"] | None = None
    priority: Whole = 1
    iothreads: Annotated[Whole, Field(ge=0, le=512)] = 1
    pins: Pins | None = None
    emulator: CpuSetField | None = None
    cell: Annotated[Whole, Field(ge=0)] | None = None
    page_size: SizeField | None = None
    guest_hugepages: Annotated[Whole, Field(ge=0)] = 0
    cmdline: Tuple[str] = ()
    restart: Literal["never", "when-needed"] = "never"
    shutdown_timeout: DurationField = Duration.parse("120s")
    autostart: bool = True

    @property
    def housekeeping_vcpus(self) -> CpuSet:
        """The vCPUs, in guest numbers, that take the guest's OS work."""
        return CpuSet(range(self.vcpus)) - self.rt_vcpus
