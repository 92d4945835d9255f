"""The law of renderers: what is lifted from a rendering equals what was rendered; equal values give equal bytes."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from quietcore.render import domain_base, domain_xml, domain_xslt, tuned_conf
from quietcore.render.yaml_text import yaml_text
from quietcore.spec import (
    CpuTopology,
    Devices,
    Disk,
    DomainSpec,
    GuestSpec,
    HugePages,
    Interface,
    IothreadPin,
    KernelCmdline,
    NumaTune,
    TunedProfileSpec,
    VcpuPin,
    VcpuSched,
)
from quietcore.units import CpuSet, Size

numbers = st.integers(0, 255)
cpu_sets = st.frozensets(numbers, max_size=6).map(CpuSet)
some_cpus = st.frozensets(numbers, min_size=1, max_size=6).map(CpuSet)
names = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)
sizes = st.builds(lambda count, unit: Size(count << unit), st.integers(1, 4096), st.sampled_from((0, 10, 20, 30)))
memory = st.integers(1, 1 << 20).map(Size.mib)
parameters = st.from_regex(r"[a-z_.]{1,10}(=([!-~]{0,12}|\"[ !#-~]{0,12}\"))?", fullmatch=True).filter(
    lambda parameter: parameter.count('"') % 2 == 0
)
cmdlines = st.lists(parameters, max_size=5).map(lambda words: KernelCmdline(parameters=tuple(words)))
sysctl = st.dictionaries(
    st.from_regex(r"[a-z]+(\.[a-z_0-9]+){1,2}", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9 ._-]{0,8}[a-zA-Z0-9]", fullmatch=True),
    max_size=4,
)
profiles = st.builds(
    TunedProfileSpec,
    name=names,
    role=st.sampled_from(("host", "guest")),
    include=st.none() | names.map(lambda name: f"our-{name}"),
    sysctl=sysctl,
    cmdline=st.lists(st.from_regex(r"[a-z]{1,8}(=[a-z0-9,-]{1,8})?", fullmatch=True), max_size=3).map(tuple),
)
guests = st.builds(
    GuestSpec,
    kernel=st.sampled_from((None, "rt", "generic")),
    isolated=cpu_sets,
    cmdline=st.none() | cmdlines,
    tuned=st.none() | profiles,
)
policies = st.sampled_from(("fifo", "rr", "batch", "idle"))
scheds = st.lists(
    st.builds(VcpuSched, vcpus=some_cpus, policy=policies, priority=st.none() | st.integers(1, 99)),
    max_size=3,
    unique_by=lambda sched: (sched.policy, sched.priority),
).map(tuple)
pages = (
    st.none()
    | st.lists(st.builds(HugePages, size=sizes, nodeset=cpu_sets), min_size=1, max_size=3).map(tuple)
    | st.just((HugePages(),))
)
cpus = st.sampled_from(
    (("host-passthrough", None), ("host-model", None), ("maximum", None), ("custom", "Nehalem"), (None, None))
)


levels = st.integers(1, 8)
topologies = st.builds(CpuTopology, sockets=levels, dies=levels, clusters=levels, cores=levels, threads=levels)
cpu_features = st.dictionaries(
    st.sampled_from(("tsc-deadline", "invtsc", "x2apic")),
    st.sampled_from(("require", "optional", "disable", "force", "forbid")),
)
switches = st.sampled_from((None, True, False))
disks = st.builds(
    Disk,
    target=st.sampled_from(("vda", "sdb")),
    type=st.sampled_from(("file", "block", "network")),
    cache=st.sampled_from((None, "none", "writeback")),
    snapshot=st.sampled_from((None, "no", "external")),
)
interfaces = st.builds(
    Interface,
    type=st.sampled_from(("network", "bridge", "hostdev", "user")),
    model=st.sampled_from((None, "virtio", "e1000e")),
    driver=st.sampled_from((None, "vhost", "qemu")),
)
devices = st.builds(
    Devices,
    usb=st.sampled_from((None, "", "none", "qemu-xhci")),
    needless=st.sets(st.sampled_from(("graphics", "hub", "input", "redirdev", "sound"))).map(sorted).map(tuple),
    rng=st.booleans(),
    usb_hostdevs=st.integers(0, 2),
    disks=st.lists(disks, max_size=2).map(tuple),
    interfaces=st.lists(interfaces, max_size=2).map(tuple),
    watchdogs=st.lists(st.sampled_from(("reset", "none", "poweroff")), max_size=1).map(tuple),
)


@st.composite
def domains(draw) -> DomainSpec:
    mode, model = draw(cpus)
    return DomainSpec(
        name=draw(names),
        hypervisor=draw(st.sampled_from(("kvm", "qemu"))),
        arch=draw(st.sampled_from(("x86_64", "aarch64"))),
        machine=draw(st.sampled_from(("", "q35", "pc-q35-7.2", "virt"))),
        vcpus=draw(st.integers(1, 512)),
        placement=draw(st.sampled_from(("static", "auto"))),
        vcpu_cpuset=draw(st.none() | some_cpus),
        memory=draw(sizes),
        hard_limit=draw(st.none() | sizes),
        cpu_mode=mode,
        cpu_model=model,
        cpu_topology=draw(st.none() | topologies),
        cpu_features=draw(cpu_features),
        migratable=draw(switches),
        vcpu_pins=tuple(draw(st.lists(st.builds(VcpuPin, vcpu=numbers, cpus=cpu_sets), max_size=4))),
        emulator_pin=draw(st.none() | cpu_sets),
        iothreads=draw(st.integers(2, 4)),
        iothread_ids=draw(st.sampled_from((CpuSet(), CpuSet([2, 9])))),
        iothread_pins=tuple(draw(st.lists(st.builds(IothreadPin, iothread=numbers, cpus=cpu_sets), max_size=2))),
        vcpu_scheds=draw(scheds),
        numa=draw(
            st.none()
            | st.builds(NumaTune, mode=st.sampled_from(("strict", "preferred", "interleave")), nodeset=cpu_sets)
        ),
        hugepages=draw(pages),
        locked=draw(st.booleans()),
        nosharepages=draw(st.booleans()),
        memballoon=draw(st.sampled_from((None, "none", "virtio"))),
        memory_source=draw(st.sampled_from((None, "memfd", "file"))),
        pmu=draw(switches),
        vmport=draw(switches),
        hpet=draw(switches),
        kvm_features=draw(st.sampled_from(((), ("hint-dedicated",), ("hidden", "poll-control")))),
        suspend_to_mem=draw(switches),
        suspend_to_disk=draw(switches),
        devices=draw(devices),
        guest=draw(st.none() | guests),
    )


@given(domains())
def test_a_domain_is_lifted_from_its_rendering(domain):
    assert domain_xml.lift(domain_xml.render(domain)) == domain


@given(domains(), memory, st.booleans())
def test_a_stylesheet_makes_of_plain_inputs_what_it_was_made_from(domain, size, direct):
    inputs_own = {"disks": (), "interfaces": (), "usb_hostdevs": 0, "watchdogs": ()}
    taken_away = {"needless": (), "rng": False}
    listed = domain.devices.model_copy(update=inputs_own | taken_away)
    kept = {"memory": size, "placement": "static", "vcpu_cpuset": None, "devices": listed}
    wanted = domain.model_copy(update=kept)
    booted = wanted.guest.cmdline if wanted.guest else None
    inputs = {
        "name": wanted.name,
        "type": wanted.hypervisor,
        "arch": wanted.arch,
        "machine": wanted.machine,
        "vcpu": wanted.vcpus,
        "memory": wanted.memory.in_unit("MiB"),
        "disks": [{"volumeId": "/pool/root.qcow2"}],
        "cloudinit": "/pool/seed.iso",
        "xml": {"xslt": domain_xslt.xslt(wanted)},
        **({"kernel": "/vmlinuz"} if direct and booted is not None else {}),
    }
    lifted = domain_xml.lift(domain_base.effective_domain(inputs))
    (disk,) = lifted.devices.disks
    assert disk.cache == "none"
    assert lifted.model_copy(update={"devices": lifted.devices.model_copy(update={"disks": ()})}) == wanted


@given(domains())
def test_the_same_domain_gives_the_same_bytes(domain):
    again = DomainSpec.model_validate(domain.model_dump())
    assert domain_xml.render(again) == domain_xml.render(domain)
    assert domain_xslt.xslt(again) == domain_xslt.xslt(domain)


@given(profiles, some_cpus)
def test_a_profile_is_lifted_from_its_files(profile, isolated):
    files = tuned_conf.render(profile, isolated)
    assert tuned_conf.lift(files) == profile
    assert tuned_conf.lift_isolated(files) == isolated


@given(profiles, some_cpus)
def test_the_order_of_settings_changes_no_byte(profile, isolated):
    turned = profile.model_copy(update={"sysctl": dict(reversed(profile.sysctl.items()))})
    assert tuned_conf.render(turned, isolated) == tuned_conf.render(profile, isolated)


@given(cmdlines)
def test_a_command_line_is_read_back_from_its_text(cmdline):
    assert KernelCmdline.parse(str(cmdline)) == cmdline


scalars = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.text(alphabet="ab \n:#-'\"|%!&*{}[],0.~")
)
keys = st.text(max_size=40)
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@given(documents)
def test_any_yaml_reader_reads_our_yaml_back(document):
    assert yaml.safe_load(yaml_text(document)) == document
