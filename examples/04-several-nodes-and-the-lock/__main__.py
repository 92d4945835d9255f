"""Two hosts of the same make and five nodes; the lock beside this file says who has which CPU."""

from quietcore import CpuPlan, Host, RtNode, TunedProfile

NODES = {
    "left-press": ["feeder", "motion", "safety"],
    "right-press": ["motion", "safety"],
}

realtime = TunedProfile("press-guest", role="guest")

for press, jobs in NODES.items():
    host = Host(
        press,
        uri=f"qemu+ssh://root@{press}.example.net/system",
        topology="hosts/press.yaml",
        cpus=CpuPlan(housekeeping="0-1", isolated="2-7"),
    )
    for job in jobs:
        RtNode(
            f"{press}-{job}",
            host=host,
            image="https://images.example.net/debian-12-rt.qcow2",
            vcpus=3 if job == "motion" else 2,
            rt_vcpus="1-2" if job == "motion" else "1",
            memory="2GiB",
            tuned=realtime,
        )
