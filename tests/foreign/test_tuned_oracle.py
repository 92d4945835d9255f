"""tuned itself says what its profiles come to; what we hold to be their contents is held against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quietcore.derive.tuned import cmdline_of, merged
from quietcore.derive.tuned_expand import World, expand
from quietcore.derive.tuned_shipped import SHIPPED
from quietcore.render import tuned_conf
from quietcore.spec import MachineFacts, TunedProfileSpec
from quietcore.units import CpuSet

SYSTEM_PYTHON = Path("/usr/bin/python3")
NAMES = sorted(SHIPPED["2.20"])
SECTIONS = ("cpu", "vm", "sysctl", "bootloader", "irqbalance", "net", "systemd")

START = """
import json, logging, sys
try:
    import tuned.version, tuned.logs
    import tuned.consts as consts
    from tuned.profiles import Factory, Loader, Locator, Merger
    from tuned.profiles.variables import Variables
    from tuned.utils.commands import commands
except ImportError:
    print("null"); sys.exit()
version = f"{tuned.version.TUNED_VERSION_MAJOR}.{tuned.version.TUNED_VERSION_MINOR}"
directories = getattr(consts, "LOAD_DIRECTORIES", ["/usr/lib/tuned", "/usr/lib/tuned/profiles"])
# The CPUs that are online are those that the test says, not this machine's.
online, given = sys.argv[1], json.loads(sys.argv[2])
read = commands.read_file
def from_test(self, path, *rest, **named):
    return online if path.startswith("/sys/devices/system/cpu/") else read(self, path, *rest, **named)
commands.read_file = from_test
tuned.logs.get().setLevel(logging.CRITICAL)
"""

LOAD = """
found = {}
for name, folder in given:
    variables = Variables()
    variables.add_from_cfg = lambda options: None
    loader = Loader(Locator([*directories, *([folder] if folder else [])]), Factory(), Merger(), None, variables)
    profile = loader.load(name)
    units = profile.units.values()
    found[name] = {unit.name: {key: str(value) for key, value in unit.options.items()} for unit in units}
print(json.dumps({"version": version, "found": found}))
"""

BOOT = """
from tuned.plugins.plugin_bootloader import BootloaderPlugin
found = {}
for name, isolated in given:
    variables = Variables()
    # The file of variables is the test's.
    own = (("isolated_cores", isolated), ("isolate_managed_irq", "Y"))
    variables.add_from_file = lambda path: [variables.add_variable(*each) for each in own]
    profile = Loader(Locator(directories), Factory(), Merger(), None, variables).load(name)
    options = {key: variables.expand(value) for key, value in profile.units["bootloader"].options.items()}
    plugin = BootloaderPlugin.__new__(BootloaderPlugin)
    found[name] = plugin._get_effective_options(options)["cmdline"]
print(json.dumps({"version": version, "found": found}))
"""

EXPAND = """
variables = Variables()
print(json.dumps({"version": version, "found": {text: variables.expand(text) for text in given}}))
"""


@pytest.fixture
def ask(tool):
    """Run a piece of tuned's code; gives its version, as we name it, and what was found."""

    def asked(code: str, given: object, online: str = "0-7") -> tuple[str, dict[str, object]]:
        said = json.loads(tool(str(SYSTEM_PYTHON), "-c", START + code, online, json.dumps(given)))
        if said is None:
            pytest.skip("tuned is missing: apt-get install tuned")
        return said["version"], said["found"]

    return asked


def known(version: str) -> str:
    if version not in SHIPPED:
        pytest.skip(f"what tuned {version} ships is not known here")
    return version


def stock(name: str) -> TunedProfileSpec:
    return TunedProfileSpec(name="stock", role="host", include=name, foreign=True)


def test_our_table_of_the_shipped_profiles_is_what_tuned_merges(ask):
    version, found = ask(LOAD, [(name, None) for name in NAMES])
    for name in NAMES:
        whole = merged(stock(name), known(version))
        assert whole is not None
        for section in SECTIONS:
            theirs = found[name].get(section, {})
            theirs = {key: value for key, value in theirs.items() if key != "priority" and "initrd" not in key}
            assert whole.sections.get(section, {}) == theirs, f"[{section}] of {name}"


@pytest.mark.parametrize("isolated", ["2-7", "1,3,5", "1-3,5-7", "7"])
def test_the_command_line_is_the_one_that_tuned_would_write(ask, isolated):
    # cpu-partitioning makes a folder for an initrd, which has no place in a test.
    names = [name for name in NAMES if name not in ("latency-performance", "cpu-partitioning")]
    version, found = ask(BOOT, [(name, isolated) for name in names])
    for name in names:
        # tuned asks this machine for its vendor.
        vendor = "intel" if "GenuineIntel" in Path("/proc/cpuinfo").read_text() else "amd"
        facts = MachineFacts(vendor=vendor)
        ours = cmdline_of(stock(name), CpuSet.parse(isolated), CpuSet(range(8)), known(version), facts)
        assert ours is not None
        assert str(ours.cmdline) == found[name]


def test_profiles_that_others_wrote_merge_as_tuned_merges_them(ask, tmp_path):
    texts = {
        "base": "[main]\ninclude=network-latency\n[sysctl]\nvm.swappiness=1\nvm.a=1\n[vm]\nx=1\n[net]\ny=1\n",
        "plant": "[main]\ninclude=base\n[sysctl]\nvm.swappiness = 2 # ours\ndrop=vm.a,net.core.busy_poll\n"
        "[vm]\nreplace=1\nz=2\n[bootloader]\ncmdline_network_latency=quiet\n[plant]\ntype=sysfs\n/sys/a=1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "tuned.conf").write_text(text)
    version, found = ask(LOAD, [("plant", str(tmp_path))])
    profile = tuned_conf.lift({str(tmp_path / name / "tuned.conf"): text for name, text in texts.items()}, "plant")
    whole = merged(profile, known(version))
    assert whole is not None
    for section, options in found["plant"].items():
        ours = {key: value for key, value in whole.sections[section].items() if key not in ("drop", "replace", "type")}
        assert ours == options, section


def test_what_we_write_of_a_foreign_profile_tuned_reads_as_the_same(ask, tmp_path):
    text = "[main]\ninclude=realtime\n[sysctl]\na.b=1 2\n[scheduler]\ngroup.x=0:f:2:*:^\\[x\n[rtentsk]\n"
    profile = tuned_conf.lift(text, "plant/tuned.conf")
    (rendered,) = tuned_conf.render(profile, CpuSet()).values()
    for name, written in (("plant", text), ("again", rendered)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tuned.conf").write_text(written)
    _, found = ask(LOAD, [("plant", str(tmp_path)), ("again", str(tmp_path))])
    assert found["plant"] == found["again"]


TEXTS = [
    f"${{f:{function}:{cpus}}}"
    for function in (
        "cpulist_unpack",
        "cpulist_pack",
        "cpulist_invert",
        "cpulist_online",
        "cpulist_present",
        "cpulist2hex",
        "cpulist2hex_invert",
        "cpulist2devs",
    )
    for cpus in ("0-3", "1,3,5-7", "0-5,^3", "0-5,!3", "0x0f", "0x1,00000000,,2", "6", "0-40", '"1-2"')
] + [
    r"${f:regex_search_ternary:Y:\b[y,Y,1,t,T]\b:managed_irq,domain,:}",
    r"${f:regex_search_ternary:${no}:\b[y,Y,1,t,T]\b:managed_irq,domain,:}",
    "${f:strip: a : b }",
    "x${f:cpulist_pack:${f:cpulist_invert:2-3}}y",
    r"\${f:strip:a}",
    r"${f:strip:a\:b}",
    "${f:hex2cpulist:ff,00000001}",
    "plain",
]


def test_functions_give_what_tunings_own_give(ask):
    _, found = ask(EXPAND, TEXTS)
    world = World(online=CpuSet(range(8)))
    assert {text: expand(text, {}, world) for text in TEXTS} == found
