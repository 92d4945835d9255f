"""Two hosts, a network and two nodes as a program of this release says them. Hosts and images are out of reach."""

import pulumi
import pulumi_libvirt as libvirt

from quietcore import CpuPlan, Host, RtNode, TunedProfile

NODE = "https://images.example.net/node.qcow2#sha256=1cf9628816a6a48f951f27c6bf3205f294978c359041499358a183814c101c97"
KERNEL = "https://images.example.net/vmlinuz#sha256=432f56e2595b99a4d8d97eed0f5a017be2aed94fe4b9372363140fc293cbfa44"
INITRD = "https://images.example.net/initrd.img#sha256=8dee599719b33c3fcdb359223cf5219030b242e368a1a0b0da9f050c812fab69"
PLAN = CpuPlan(housekeeping="0", isolated="1")
FACTS = {"accelerator": "tcg", "memlock": "limited"}

hv1 = Host("hv1", uri="qemu+unix:///system?socket=/nowhere/hv1", topology="hosts/hv.yaml", cpus=PLAN, facts=FACTS)
hv2 = Host("hv2", uri="qemu+unix:///system?socket=/nowhere/hv2", topology="hosts/hv.yaml", cpus=PLAN, facts=FACTS)
realtime = TunedProfile("plc-guest", role="guest", sysctl={"vm.stat_interval": "10"})
cell = libvirt.Network(
    "cell", name="cell", mode="nat", addresses=["10.98.7.0/24"], opts=pulumi.ResourceOptions(provider=hv1.provider)
)
RtNode(
    "plc-a",
    host=hv1,
    image=NODE,
    kernel=KERNEL,
    initrd=INITRD,
    boot="direct",
    vcpus=2,
    rt_vcpus="1",
    memory="128MiB",
    tuned=realtime,
    networks=["cell"],
    shutdown_timeout="0s",
    opts=pulumi.ResourceOptions(depends_on=[cell]),
)
RtNode(
    "plc-b",
    host=hv2,
    image=NODE,
    vcpus=2,
    rt_vcpus="1",
    memory="128MiB",
    tuned=realtime,
    cloud_config={"packages": ["rt-tests"]},
    restart="when-needed",
    shutdown_timeout="0s",
)
