"""What `up` would change of a node, in the plugin's own words about when it takes effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from quietcore.gate.events import SAME, Events, Step
from quietcore.resources.site import DOMAIN, HOST, NODE

NEXT_BOOT, RESTART = "(at next boot)", "the guest is restarted for"
"""How the plugin's line says when a change takes effect; a test holds these to the plugin."""
NOT_OBSERVED: Final = "not observed: "
_COMPONENTS: Final = ("quietcore:", "pulumi:pulumi:Stack", "pulumi:providers:")


@dataclass(frozen=True)
class Change:
    """A resource that `up` would touch. ``owner`` is the node or host that it is part of, such as `node plc-a`."""

    owner: str
    type: str
    name: str
    op: str
    lines: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The last word of the type: `Domain`."""
        return self.type.rpartition(":")[2]

    @property
    def when(self) -> str:
        """When a running guest has it; "" where there is none."""
        words = " ".join(self.lines)
        if RESTART in words or (self.type == DOMAIN and self.op == "replace"):
            return "restarts the guest"
        if NEXT_BOOT in words:
            return "at next boot"
        if self.type == DOMAIN and self.op == "delete":
            return "stops the guest"
        return "live" if self.op == "update" and self.lines else ""


def changes(events: Events) -> tuple[Change, ...]:
    """All resources that `up` would touch, and those of which the plugin has something to say, by owner."""
    known = {step.urn: step for step in events.steps}
    lines: dict[str, list[str]] = {}
    for said in events.said:
        if said.severity in ("info", "warning") and not said.text.startswith(NOT_OBSERVED):
            lines.setdefault(said.urn, []).append(said.text)
    found = [
        Change(_owner(step, known), step.type, step.name, step.op, tuple(lines.get(step.urn, ())))
        for step in events.steps
        if not step.type.startswith(_COMPONENTS) and (step.op != SAME or step.urn in lines)
    ]
    return tuple(sorted(found, key=lambda change: (change.owner, change.kind, change.name)))


def by_owner(found: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    """The changes of each node and host, nodes first."""
    groups: dict[str, list[Change]] = {}
    for change in found:
        groups.setdefault(change.owner, []).append(change)
    yield from sorted(groups.items(), key=lambda group: (not group[0].startswith("node "), group[0]))


def host_of(urn: str, known: Mapping[str, Step]) -> str:
    """The host whose provider serves a resource; the provider's name where no host is declared."""
    step = known.get(urn)
    provider = known.get(step.provider) if step else None
    if step is None or provider is None:
        return step.name if step else "a host"
    host = known.get(provider.parent)
    return host.name if host is not None and host.type == HOST else provider.name


def _owner(step: Step, known: Mapping[str, Step]) -> str:
    at: Step | None = step
    while at is not None:
        if at.type in (NODE, HOST):
            return f"{'node' if at.type == NODE else 'host'} {at.name}"
        at = known.get(at.parent)
    return f"domain {step.name}" if step.type == DOMAIN else "other resources"
