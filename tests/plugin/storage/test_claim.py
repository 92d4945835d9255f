"""Markers are seen whatever others do in the pool at the same time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from quietcore.plugins.handler import Mark

libvirt = pytest.importorskip("libvirt")

from quietcore.plugins.libvirt.claim import Claim  # noqa: E402

VOLUME = "<volume><name>{}</name><capacity>4096</capacity><target><format type='raw'/></target></volume>"


def test_a_marker_is_seen_in_every_look_while_other_volumes_come_and_go(daemon: Any, pool: Any) -> None:
    claim = Claim(pool, "disk", Mark("plant", "lab", "disk"), "some:index:Type", blocks=False)
    claim.begin()
    done = threading.Event()

    def churn(name: str) -> None:
        own = libvirt.open(daemon.uri).storagePoolLookupByName(pool.name())
        while not done.is_set():
            own.createXML(VOLUME.format(name), 0).delete(0)

    others = [threading.Thread(target=churn, args=(f"other-{number}",)) for number in range(3)]
    for other in others:
        other.start()
    try:
        assert all(claim.standing().making for _ in range(500))
    finally:
        done.set()
        for other in others:
            other.join()
