from __future__ import annotations

import json
from pathlib import Path

from lxml import etree
from tests.cli.conftest import Invoke

MAP = """\
hv1  2 sockets, 8 CPUs
       NUMA 0  16GiB     NUMA 1  16GiB
  CPU   0  1  2  3        4  5  6  7
  use   H  a  a  I        H  I  I  I
  H housekeeping  I isolated, free
  a plc-a  vCPU 0 on 0, 1-2 on 1-2 fifo 1; emulator 0
"""


def test_the_map_of_one_host_is_printed(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    done = invoke("show", "prod", "--cpus", "--host", "hv1")
    assert done.exit_code == 0
    assert done.stdout == MAP


def test_all_hosts_stand_below_each_other(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    assert invoke("show", "prod").stdout.startswith(MAP + "\nhv2  2 sockets, 8 CPUs\n")


def test_json_says_the_use_of_every_cpu(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    host = json.loads(invoke("show", "prod", "--host", "hv1", "--json").stdout)["hosts"][0]
    assert [row["use"] for row in host["cpus"]][:4] == ["housekeeping", "pinned", "pinned", "isolated, free"]
    assert host["cpus"][1]["pinned"] == [{"domain": "plc-a", "vcpu": 1}]


def test_the_picture_holds_the_hosts_that_were_asked_for(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    done = invoke("show", "prod", "--svg", "pictures/all.svg")
    assert done.exit_code == 0
    assert done.stderr == "wrote pictures/all.svg\n"
    both = (plant / "pictures/all.svg").read_text()
    assert etree.fromstring(both.encode()).tag.endswith("svg")
    assert "plc-a" in both
    assert "plc-b" in both
    invoke("show", "prod", "--svg", "one.svg", "--host", "hv1")
    assert "plc-b" not in (plant / "one.svg").read_text()


def test_an_unknown_host_is_told_with_the_known_ones(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    done = invoke("show", "prod", "--host", "hv9")
    assert done.exit_code == 2
    assert done.stderr == "error: no such host\n  given:   hv9\n  allowed: hv1, hv2\n"


def test_pins_that_are_not_written_down_yet_are_shown_and_told(invoke: Invoke, plant: Path) -> None:
    done = invoke("show", "prod", "--host", "hv1")
    assert done.exit_code == 0
    assert done.stdout == MAP
    assert done.stderr == "host CPUs are not assigned for good yet: quietcore check prod writes them down\n"
