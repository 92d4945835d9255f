"""A host with two sockets and SMT: real-time vCPUs get whole cores of one NUMA cell, and memory from that cell."""

from quietcore import CpuPlan, Host, RtNode, TunedProfile

hv1 = Host(
    "hv1",
    uri="qemu+ssh://root@hv1.example.net/system",
    topology="hosts/hv1.yaml",
    # The first core of each cell keeps house, both of its threads.
    cpus=CpuPlan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-15"),
)
realtime = TunedProfile("radio-guest", role="guest")
image = "https://images.example.net/debian-12-rt.qcow2"

# The network card of the radio hangs on the second socket: its node must lie there.
RtNode("radio", host=hv1, cell=1, image=image, vcpus=5, rt_vcpus="1-4", memory="8GiB", tuned=realtime)

# Nobody says where these two lie: each goes to the emptiest cell that has room.
RtNode("plc-a", host=hv1, image=image, vcpus=2, rt_vcpus="1", memory="4GiB", tuned=realtime)
RtNode("plc-b", host=hv1, image=image, vcpus=3, rt_vcpus="1-2", memory="4GiB", tuned=realtime)
