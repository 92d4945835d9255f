"""cloud-init's own schema takes the user data, and its network parser the network configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")

INTERFACES = """
import json, sys
try:
    from cloudinit import safeyaml
    from cloudinit.net.network_state import parse_net_config_data
except ImportError:
    print("null"); sys.exit()
config = safeyaml.load(open(sys.argv[1]).read())
state = parse_net_config_data(config)
print(json.dumps([[one["mac_address"], [net["type"] for net in one["subnets"]]] for one in state.iter_interfaces()]))
"""


def test_cloud_init_takes_the_user_data(node, tool):
    assert "Valid" in tool("cloud-init", "schema", "--config-file", node / "user-data")


def test_cloud_init_reads_each_interface_with_its_address_by_dhcp(node, tool):
    found = json.loads(tool(str(SYSTEM_PYTHON), "-c", INTERFACES, node / "network-config"))
    if found is None:
        pytest.skip("cloud-init is missing: apt-get install cloud-init")
    text = (node / "network-config").read_text()
    assert len(found) == text.count("macaddress")
    assert all(kinds == ["dhcp4"] for _, kinds in found)
    assert all(mac in text for mac, _ in found)
