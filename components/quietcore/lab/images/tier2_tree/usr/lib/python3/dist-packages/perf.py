"""Stand-in for perf's Python binding, which no Debian package carries.

tuned's plugins scheduler and irqbalance import it and need cpu_map() only; without them isolated_cores and thread
priorities of a profile are not applied, though the profile counts as active. The event loop of plugin scheduler
(priorities of processes that start later) stays off, as tuned itself does where perf cannot open events.
"""

from pathlib import Path


def cpu_map() -> list[int]:
    """The online CPUs."""
    cpus: list[int] = []
    for part in Path("/sys/devices/system/cpu/online").read_text().strip().split(","):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus
