"""The package's schema, for tools that generate code: `pulumi import` writes a program from it.

The engine itself needs none. The tables name each property of the SDK's release with its type; `[X]` is a list of X,
`{}` a map of texts, a capital letter begins an object type.
"""

from __future__ import annotations

import json
from typing import Any, Final

_TYPES: Final[dict[str, str]] = {
    "DomainBootDevice": "devs:[string]",
    "DomainConsole": "sourceHost:string sourcePath:string sourceService:string targetPort:string targetType:string "
    "type:string",
    "DomainCpu": "mode:string",
    "DomainDisk": "blockDevice:string file:string scsi:boolean url:string volumeId:string wwn:string",
    "DomainFilesystem": "accessmode:string readonly:boolean source:string target:string",
    "DomainGraphics": "autoport:boolean listenAddress:string listenType:string type:string websocket:integer",
    "DomainNetworkInterface": "addresses:[string] bridge:string hostname:string mac:string macvtap:string "
    "networkId:string networkName:string passthrough:string vepa:string waitForLease:boolean",
    "DomainNvram": "file:string template:string",
    "DomainTpm": "backendDevicePath:string backendEncryptionSecret:string backendPersistentState:boolean "
    "backendType:string backendVersion:string model:string",
    "DomainVideo": "type:string",
    "DomainXml": "xslt:string",
    "NetworkDhcp": "enabled:boolean",
    "NetworkDns": "enabled:boolean forwarders:[NetworkDnsForwarder] hosts:[NetworkDnsHost] localOnly:boolean "
    "srvs:[NetworkDnsSrv]",
    "NetworkDnsForwarder": "address:string domain:string",
    "NetworkDnsHost": "hostname:string ip:string",
    "NetworkDnsSrv": "domain:string port:string priority:string protocol:string service:string target:string "
    "weight:string",
    "NetworkDnsmasqOptions": "options:[NetworkDnsmasqOptionsOption]",
    "NetworkDnsmasqOptionsOption": "optionName:string optionValue:string",
    "NetworkRoute": "cidr:string gateway:string",
    "NetworkXml": "xslt:string",
    "PoolSource": "devices:[PoolSourceDevice] name:string",
    "PoolSourceDevice": "path:string",
    "PoolTarget": "path:string",
    "PoolXml": "xslt:string",
    "VolumeXml": "xslt:string",
}

_RESOURCES: Final[dict[str, str]] = {
    "domain:Domain": "arch:string autostart:boolean bootDevices:[DomainBootDevice] cloudinit:string cmdlines:[{}] "
    "consoles:[DomainConsole] coreosIgnition:string cpu:DomainCpu description:string disks:[DomainDisk] "
    "emulator:string filesystems:[DomainFilesystem] firmware:string fwCfgName:string graphics:DomainGraphics "
    "initrd:string kernel:string machine:string memory:integer metadata:string name:string "
    "networkInterfaces:[DomainNetworkInterface] nvram:DomainNvram qemuAgent:boolean running:boolean tpm:DomainTpm "
    "type:string vcpu:integer video:DomainVideo xml:DomainXml",
    "network:Network": "addresses:[string] autostart:boolean bridge:string dhcp:NetworkDhcp dns:NetworkDns "
    "dnsmasqOptions:NetworkDnsmasqOptions domain:string mode:string mtu:integer name:string routes:[NetworkRoute] "
    "xml:NetworkXml",
    "pool:Pool": "allocation:integer available:integer capacity:integer name:string path:string source:PoolSource "
    "target:PoolTarget type:string xml:PoolXml",
    "volume:Volume": "baseVolumeId:string baseVolumeName:string baseVolumePool:string format:string name:string "
    "pool:string size:integer source:string xml:VolumeXml",
    "cloudInitDisk:CloudInitDisk": "metaData:string name:string networkConfig:string pool:string userData:string",
}

_REQUIRED: Final = {"pool:Pool": ["type"], "DomainCpu": ["mode"], "DomainFilesystem": ["source", "target"],
                    "DomainConsole": ["targetPort", "type"], "NetworkRoute": ["cidr", "gateway"]}  # fmt: skip


def schema_json(version: str) -> str:
    """Give the schema as the engine's GetSchema answers it."""
    schema = {
        "name": "libvirt",
        "version": version,
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},  # tokens name the file after the module, as bridged plugins do
        "description": "libvirt domains, networks, pools, volumes and seed images",
        "config": {"variables": {"uri": {"type": "string"}}},
        "provider": {"inputProperties": {"uri": {"type": "string"}}, "properties": {"uri": {"type": "string"}}},
        "types": {
            f"libvirt:index/{name[0].lower()}{name[1:]}:{name}": _object(name, text) for name, text in _TYPES.items()
        },
        "resources": {f"libvirt:index/{name}": _resource(name, text) for name, text in _RESOURCES.items()},
        "language": {"python": {"compatibility": "tfbridge20"}},
    }
    return json.dumps(schema)


def _object(name: str, text: str) -> dict[str, Any]:
    return {"type": "object", "properties": _properties(text), "required": _REQUIRED.get(name, [])}


def _resource(name: str, text: str) -> dict[str, Any]:
    properties = _properties(text)
    return {"properties": properties, "inputProperties": properties, "requiredInputs": _REQUIRED.get(name, [])}


def _properties(text: str) -> dict[str, Any]:
    pairs = (item.split(":", 1) for item in text.split())
    return {name: _type(kind) for name, kind in pairs}


def _type(kind: str) -> dict[str, Any]:
    if kind.startswith("["):
        return {"type": "array", "items": _type(kind[1:-1])}
    if kind == "{}":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if kind[0].isupper():
        head = kind[0].lower() + kind[1:]
        return {"$ref": f"#/types/libvirt:index/{head}:{kind}"}
    return {"type": kind}
