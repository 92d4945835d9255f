"""A realistic edge site, for preview: six two-socket hosts with SMT, four real-time nodes on each.

Every host keeps the first two cores of each socket for housekeeping and isolates the rest.
"""

from quietcore import CpuPlan, Host, RtNode, TunedProfile

IMAGE = "https://images.example.net/debian-12-rt-amd64.qcow2"

radio = TunedProfile("radio", role="guest")
control = TunedProfile("control", role="guest", sysctl={"kernel.timer_migration": "0"})

for number in range(1, 7):
    host = Host(
        f"edge{number}",
        uri=f"qemu+ssh://root@edge{number}.example.net/system",
        topology="hosts/edge.yaml",
        cpus=CpuPlan(housekeeping="0-1,16-17,32-33,48-49", isolated="2-15,18-31,34-47,50-63"),
    )
    for cell in (0, 1):
        RtNode(
            f"du-{number}-{cell}",
            host=host,
            image=IMAGE,
            vcpus=14,
            rt_vcpus="2-13",
            memory="32GiB",
            tuned=radio,
            cell=cell,
            networks=["fronthaul", "midhaul"],
        )
        RtNode(
            f"plc-{number}-{cell}",
            host=host,
            image=IMAGE,
            vcpus=6,
            rt_vcpus="2-5",
            memory="8GiB",
            tuned=control,
            cell=cell,
            scheduler="fifo",
            priority=10,
            restart="when-needed",
        )
