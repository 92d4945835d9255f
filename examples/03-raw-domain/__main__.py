"""A libvirt domain written by hand, with its real-time settings in a stylesheet of its own."""

from pathlib import Path

import pulumi
import pulumi_libvirt as libvirt

from quietcore import CpuPlan, Host

hv1 = Host(
    "hv1",
    uri="qemu+ssh://root@hv1.example.net/system",
    topology="hosts/hv1.yaml",
    cpus=CpuPlan(housekeeping="0-1", isolated="2-7"),
)

# The host's provider places the domain: rules then know which CPUs and pages it has there.
libvirt.Domain(
    "motion",
    name="motion",
    machine="q35",
    vcpu=2,
    memory=2048,
    network_interfaces=[{"network_name": "default"}],
    xml={"xslt": Path("motion.xslt").read_text()},
    opts=pulumi.ResourceOptions(provider=hv1.provider),
)
