"""tuned's own loader takes the profiles, with the chain of parents that the distribution ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")

LOAD = """
import json, logging, sys
try:
    import tuned.logs
    import tuned.consts as consts
    from tuned.profiles import Factory, Loader, Locator, Merger
    from tuned.profiles.variables import Variables
except ImportError:
    print("null"); sys.exit()
errors = []
class Errors(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.ERROR:
            errors.append(record.getMessage())
folder, name, variables_file = sys.argv[1:]
# Assertions in the parents judge the machine that they run on, which is not the guest: only our variables are read.
variables = Variables()
variables.add_from_cfg = lambda options: None
tuned.logs.get().addHandler(Errors())
variables.add_from_file(variables_file)
directories = [*getattr(consts, "LOAD_DIRECTORIES", ["/usr/lib/tuned", "/usr/lib/tuned/profiles"]), folder]
loader = Loader(Locator(directories), Factory(), Merger(), None, variables)
profile = loader.load(name)
units = {
    unit.name: {"type": unit.type, "enabled": unit.enabled, "options": {k: str(v) for k, v in unit.options.items()}}
    for unit in profile.units.values()
}
print(json.dumps({"units": units, "variables": variables.get_env(), "errors": errors}))
"""

ISOLCPUS = "isolcpus=managed_irq,domain,"
OUR_GUEST = "[main]\ninclude=realtime-virtual-guest\n"


@pytest.fixture
def load(tool, tmp_path):
    """Load the profile of a golden folder by tuned; gives its merged units and variables."""

    def loaded(folder: Path) -> dict[str, object]:
        (profile,) = (path.parent for path in folder.glob("etc/tuned/*/tuned.conf"))
        (variables,) = folder.glob("etc/tuned/*-variables.conf")
        (tmp_path / "our-guest").mkdir()
        (tmp_path / "our-guest" / "tuned.conf").write_text(OUR_GUEST)
        (tmp_path / profile.name).symlink_to(profile)
        found = json.loads(tool(str(SYSTEM_PYTHON), "-c", LOAD, tmp_path, profile.name, variables))
        if found is None:
            pytest.skip("tuned is missing: apt-get install tuned")
        assert found["errors"] == []
        return found

    return loaded


def test_tuned_loads_a_guest_profile_on_top_of_its_parents(node, load):
    profile = load(node)
    assert profile["units"]["sysctl"]["options"]["kernel.hung_task_timeout_secs"] == "600"
    assert profile["units"]["quietcore"]["type"] == "script"


def test_tuned_loads_a_host_profile_on_top_of_its_parents(host, load):
    profile = load(host)
    assert "/sys/kernel/mm/ksm/run" in profile["units"]["sysfs"]["options"]
    assert profile["units"]["sysctl"]["options"]["kernel.sched_rt_runtime_us"] == "-1"


def test_nothing_is_left_that_writes_the_kernel_command_line(node, load):
    bootloader = load(node)["units"]["bootloader"]
    assert not bootloader["enabled"]
    assert bootloader["options"] == {}


def test_what_a_real_time_kernel_does_not_have_is_not_asked_of_it(host, load):
    assert "kernel.numa_balancing" not in load(host)["units"]["sysctl"]["options"]


def test_a_setting_of_ours_replaces_that_of_the_parents(load):
    golden = Path(__file__).parent.parent / "golden" / "disk-boot" / "nodes" / "soft-plc"
    assert load(golden)["units"]["sysctl"]["options"]["kernel.sched_rt_runtime_us"] == "950000"


def test_tuned_reads_the_isolated_cpus_from_the_variables(node, load):
    words = (node / "cmdline").read_text().split()
    (isolated,) = (word.removeprefix(ISOLCPUS) for word in words if word.startswith(ISOLCPUS))
    assert load(node)["variables"]["TUNED_isolated_cores"] == isolated


def test_the_profile_script_is_one_that_bash_reads(node, tool):
    (script,) = node.glob("etc/tuned/*/script.sh")
    tool("bash", "-n", script)
