"""The rules on hugepages of a command line at their edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.rules.judge import findings
from quietcore.rules.kernel.examples import facts, hardware, machine
from quietcore.rules.kernel.pages import pages_of, size_of
from quietcore.spec import KernelCmdline
from quietcore.units import Size


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4", []),
        ("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512 default_hugepagesz=1G", []),
        ("default_hugepagesz=1G hugepages=4", []),
        ("default_hugepagesz=1G hugepagesz=1G", []),
        ("default_hugepagesz=1G quiet hugepagesz=1G quiet hugepages=4", []),
        ("hugepages=512", []),
        ("hugepages=512 default_hugepagesz=2M", []),
        ("hugepagesz=2M hugepages=0:256,1:256", []),
        ("hugepagesz=1G hugepages=4", ["C25"]),
        ("default_hugepagesz=1G hugepages=4 hugepagesz=1G", []),
        ("hugepages=4 hugepagesz=1G default_hugepagesz=1G", ["C25"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepages=512", ["C25"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepagesz=1G hugepages=4", ["C25"]),
        ("default_hugepagesz=big hugepages=4", ["C28"]),
        ("default_hugepagesz=1G hugepagesz= hugepages=4", ["C28"]),
        ("default_hugepagesz=4M hugepages=4", ["C28"]),
        ("default_hugepagesz=2MB hugepages=4", []),
    ],
)
def test_hugepages_are_read_in_order(text: str, expected: list[str]) -> None:
    assert codes(machine(text)) == expected


def test_a_line_that_is_out_of_order_is_told_once() -> None:
    assert codes(machine("hugepagesz=1G hugepages=4 hugepages=8")) == ["C25"]


def test_sizes_without_a_default_are_no_matter_where_no_cpu_is_isolated() -> None:
    assert codes(KernelCmdline.parse("hugepagesz=1G hugepages=4")) == []


@pytest.mark.parametrize(
    ("size", "known", "expected"),
    [
        ("2M", {"arch": "x86_64"}, []),
        ("64K", {"arch": "x86_64"}, ["C28"]),
        ("64K", {"arch": "x86_64", "page_size": 4}, ["C28"]),
        ("64K", {"arch": "aarch64"}, []),
        ("16G", {"arch": "aarch64"}, []),
        ("16G", {"arch": "aarch64", "page_size": 4}, ["C28"]),
        ("32M", {"arch": "aarch64", "page_size": 64}, ["C28"]),
        ("512M", {"arch": "aarch64", "page_size": 64}, []),
        ("64K", {"arch": "aarch64", "page_size": 16}, ["C28"]),
        ("16M", {"arch": "ppc64le"}, []),
        ("512M", {}, []),
        ("16M", {}, ["C28"]),
    ],
)
def test_page_sizes_go_by_the_architecture(size: str, known: dict[str, object], expected: list[str]) -> None:
    text = f"default_hugepagesz={size} hugepagesz={size} hugepages=4"
    assert sorted(set(codes(machine(text, facts=facts(**known))))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default_hugepagesz=1G hugepagesz=1G hugepages=31", []),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=32", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:15,1:15", []),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=1:16", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:16,1:16", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:15 hugepagesz=2M hugepages=0:512", ["C30"]),
        ("hugepages=16384", ["C30"]),
    ],
)
def test_pages_fit_into_the_memory_of_their_cell(text: str, expected: list[str]) -> None:
    assert codes(machine(text, topology=hardware())) == expected


def test_pages_of_the_topology_are_held_to_its_memory_where_the_line_reserves_none() -> None:
    assert codes(machine(topology=hardware(p1GiB=15))) == []
    (found, _) = findings(machine(topology=hardware(p1GiB=16)))
    assert (found.code, found.where, found.given) == (
        "C30",
        "cells[0].pages",
        "16GiB of hugepages; cell 0 has 16GiB",
    )
    assert codes(machine(topology=hardware().model_copy(update={"cells": ()}))) == []
    unknown = hardware(p1GiB=16).cells[0].model_copy(update={"memory": Size(0)})
    assert codes(machine(topology=hardware().model_copy(update={"cells": (unknown,)}))) == []


def test_small_pages_after_boot_need_their_pool() -> None:
    text, held = "default_hugepagesz=1G hugepagesz=1G hugepages=2", hardware(p1GiB=1, p2MiB=256)
    assert codes(machine(text, topology=held)) == ["C27"]
    assert codes(machine(text, topology=held, facts=facts(kernel_version="5.7"))) == ["C27"]
    assert codes(machine(text, topology=held, facts=facts(kernel_version="5.8"))) == []
    assert codes(machine(f"{text} hugepagesz=2M hugepages=0", topology=held)) == []
    assert codes(machine(text.replace("1G", "2M"), topology=held)) == []
    assert codes(machine(text, topology=hardware(p1GiB=1))) == []
    assert codes(machine(f"{text} hugepagesz=2M", topology=held)) == []
    assert codes(machine("hugepagesz=1G hugepages=2", topology=held)) == ["C25"]
    assert codes(machine(text, topology=held.model_copy(update={"arch": "aarch64"}))) == []
    assert codes(machine(text, facts=facts(arch="x86_64"))) == []


@given(
    st.lists(
        st.sampled_from(["hugepagesz", "hugepages", "default_hugepagesz"]).flatmap(
            lambda name: st.sampled_from(["1G", "2M", "4", "0:2,1:2", "", "x", "9" * 5000, "0x10", "1:x"]).map(
                lambda value: f"{name}={value}"
            )
        ),
        max_size=8,
    )
)
def test_any_hugepage_parameters_are_read(words: list[str]) -> None:
    pages = pages_of(KernelCmdline(parameters=tuple(words)))
    assert pages.total() >= 0
    assert codes(machine(" ".join(words), topology=hardware())) is not None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2M", "2MiB"),
        ("1g", "1GiB"),
        ("2048k", "2MiB"),
        ("0x200000", "2MiB"),
        ("2MiB", "2MiB"),
        ("0", None),
        ("M", None),
    ],
)
def test_sizes_are_read_as_the_kernel_reads_them(text: str, size: str | None) -> None:
    assert size_of(text) == (Size.parse(size) if size else None)


@pytest.mark.parametrize("claim", ["isolcpus=managed_irq,domain,2-7", "nohz_full=2-7"])
def test_a_default_size_is_owed_where_either_parameter_isolates(claim: str) -> None:
    assert "C25" in codes(KernelCmdline.parse(f"{claim} hugepagesz=1G hugepages=4"))
    assert "C25" not in codes(KernelCmdline.parse(f"{claim} hugepagesz=2M hugepages=4"))


def test_what_is_told_of_pages_names_them() -> None:
    def told(text: str, **known: object) -> list[tuple[str, str]]:
        return [(found.given, found.allowed) for found in findings(machine(text, facts=facts(**known)))]

    assert told("hugepagesz=1G hugepages=4") == [
        ("hugepagesz=1G hugepages=4, and no default_hugepagesz", "default_hugepagesz=<size>")
    ]
    assert told("default_hugepagesz=32M", arch="aarch64", page_size=64) == [
        ("default_hugepagesz=32M", "2M, 512M, 16G on aarch64 with 64 KiB pages")
    ]
    assert told("default_hugepagesz=4M", arch="aarch64") == [
        ("default_hugepagesz=4M", "64K, 2M, 32M, 512M, 1G, 16G on aarch64")
    ]
    assert told("default_hugepagesz", arch="x86_64") == [("default_hugepagesz=", "2M, 1G on x86_64")]
    assert told("default_hugepagesz=4M") == [
        ("default_hugepagesz=4M", "2M, 1G, 64K, 32M, 512M, 16G on x86_64 and aarch64")
    ]


@pytest.mark.parametrize("version", ["6", "six.1", "5.x", "", "5.123456789", "5." + "9" * 5000, "\u0666.\u0661"])
def test_a_version_that_is_none_decides_nothing(version: str) -> None:
    text, held = "default_hugepagesz=1G hugepagesz=1G hugepages=2", hardware(p1GiB=1, p2MiB=256)
    assert codes(machine(text, topology=held, facts=facts(kernel_version=version))) == ["C27"]


def test_a_count_before_any_size_is_one_of_the_default() -> None:
    assert pages_of(KernelCmdline.parse("hugepages=32 default_hugepagesz=1G")).total() == Size.parse("32GiB").bytes
    assert pages_of(KernelCmdline.parse("default_hugepagesz=1G default_hugepagesz=x")).default == Size.parse("1GiB")
    assert pages_of(KernelCmdline.parse("hugepages=0:1,1:2")).of_node(1) == Size.parse("4MiB").bytes
    assert codes(machine("hugepages=32 default_hugepagesz=1G", topology=hardware())) == ["C30"]
    assert codes(machine("hugepages=31 default_hugepagesz=1G", topology=hardware())) == []
    others = "hugepages=4 hugepagesz=512M hugepages=2 default_hugepagesz=1G"
    assert pages_of(KernelCmdline.parse(others)).total() == Size.parse("5GiB").bytes


@pytest.mark.parametrize("text", ["hugepages", "hugepages=", "hugepages=\u0664", "hugepages=x:4", "hugepages=0:"])
def test_a_count_that_is_no_number_is_none(text: str) -> None:
    assert pages_of(KernelCmdline.parse(text)).total() == 0


def test_a_count_of_a_size_that_is_said_is_not_one_of_the_default() -> None:
    text = "hugepagesz=2M hugepages=4 default_hugepagesz=1G"
    assert pages_of(KernelCmdline.parse(text)).total() == Size.parse("8MiB").bytes


@pytest.mark.parametrize(("digits", "count"), [(15, 10**15 - 1), (16, 0), (5000, 0)])
def test_a_count_of_more_than_fifteen_digits_is_none(digits: int, count: int) -> None:
    assert pages_of(KernelCmdline.parse(f"hugepages={'9' * digits}")).total() == count * Size.parse("2MiB").bytes
