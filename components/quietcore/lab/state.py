"""``lab.json``: what a lab is, for people, programs and the next ``up``. Written whole, by rename."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quietcore.errors import EnvironmentFault
from quietcore.lab.layout import LabDir

Memlock = Literal["limited", "unlimited"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cpus(_Value):
    """CPU lists of one host; ``shared``: other hosts of the lab use the same CPUs."""

    housekeeping: str
    isolated: str
    shared: bool


class HostState(_Value):
    """One host: how to reach it, and what it has. ``hugepages`` counts 2 MiB pages."""

    name: str
    uri: str
    ssh_uri: str
    address: str
    vtep: str
    netns: str
    ovsdb: str
    cpus: Cpus
    hugepages: int


class Tier1(_Value):
    """A guest of seconds: busybox initramfs on the RT kernel, booted directly."""

    kernel: str
    initrd: str


class Tier2(_Value):
    """A Debian guest: one qcow2 that boots by itself, and its kernel and initrd for a direct boot."""

    disk: str
    kernel: str
    initrd: str
    cmdline: str


class Images(_Value):
    """Guest images by tier; a tier that was not asked for is None."""

    tier1: Tier1 | None = None
    tier2: Tier2 | None = None

    def kernel(self) -> Path | None:
        """A guest kernel, of whichever tier has one."""
        image = self.tier1 or self.tier2
        return Path(image.kernel) if image else None

    def still_there(self) -> Images:
        """Those whose kernel is in the cache still."""
        return Images(
            tier1=self.tier1 if self.tier1 and Path(self.tier1.kernel).exists() else None,
            tier2=self.tier2 if self.tier2 and Path(self.tier2.kernel).exists() else None,
        )


class LabState(_Value):
    """The whole lab. ``slot`` chooses its addresses, ``boot`` is the kernel's boot identity, ``hugepages`` the count of
    2 MiB pages that the lab added to the machine's pool."""

    schema_: Literal[1] = Field(1, alias="schema")
    name: str
    dir: str
    slot: int
    boot: str
    accelerator: Literal["kvm", "tcg"]
    accelerator_reason: str
    memlock: Memlock
    fifo: bool
    rt_throttling: bool
    hugepages: int
    hosts: list[HostState]
    images: Images = Images()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def document(self) -> dict[str, Any]:
        """The value as plain JSON data."""
        return self.model_dump(mode="json", by_alias=True)


def read(lab: LabDir) -> LabState | None:
    """The lab's state; None when there is no lab. A torn or foreign file is an error that says what to do."""
    try:
        return LabState.model_validate_json(lab.state.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EnvironmentFault(
            "the lab's state file cannot be read",
            where=str(lab.state),
            given=str(error).splitlines()[0],
            hint=f"quietcore lab down --name {lab.name}",
        ) from error


def write(lab: LabDir, state: LabState) -> None:
    """Replace the lab's state."""
    replace(lab.state, json.dumps(state.document(), indent=2) + "\n")


def replace(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(file)
