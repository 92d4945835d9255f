"""A tuned profile, for a host or for a guest: one of ours, or one that others wrote, with all that its files say."""

from __future__ import annotations

import re
from typing import Literal

from quietcore.spec.spec import Spec, Tuple, Whole

PARENTS = {"host": "realtime-virtual-host", "guest": "realtime-virtual-guest"}

NOT_IN_RT = ("kernel.numa_balancing", "net.core.busy_poll", "net.core.busy_read")
"""What tuned's profiles set and a real-time kernel does not have (PREEMPT_RT has no NUMA balancing or busy polling)."""

_SEPARATOR = re.compile(r"[,;]")
# A name, then a function that gives more names after a separator, or nothing.
_MAYBE_MORE = re.compile(r"([\w.-]+)(\$\{f:\w+:.*:(?:[,;][^:{}]*)?:(?:[,;][^:{}]*)?\})\Z", re.DOTALL)


class TunedProfileSpec(Spec):
    """A named profile on top of tuned's own for its role.

    ``sysctl`` adds to or overrides the parent's values. The isolated set is not here: it follows from where
    the profile is used. ``include`` names other parents than the role's own; "" is a profile without any. ``cmdline``
    is what the profile itself writes to the boot loader; ours write nothing, so that the kernel command line has one
    writer.

    ``foreign`` is a profile that others wrote: then what its files say is all that there is. ``sections`` holds it as
    written, by section and option, without what ``sysctl`` and ``include`` hold; ``variables`` the profile's own and
    those of their file, unexpanded, in order, where an option ``include`` is a file that was not there to be read.
    ``merged`` names the profiles whose files were given and are merged into this one, parents first. ``unread`` says
    what else could not be read.
    """

    name: str
    role: Literal["host", "guest"]
    include: str | None = None
    sysctl: dict[str, str] = {}
    cmdline: Tuple[str] = ()
    foreign: bool = False
    sections: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    merged: Tuple[str] = ()
    unread: Tuple[str] = ()

    @property
    def parent(self) -> str:
        """The parent profile that the rendered one includes, or several with commas."""
        return PARENTS[self.role] if self.include is None else self.include

    @property
    def parents(self) -> tuple[str, ...]:
        """The parents by name; one that tuned may do without is written with a leading ``-``, which is left out.

        What a function gives is not known: it stands here as it is written, after the names that are sure.
        """
        return tuple(name for text in _separated(self.parent) for name in _sure(text.strip().removeprefix("-")) if name)


def _separated(include: str) -> list[str]:
    """An include's parts, with what stands in ``${...}`` left together."""
    if "${" not in include:
        return _SEPARATOR.split(include)
    parts, depth = [""], 0
    for before, character in zip(f" {include}", include, strict=False):
        depth += (before == "$" and character == "{") - (depth > 0 and character == "}")
        if not depth and character in ",;":
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _sure(text: str) -> tuple[str, ...]:
    more = _MAYBE_MORE.match(text) if "${" in text else None
    return more.groups() if more else (text,)


class TunedAdvice(Spec):
    """One entry of ``spec.recommend``: which profile for which nodes. The lowest ``priority`` number wins."""

    profile: str
    priority: Whole = 0
    labels: dict[str, str] = {}
    match: Tuple[str] = ()


class TunedResourceSpec(Spec):
    """OpenShift's ``Tuned`` object (tuned.openshift.io/v1): profiles in their text, and where they are to be used.

    ``performance_profiles`` names the PerformanceProfiles that are known beside it; empty where none is.
    ``included_elsewhere`` names the profiles that other Tuned objects beside it include.
    ``unread`` are the keys of the object that hold something else.
    """

    name: str
    namespace: str = ""
    profiles: Tuple[TunedProfileSpec] = ()
    recommend: Tuple[TunedAdvice] = ()
    performance_profiles: Tuple[str] = ()
    included_elsewhere: Tuple[str] = ()
    unread: Tuple[str] = ()
