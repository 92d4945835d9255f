"""What this very machine says of itself: lscpu and sysfs, read without any privilege."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from quietcore.errors import EnvironmentFault
from quietcore.render.lscpu import CellMemory, lift
from quietcore.spec.topology import HostTopology
from quietcore.units import Size

SYS: Final = Path("/sys")
PROC: Final = Path("/proc")


def local_topology(sys: Path = SYS, proc: Path = PROC) -> HostTopology:
    """The topology of this machine. Raises EnvironmentFault where lscpu is missing."""
    table = _lscpu("--extended=CPU,NODE,SOCKET,CORE")
    return lift(_lscpu(), table, memory_by_cell(sys, proc))


def memory_by_cell(sys: Path = SYS, proc: Path = PROC) -> dict[int, CellMemory]:
    """NUMA cell to its memory and reserved hugepages; a kernel without NUMA has all in cell 0."""
    cells = {int(path.name[4:]): path for path in (sys / "devices/system/node").glob("node[0-9]*")}
    if cells:
        return {number: CellMemory(_total(path / "meminfo"), _pools(path)) for number, path in sorted(cells.items())}
    return {0: CellMemory(_total(proc / "meminfo"), _pools(sys / "kernel/mm"))}


def _lscpu(*arguments: str) -> str:
    program = shutil.which("lscpu")
    if program is None:
        raise EnvironmentFault("lscpu is not installed", hint="apt-get install util-linux")
    # The C locale keeps the field names English.
    done = subprocess.run(
        [program, "--json", *arguments], capture_output=True, text=True, env={"LC_ALL": "C"}, check=False
    )
    if done.returncode:
        raise EnvironmentFault("lscpu failed", given=done.stderr.strip())
    return done.stdout


def _total(meminfo: Path) -> Size:
    for line in meminfo.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition("MemTotal:")
        if value and not name.strip().startswith("Mem"):
            return Size.kib(int(value.split()[0]))
    raise EnvironmentFault("the kernel does not say how much memory there is", where=str(meminfo))


def _pools(place: Path) -> dict[Size, int]:
    pools = {}
    for pool in (place / "hugepages").glob("hugepages-*kB"):
        size = Size.kib(int(pool.name.removeprefix("hugepages-").removesuffix("kB")))
        pools[size] = int((pool / "nr_hugepages").read_text(encoding="ascii"))
    return {size: count for size, count in sorted(pools.items()) if count}
