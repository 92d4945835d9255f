"""Where the addresses of a guest are learned: its agent, its lease, the host's ARP table, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import libvirt
import pytest

from quietcore.plugins.handler import Cancelled
from quietcore.plugins.libvirt.addresses import addresses_of, wait_for_leases
from quietcore.plugins.libvirt.observation import Observation, observe
from quietcore.render.stylesheet import parse_xml

AGENT = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT
LEASE = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE
ARP = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP
MAC = "52:54:00:00:00:01"
XML = f"""<domain type="qemu"><devices>
<interface type="network"><mac address="{MAC.upper()}"/></interface>
<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0" state="%s"/></channel>
</devices></domain>"""


def seen(agent: str = "connected", *, off: bool = False) -> Observation:
    domain = parse_xml(XML % agent)
    live = None if off else domain
    return Observation("u", "a", domain, live, run=1, paused=False, persistent=True, autostart=False)


@dataclass
class Guest:
    """A guest of whom each source knows other addresses; a source that is left out fails."""

    known: Mapping[int, list[str]]

    def interfaceAddresses(self, source: int) -> dict[str, Any]:  # noqa: N802  libvirt's name
        if source not in self.known:
            raise libvirt.libvirtError("no support")
        return {"vnet0": {"hwaddr": MAC.upper(), "addrs": [{"addr": address} for address in self.known[source]]}}


@dataclass
class Waiting:
    """What a wait needs of its context; ``cancelled.wait`` counts the polls, and says yes after ``patience``."""

    timeout: float | None = None
    patience: int = 1000
    told: list[str] = field(default_factory=list)

    @property
    def cancelled(self) -> Waiting:
        return self

    def wait(self, seconds: float) -> bool:
        self.patience -= 1
        return self.patience < 0

    def status(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def running() -> Iterator[libvirt.virDomain]:
    connection = libvirt.open("test:///default")
    yield connection.lookupByName("test")
    connection.close()


def test_a_lease_is_learned_from_libvirt(running: libvirt.virDomain) -> None:
    ((mac, addresses),) = addresses_of(running, observe(running), agent=True).items()
    assert mac == "aa:bb:cc:dd:ee:ff"
    assert addresses[0].startswith("192.168.122.")


@pytest.mark.parametrize(
    ("known", "agent", "address"),
    [
        ({AGENT: ["10.0.0.1"], LEASE: ["10.0.0.2"], ARP: ["10.0.0.3"]}, "connected", "10.0.0.1"),
        ({AGENT: ["10.0.0.1"], LEASE: ["10.0.0.2"], ARP: ["10.0.0.3"]}, "disconnected", "10.0.0.2"),
        ({AGENT: ["fe80::1", "127.0.0.1"], LEASE: [], ARP: ["10.0.0.3"]}, "connected", "10.0.0.3"),
        ({ARP: ["10.0.0.3"]}, "connected", "10.0.0.3"),
    ],
)
def test_the_first_source_that_knows_an_address_wins(known: Any, agent: str, address: str) -> None:
    assert addresses_of(Guest(known), seen(agent), agent=True) == {MAC: [address]}


def test_an_agent_that_the_program_does_not_declare_is_not_asked() -> None:
    assert addresses_of(Guest({AGENT: ["10.0.0.1"]}), seen(), agent=False) == {}


def test_a_guest_that_is_off_has_no_addresses() -> None:
    assert addresses_of(Guest({LEASE: ["10.0.0.2"]}), seen(off=True), agent=True) == {}


WANTED = {"networkInterfaces": [{"waitForLease": True}]}


def test_a_wait_ends_with_the_address() -> None:
    guest, waiting = Guest({}), Waiting()

    def look(_: object) -> Observation:
        if waiting.told:
            guest.known = {LEASE: ["10.0.0.2"]}
        return seen()

    wait_for_leases(guest, WANTED, waiting, look)
    assert waiting.told == [f"waiting for the address of {MAC} (0 s)"]


def test_a_wait_that_nobody_declared_is_none() -> None:
    assert wait_for_leases(Guest({}), {"networkInterfaces": [{}]}, Waiting(patience=0), lambda _: seen()).active


def test_a_wait_ends_where_the_user_stops_it() -> None:
    with pytest.raises(Cancelled, match=MAC):
        wait_for_leases(Guest({}), WANTED, Waiting(patience=0), lambda _: seen())


def test_a_wait_past_its_time_names_the_interface() -> None:
    with pytest.raises(TimeoutError, match=f"no address for {MAC} within 0.001 s"):
        wait_for_leases(Guest({}), WANTED, Waiting(timeout=0.001), lambda _: seen())


def test_a_domain_that_went_off_is_not_waited_for() -> None:
    with pytest.raises(TimeoutError, match="the domain is off"):
        wait_for_leases(Guest({}), WANTED, Waiting(), lambda _: seen(off=True))
