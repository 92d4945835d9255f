"""What vendors ship themselves is told as advice, and what one file cannot show is no error."""

from __future__ import annotations

import pytest

from quietcore.rules.catalogue import by_code
from quietcore.spec import Severity


@pytest.mark.parametrize(
    ("code", "shipped"),
    [
        ("C38", "SUSE's guide boots with rcutree.kthread_prio=99"),
        ("D35", "OpenStack writes no vmport and no pm"),
        ("W04", "Red Hat's example of a DPDK pod stands alone"),
    ],
)
def test_what_a_vendor_ships_is_for_information(code: str, shipped: str) -> None:
    assert by_code(code).severity is Severity.INFO, shipped


def test_a_pod_without_a_selector_is_no_error_as_its_cluster_may_have_one_machine() -> None:
    assert by_code("W17").severity is Severity.WARNING
