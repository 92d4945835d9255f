"""A tuned profile, for a host or for a guest."""

from typing import Literal

from quietcore.spec.spec import Spec, Tuple

PARENTS = {"host": "realtime-virtual-host", "guest": "realtime-virtual-guest"}


class TunedProfileSpec(Spec):
    """A named profile on top of tuned's own for its role.

    ``sysctl`` adds to or overrides the parent's values. The isolated set is not here: it follows from where
    the profile is used. ``include`` names another parent than the role's own. ``cmdline`` is what the profile itself
    writes to the boot loader; ours write nothing, so that the kernel command line has one writer.
    """

    name: str
    role: Literal["host", "guest"]
    include: str | None = None
    sysctl: dict[str, str] = {}
    cmdline: Tuple[str] = ()

    @property
    def parent(self) -> str:
        """The parent profile that the rendered one includes."""
        return self.include or PARENTS[self.role]
