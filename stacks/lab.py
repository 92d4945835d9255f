"""Two real-time guests on the two hosts of the lab.

Start the hosts with ``quietcore lab up``; then ``pulumi up`` makes the guests. Each has two vCPUs: vCPU 0 takes the
guest's own housekeeping, vCPU 1 is real-time. Pins, priorities, hugepages, NUMA binding, the guest's kernel command
line and its tuned variables all follow from the few lines below.
"""

import pulumi

from quietcore import CpuPlan, Host, RtNode, TunedProfile
from quietcore.lab.description import described

lab = described()

hosts = [
    Host(host.name, uri=host.uri, topology=host.topology, cpus=CpuPlan(**host.cpus), facts=lab.facts)
    for host in lab.hosts
]
realtime = TunedProfile("plc-guest", role="guest", sysctl={"vm.stat_interval": "10"})

nodes = [
    RtNode(
        name,
        host=host,
        image=lab.image,
        kernel=lab.kernel,
        initrd=lab.initrd,
        boot="direct",
        vcpus=2,
        rt_vcpus="1",
        memory="768MiB",
        tuned=realtime,
        wait_for_lease=True,
    )
    for name, host in zip(["plc-a", "plc-b"], hosts, strict=False)
]

for node in nodes:
    pulumi.export(node.name, {"addresses": node.addresses})
