"""What has no value yet and rules need: each such path is named, and none that rules do without."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as NONE_YET
from pulumi_policy.proxy import unknown_checking_proxy

from quietcore.policy.lifted import undecided_paths
from quietcore.resources.site import DOMAIN


def undecided(props: dict[str, Any]) -> list[str]:
    return list(undecided_paths(DOMAIN, unknown_checking_proxy(props)))


@pytest.mark.parametrize("name", ["xml", "vcpu", "memory", "type", "cmdlines", "cpu", "graphics"])
def test_an_input_of_a_domain_that_rules_read_is_named(name: str) -> None:
    assert undecided({name: NONE_YET}) == [name]


def test_the_place_within_an_input_is_named() -> None:
    assert undecided({"xml": {"xslt": NONE_YET}, "cpu": {"mode": NONE_YET}}) == ["xml.xslt", "cpu.mode"]
    assert undecided({"disks": [{"file": "a"}, NONE_YET], "networkInterfaces": NONE_YET}) == [
        "disks[1]",
        "networkInterfaces",
    ]


def test_what_rules_do_without_may_be_unknown() -> None:
    given = {
        "disks": [{"volumeId": NONE_YET}],
        "networkInterfaces": [{"networkId": NONE_YET}],
        "arch": NONE_YET,
        "machine": NONE_YET,
        "cloudinit": NONE_YET,
        "description": NONE_YET,
    }
    assert undecided(given) == []


def test_paths_in_a_list_of_objects_are_named() -> None:
    token = "kubernetes:apps/v1:DeploymentList"
    given = unknown_checking_proxy({"items": [{"spec": {"template": NONE_YET}}, NONE_YET]})
    assert list(undecided_paths(token, given)) == ["items[0].spec.template", "items[1]"]
