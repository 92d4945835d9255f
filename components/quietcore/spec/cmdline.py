"""A kernel command line as a value: parameters in order, kept as written."""

from __future__ import annotations

from quietcore.spec.spec import Spec, Tuple
from quietcore.units import CpuSet

ISOLCPUS_FLAGS = frozenset({"domain", "nohz", "managed_irq"})


class KernelCmdline(Spec):
    """Boot parameters in order, each ``name`` or ``name=value``.

    Quoting follows the kernel's ``next_arg`` (lib/cmdline.c): double quotes keep spaces inside a value.
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

    def get(self, name: str) -> str | None:
        """The value of the last parameter of that name (the last one wins); "" for a bare flag, None when absent."""
        found = [parameter for parameter in self.parameters if parameter.split("=", 1)[0] == name]
        return found[-1].partition("=")[2] if found else None

    def cpus(self, name: str, count: int | None = None) -> CpuSet | None:
        """The CPU set of a parameter such as ``nohz_full``, without ``isolcpus`` flags; None when absent.

        ``count`` is the kernel's number of CPUs, which ``N`` and ``all`` need. Raises UnitError.
        """
        value = self.get(name)
        if value is None:
            return None
        items = [item for item in value.split(",") if item not in ISOLCPUS_FLAGS]
        return CpuSet.parse(",".join(items), count=count)

    def __str__(self) -> str:
        return " ".join(self.parameters)
