"""A site of real-time nodes as a user declares it; `size.json` says how many hosts and how many nodes on each."""

import json
from pathlib import Path

from quietcore import CpuPlan, Host, RtNode, TunedProfile

size = json.loads((Path(__file__).parent / "size.json").read_text())
realtime = TunedProfile("plc-guest", role="guest")

for number in range(size["hosts"]):
    host = Host(
        f"hv{number}",
        uri="test:///default",
        topology="hv.yaml",
        cpus=CpuPlan(housekeeping="0-3,32-35", isolated="4-31,36-63"),
    )
    for each in range(size["nodes"]):
        RtNode(
            f"plc-{number}-{each}",
            host=host,
            image="debian.qcow2",
            vcpus=3,
            rt_vcpus="1-2",
            memory="2GiB",
            tuned=realtime,
        )
