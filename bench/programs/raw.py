"""The same resources written raw: same types, same properties, every text given. `plan.json` holds them.

Components are bare registrations, so that the count of resources is the same; the rest is the SDK's own classes.
"""

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_libvirt as libvirt

plan = json.loads((Path(__file__).parent / "plan.json").read_text())


class Component(pulumi.ComponentResource):
    """A component with the same inputs and outputs."""

    def __init__(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        super().__init__(kind, name, spec)
        self.spec = spec

    def done(self, **outputs: object) -> None:
        """Register the outputs."""
        self.register_outputs({"spec": self.spec, **outputs})


def addresses(known: list[Any]) -> list[Any]:
    """The addresses of the first interface."""
    return list(known[0][0].get("addresses") or []) if known[0] else []


def node(name: str, given: dict[str, Any], on: libvirt.Provider, pool: libvirt.Pool, image: libvirt.Volume) -> None:
    """A disk, a seed and a domain."""
    component = Component("quietcore:index:RtNode", name, given["component"])
    child = pulumi.ResourceOptions(parent=component, provider=on)
    root, seed, domain = given["volume"], given["seed"], given["domain"]
    disk = libvirt.Volume(
        f"{name}-root",
        name=root["name"],
        pool=pool.name,
        base_volume_id=image.id,
        size=root["size"],
        format=root["format"],
        opts=child,
    )
    cloudinit = libvirt.CloudInitDisk(
        f"{name}-seed",
        name=seed["name"],
        pool=pool.name,
        user_data=seed["userData"],
        meta_data=seed["metaData"],
        network_config=seed["networkConfig"],
        opts=child,
    )
    made = libvirt.Domain(
        name,
        name=name,
        type=domain["type"],
        arch=domain["arch"],
        machine=domain["machine"],
        vcpu=domain["vcpu"],
        memory=domain["memory"],
        disks=[{"volume_id": disk.id}],
        cloudinit=cloudinit.id,
        network_interfaces=[
            {"network_name": nic["networkName"], "mac": nic["mac"], "wait_for_lease": nic["waitForLease"]}
            for nic in domain["networkInterfaces"]
        ],
        consoles=[{"type": "pty", "target_type": "serial", "target_port": "0"}],
        qemu_agent=domain["qemuAgent"],
        autostart=domain["autostart"],
        running=domain["running"],
        xml={"xslt": domain["xml"]["xslt"]},
        opts=child,
    )
    component.done(addresses=pulumi.Output.all(made.network_interfaces).apply(addresses))


for name, spec in plan["profiles"].items():
    Component("quietcore:index:TunedProfile", name, spec).done()

for host, facts in plan["hosts"].items():
    component = Component("quietcore:index:Host", host, facts["component"])
    provider = libvirt.Provider(f"{host}-libvirt", uri=facts["uri"], opts=pulumi.ResourceOptions(parent=component))
    child = pulumi.ResourceOptions(parent=component, provider=provider)
    pool = libvirt.Pool(
        f"{host}-pool", name=facts["pool"]["name"], type=facts["pool"]["type"], path=facts["pool"]["path"], opts=child
    )
    component.done()
    image = libvirt.Volume(
        f"{host}-{facts['image']['name']}",
        name=facts["image"]["name"],
        pool=pool.name,
        source=facts["image"]["source"],
        format=facts["image"]["format"],
        opts=child,
    )
    for name, given in facts["nodes"].items():
        node(name, given, provider, pool, image)
