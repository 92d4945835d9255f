"""A kernel command line as a value: parameters in order, kept as written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from quietcore.spec.spec import Spec, Tuple
from quietcore.units import CpuSet

ISOLCPUS_FLAGS = frozenset({"domain", "nohz", "managed_irq"})

_LINES = 4096  # how many are kept read: of a site's nodes, most boot with one of a few


class KernelCmdline(Spec):
    """Boot parameters in order, each ``name`` or ``name=value``.

    Quoting follows the kernel's ``next_arg`` (lib/cmdline.c): double quotes keep spaces inside a value. Names are
    compared as the kernel does (``parameq``), ``-`` and ``_`` alike; what follows ``--`` is for init.
    """

    parameters: Tuple[str] = ()

    @classmethod
    def parse(cls, text: str) -> KernelCmdline:
        """Split a command line as the kernel does."""
        words, word, quoted = [], "", False
        for character in text.strip():
            if character == '"':
                quoted = not quoted
            if character.isspace() and not quoted:
                words += [word] if word else []
                word = ""
            else:
                word += character
        return cls(parameters=(*words, word) if word else tuple(words))

    @property
    def settings(self) -> tuple[tuple[str, str | None], ...]:
        """(name, value) of each parameter for the kernel, in order, without quotes; None for a bare name."""
        return _read(self.parameters)[0]

    def get(self, name: str) -> str | None:
        """The value of the last parameter of that name (the last one wins); "" for a bare flag, None when absent."""
        return _read(self.parameters)[1].get(name.replace("-", "_"))

    def flags(self) -> tuple[str, ...]:
        """What stands before the CPUs of ``isolcpus``, known to the kernel or not; empty means ``domain``."""
        return _flags(self.get("isolcpus") or "")

    def cpus(self, name: str, count: int | None = None) -> CpuSet | None:
        """The CPU set of a parameter such as ``nohz_full``, without ``isolcpus`` flags; None when absent.

        ``count`` is the kernel's number of CPUs, which ``N`` and ``all`` need. Raises UnitError.
        """
        value = self.get(name)
        if value is None:
            return None
        return _listed(value, name.replace("-", "_") == "isolcpus", count)

    def __str__(self) -> str:
        return " ".join(self.parameters)


Settings = tuple[tuple[str, str | None], ...]


@lru_cache(_LINES)
def _read(parameters: tuple[str, ...]) -> tuple[Settings, Mapping[str, str]]:
    """Each parameter as name and value, and the last value by name."""
    ours = parameters[: parameters.index("--")] if "--" in parameters else parameters
    settings = tuple(_setting(parameter) for parameter in ours)
    return settings, {name.replace("-", "_"): value or "" for name, value in settings}


def _setting(parameter: str) -> tuple[str, str | None]:
    plain = parameter.removeprefix('"')
    plain = plain.removesuffix('"') if plain != parameter else plain
    name, equals, value = plain.partition("=")
    unquoted = value[1:].removesuffix('"') if value.startswith('"') else value
    return name, unquoted if equals else None


def _flags(value: str) -> tuple[str, ...]:
    items = value.split(",")
    first = next((place for place, item in enumerate(items) if not item[:1].isalpha()), len(items))
    return tuple(items[:first])


@lru_cache(_LINES)
def _listed(value: str, flagged: bool, count: int | None) -> CpuSet:
    """Flags stand before the CPUs; one that follows them is no CPU list."""
    flags = _flags(value) if flagged else ()
    unknown = [flag for flag in flags if flag not in ISOLCPUS_FLAGS]
    return CpuSet.parse(",".join([*unknown, *value.split(",")[len(flags) :]]), count=count)
