"""libvirt's own schema and its test driver take the domains that we render."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from quietcore.render.domain_xml import lift


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """A connection to libvirt's test driver, whose domains live in this process alone."""
    libvirt = pytest.importorskip("libvirt", reason="libvirt-python is missing: uv sync --extra libvirt")
    libvirt.registerErrorHandler(lambda context, error: None, None)
    connection = libvirt.open("test:///default")
    yield connection
    connection.close()


@pytest.mark.parametrize("file", ["domain.xml", "effective.xml"])
def test_the_schema_takes_the_domain(node, file, tool):
    tool("virt-xml-validate", node / file, "domain", needs=("xmllint",))


@pytest.mark.parametrize("file", ["domain.xml", "effective.xml"])
def test_libvirt_prints_back_the_domain_that_it_was_told(node, file, driver):
    told = _for_the_test_driver((node / file).read_text(encoding="utf-8"))
    defined = driver.defineXML(told)
    try:
        printed = lift(defined.XMLDesc())
    finally:
        defined.undefine()
    assert printed == lift(told)


def _for_the_test_driver(xml: str) -> str:
    """The test driver runs domains of its own type, on its own machine type where none is named."""
    for hypervisor in ("kvm", "qemu"):
        xml = xml.replace(f'<domain type="{hypervisor}">', '<domain type="test">')
    return xml
