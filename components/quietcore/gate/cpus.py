"""Who has which CPU of a host, before and after."""

from __future__ import annotations

from dataclasses import dataclass

from quietcore.render.diagram import cpu_map
from quietcore.spec.site import SiteSpec


@dataclass(frozen=True)
class CpuMaps:
    """The CPU map of one host in the last state and in the program; "" where it is not declared there."""

    host: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


def cpu_maps(before: SiteSpec | None, after: SiteSpec | None) -> tuple[CpuMaps, ...]:
    """The maps of all hosts of either picture, by name."""
    old, new = _maps(before), _maps(after)
    return tuple(CpuMaps(host, old.get(host, ""), new.get(host, "")) for host in sorted(old | new))


def _maps(site: SiteSpec | None) -> dict[str, str]:
    return {view.host.name: cpu_map(view) for view in site.views()} if site else {}
