"""The laws of reading tuned's files: what is written is read back, and no text is anything but read or refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from quietcore.derive.tuned import cmdline_of, merged
from quietcore.derive.tuned_expand import NotKnown, World, expand
from quietcore.errors import QuietcoreError
from quietcore.render import tuned_conf, tuned_resource
from quietcore.render.tuned_ini import words
from quietcore.rules.judge import findings
from quietcore.spec import KernelCmdline, MachineFacts, MachineSpec, TunedProfileSpec
from quietcore.spec.tuned import PARENTS, TunedAdvice, TunedResourceSpec
from quietcore.units import CpuSet

names = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True)
keys = st.from_regex(r"[a-z_/][A-Za-z0-9_./*-]{0,11}", fullmatch=True)
values = st.from_regex(r"[A-Za-z0-9$\\+-]([A-Za-z0-9 ${}:=,.\\|^*+-]{0,14}[A-Za-z0-9}])?", fullmatch=True)
plain_keys = keys.filter(lambda key: "." not in key and "/" not in key)
settings = st.dictionaries(st.from_regex(r"[a-z]+(\.[a-z_0-9]+){1,2}", fullmatch=True), values, max_size=3)
section_names = st.sampled_from(("vm", "cpu", "net", "sysfs", "scheduler", "script", "irqbalance", "service", "plant"))


@st.composite
def foreign(draw: st.DrawFn) -> TunedProfileSpec:
    include = draw(st.none() | st.lists(names, max_size=3, unique=True).map(",".join))
    guest = include is None and draw(st.booleans())
    sections = draw(st.dictionaries(section_names, st.dictionaries(keys, values, max_size=3), max_size=3))
    boot = draw(st.dictionaries(st.sampled_from(("cmdline_a", "cmdline_b", "initrd")), values, max_size=2))
    sections |= {"bootloader": boot} if boot else {}
    control = draw(st.dictionaries(plain_keys, values, max_size=1))
    sections |= {"sysctl": control} if control else {}
    sections |= draw(st.sampled_from(({}, {"main": {"summary": "ours"}})))
    return TunedProfileSpec(
        name=draw(names),
        role="guest" if guest else "host",
        include=include if include != PARENTS["host"] else None,
        foreign=True,
        sysctl=draw(settings),
        sections=sections,
        cmdline=words(boot),
        variables=draw(
            st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values, max_size=3).map(
                lambda some: {key: value for key, value in some.items() if key != "include" and value != f"${{{key}}}"}
            )
        ),
    )


@given(foreign())
def test_a_profile_of_others_is_lifted_from_its_file(profile):
    assert tuned_conf.lift(tuned_conf.render(profile, CpuSet())) == profile


resources = st.builds(
    TunedResourceSpec,
    name=names,
    namespace=st.just("") | names,
    profiles=st.lists(foreign(), max_size=2).map(tuple),
    recommend=st.lists(
        st.builds(
            TunedAdvice,
            profile=names,
            priority=st.integers(0, 99),
            labels=st.dictionaries(names, names, max_size=2),
            match=st.lists(names, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


@given(resources)
def test_a_tuned_object_is_lifted_from_its_rendering(resource):
    assert tuned_resource.lift(tuned_resource.render(resource)) == resource


@given(foreign())
def test_layout_and_comments_change_no_finding(profile):
    (text,) = tuned_conf.render(profile, CpuSet()).values()
    loose = "".join(
        f"{line}  # a comment\n\n" if line.startswith("[") else f"{line.replace('=', ' = ', 1)}\n"
        for line in text.splitlines()
    )
    assert tuned_conf.lift(loose, f"{profile.name}/tuned.conf") == profile


lines = st.sampled_from(
    (
        "[main]",
        "[variables]",
        "[bootloader]",
        "[sysctl]",
        "[",
        "[]",
        "[DEFAULT]",
        "include=realtime",
        "include=",
        "include=ours",
        "  continued",
        "=",
        "x",
        "cmdline_a=+x",
        "cmdline_a=",
        "a=${f:exec:rm:-rf:/}",
        "a=${a}${a}",
        "isolated_cores=0-99999999999999",
        "\x00",
        "# c",
        "\u2028",
        "a.b=%(x)s",
    )
)
texts = st.text(max_size=80) | st.lists(lines, max_size=12).map("\n".join)


@given(texts, texts)
def test_any_text_is_read_or_refused_with_a_place(text, variables):
    try:
        profile = tuned_conf.lift({"ours/tuned.conf": text, "realtime-variables.conf": variables})
    except QuietcoreError as refused:
        told = refused.where
    else:
        told = "read"
        judged(profile)
    assert told


def judged(profile: TunedProfileSpec) -> None:
    for version in ("2.20", "2.28"):
        merged(profile, version)
        assert cmdline_of(profile, CpuSet([1]), CpuSet(range(4)), version) is not None
    machine = MachineSpec(
        role="host",
        online=CpuSet(range(4)),
        isolated=CpuSet([1]),
        tuned=profile,
        facts=MachineFacts(kernel="rt"),
        cmdline=KernelCmdline.parse("isolcpus=1 rcutree.kthread_prio=1"),
    )
    for finding in findings(machine):
        assert finding.where


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {"metadata": plain, "spec": plain | st.fixed_dictionaries({"profile": plain, "recommend": plain})}
)


@given(documents)
def test_any_plain_data_is_a_tuned_object_or_refused(document):
    try:
        resource = tuned_resource.lift(document, "some.yaml")
    except QuietcoreError as refused:
        where = refused.where
    else:
        where = "some.yaml"
        findings(resource)
    assert where.startswith("some.yaml")


expressions = st.text(alphabet="${}:\\fi,0-9x^ab(+*)", max_size=60) | st.lists(
    st.sampled_from(
        (
            "${",
            "}",
            "f:",
            "cpulist_unpack:",
            "cpulist_invert:",
            "regex_search_ternary:",
            "strip:",
            "cpuinfo_check:GenuineIntel:",
            "1-3",
            "0x",
            ":",
            "\\",
            "a",
            "^1",
            "((a*)*)*",
        )
    ),
    max_size=14,
).map("".join)


@given(expressions)
def test_any_expression_is_expanded_or_not_known(text):
    with suppress(NotKnown):
        assert isinstance(expand(text, {"a": "1-3", "b": None}, World(online=CpuSet(range(4)), vendor="intel")), str)
