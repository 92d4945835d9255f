"""The stanza of Pulumi.yaml: what is not ours stays to the byte."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
import yaml

from quietcore.cli.stanza import wired
from quietcore.errors import EnvironmentFault

PATH = PurePosixPath(".quietcore/plugins/pulumi-libvirt")

CASES = {
    "no stanza": "name: a   # mine\nruntime: python\n",
    "no newline at the end": "name: a\nruntime: python",
    "an empty stanza": "name: a\nplugins:\nmain: stacks # here\n",
    "an empty flow stanza": "name: a\nplugins: {}\nmain: stacks\n",
    "no providers": "name: a\nplugins:\n  # why\n  analyzers:\n    - name: x\n      path: ../x\nmain: b\n",
    "empty providers": "name: a\nplugins:\n    providers: []\nmain: b\n",
    "another provider": "name: a\nplugins:\n  providers:\n  # why\n  - name: x # it\n    path: ../x\nmain: b\n",
    "our old path": "plugins:\n  providers:\n    - path: old  # was here\n      name: libvirt\n    - name: x\n",
    "our entry without a path": "name: a\nplugins:\n  providers:\n    - name: libvirt\n      version: 0.5.4\n",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
def test_the_entry_is_there_and_everything_else_is_as_it_was(text: str) -> None:
    after = wired(text, "libvirt", PATH)
    data, before = yaml.safe_load(after), yaml.safe_load(text)
    ours = [entry for entry in data["plugins"]["providers"] if entry["name"] == "libvirt"]
    assert [entry["path"] for entry in ours] == [str(PATH)]
    others = [entry for entry in ((before.get("plugins") or {}).get("providers") or []) if entry["name"] != "libvirt"]
    assert [entry for entry in data["plugins"]["providers"] if entry["name"] != "libvirt"] == others
    assert {key: value for key, value in data.items() if key != "plugins"} == {
        key: value for key, value in before.items() if key != "plugins"
    }
    for comment in ("# mine", "# here", "# why", "# it", "# was here"):
        assert (comment in text) == (comment in after)


@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
def test_a_second_run_changes_nothing(text: str) -> None:
    once = wired(text, "libvirt", PATH)
    assert wired(once, "libvirt", PATH) == once


def test_a_stanza_in_flow_form_is_refused_with_the_lines_to_write() -> None:
    with pytest.raises(EnvironmentFault, match="not in the form that can be edited") as refused:
        wired("name: a\nplugins: {providers: [{name: x, path: y}]}\n", "libvirt", PATH)
    assert "- name: libvirt" in str(refused.value)
