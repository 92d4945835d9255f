"""Which page size backs a guest's memory."""

from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.units import Size

SMALLEST = Size.mib(2)  # x86's smaller hugepage; on a host whose page pools are not declared


def page_size_of(node: RtNodeSpec, host: HostSpec, cell: int | None) -> Size:
    """The declared page size, else the largest pool of the cell that divides the memory and could hold it."""
    if node.page_size is not None:
        return node.page_size
    pools = {
        size: count for c in host.topology.cells if cell in (None, c.id) for size, count in c.pages.items() if count
    }
    fitting = [
        size for size, count in pools.items() if node.memory.bytes % size.bytes == 0 and node.memory <= size * count
    ]
    return max(fitting or pools, default=SMALLEST)
