"""What a host is made of: CPUs, their siblings, NUMA cells, memory and page pools. A reviewed YAML file holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, PlainSerializer

from quietcore.spec.finding import Finding, Refused
from quietcore.spec.shape import TITLES
from quietcore.spec.spec import CpuSetField, SizeField, Spec, Tuple, Whole, spec_of, whole
from quietcore.units import CpuSet, Size

_KINDS = {type(None): "an empty file", list: "a list", str: "a text"}

_VALUES = 200_000

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _pages(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key if isinstance(key, Size) else Size.parse(key): count for key, count in value.items()}


Pages = Annotated[
    dict[Size, Whole],
    BeforeValidator(_pages),
    PlainSerializer(lambda pages: {str(size): count for size, count in sorted(pages.items())}),
]


class Cell(Spec):
    """A NUMA cell: its CPUs (host numbers), memory, and the count of reserved hugepages by page size."""

    id: Whole
    cpus: CpuSetField
    memory: SizeField
    socket: Whole = 0
    pages: Pages = {}


class HostTopology(Spec):
    """The hardware of a host. ``cores`` lists the sibling threads of each core; without it every CPU is a core."""

    schema_version: Annotated[Literal[1], BeforeValidator(whole)] = 1
    arch: str = "x86_64"
    vendor: str = ""
    model: str = ""
    cells: Tuple[Cell]
    cores: Tuple[CpuSetField] = ()

    @property
    def cpus(self) -> CpuSet:
        """All CPUs of the host."""
        return CpuSet().union(cell.cpus for cell in self.cells)

    @property
    def threads(self) -> int:
        """The most threads that a core has: 1 without SMT."""
        return max((len(core) for core in self.cores), default=1)

    @property
    def siblings(self) -> CpuSet:
        """The CPUs that ``nosmt`` leaves off: of each core, all threads but the first."""
        return CpuSet(cpu for core in self.cores for cpu in list(core)[1:])

    def core_of(self, cpu: int) -> CpuSet:
        """The sibling threads of ``cpu``, itself among them."""
        return next((core for core in self.cores if cpu in core), CpuSet([cpu]))

    def cell_of(self, cpu: int) -> Cell | None:
        """The NUMA cell that holds ``cpu``; None for a CPU that the host has not."""
        return next((cell for cell in self.cells if cpu in cell.cpus), None)

    def cells_of(self, cpus: CpuSet) -> CpuSet:
        """The numbers of the NUMA cells that hold any of ``cpus``."""
        return CpuSet(cell.id for cell in self.cells if not cell.cpus.isdisjoint(cpus))

    def text(self) -> str:
        """The YAML file's text; ``topology_from`` reads it back to an equal value."""
        data: dict[str, Any] = {"schema_version": 1, **self.dump()}
        return yaml.safe_dump(data, sort_keys=False, width=100)


def topology_from(path: Path) -> HostTopology:
    """Read a topology YAML file. Raises Refused that names the file, the key and the nearest right one."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise _unreadable(str(path), fault.strerror or str(fault)) from None
    except UnicodeDecodeError:
        raise _unreadable(str(path), "a file that is not UTF-8 text") from None
    return topology_of(text, str(path))


def topology_of(text: str, name: str) -> HostTopology:
    """Read a topology from the text of the file ``name``; ``topology_from`` says what it raises."""
    try:
        data = yaml.load(text, Loader)  # a safe loader, in C where present
    except yaml.YAMLError as fault:
        said = " ".join(str(fault).replace(' in "<unicode string>",', " at").split())
        raise _unreadable(name, said, "mend the YAML") from None
    except RecursionError:
        raise _unreadable(name, "nested too deep", "mend the YAML") from None
    except ValueError as fault:  # a date that is none, or a number of thousands of digits
        raise _unreadable(name, str(fault)[:80], "mend the YAML") from None
    if _endless(data):
        raise _unreadable(name, f"aliases that unfold to more than {_VALUES} values", "write the values out")
    if not isinstance(data, dict):
        raise _unreadable(name, f"{_KINDS.get(type(data), 'a single value')}, not a mapping")
    return spec_of(HostTopology, data, f"topology {name}")


def _endless(data: object) -> bool:
    """Whether more values stand in it than any file holds without aliases of aliases."""
    open_ = [data]
    for _ in range(_VALUES):
        if not open_:
            return False
        value = open_.pop()
        open_ += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return True


def _unreadable(name: str, given: str, hint: str = "") -> Refused:
    make = f"quietcore inventory URI > {name}"
    return Refused([Finding(code="S05", title=TITLES["S05"], where=f"topology {name}", given=given, hint=hint or make)])
