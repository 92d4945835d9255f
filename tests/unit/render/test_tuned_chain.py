"""Profiles that include others, with the files of their variables."""

import pytest

from quietcore.render.tuned_conf import TunedError, lift, render
from quietcore.units import CpuSet

BASE = "[main]\ninclude=realtime-virtual-host\n[sysctl]\nvm.swappiness=1\n[vm]\na=1\n[service]\nx=1\n"
OURS = (
    "[main]\nsummary=plant\ninclude=base\n[sysctl]\nvm.swappiness=2\ndrop=kernel.numa_balancing\n[vm]\nreplace=1\nb=2\n"
)
VARIABLES = "# comment\nisolated_cores=2-7\nisolate_managed_irq=Y\n"


def files(**profiles: str) -> dict[str, str]:
    return {f"/etc/tuned/{name}/tuned.conf": text for name, text in profiles.items()}


def test_a_child_is_merged_over_its_parents_and_what_is_not_given_stays_included():
    profile = lift(files(base=BASE, ours=OURS))
    assert (profile.name, profile.role, profile.parent) == ("ours", "host", "realtime-virtual-host")
    assert profile.merged == ("base",)
    assert profile.sysctl == {"vm.swappiness": "2"}
    assert profile.sections == {
        "main": {"summary": "plant"},
        "sysctl": {"drop": "kernel.numa_balancing"},
        "vm": {"replace": "1", "b": "2"},
        "service": {"x": "1"},
    }


def test_the_profile_that_is_asked_for_is_read_whichever_others_there_are():
    assert lift(files(base=BASE, ours=OURS), "base").name == "base"
    with pytest.raises(TunedError, match="no tuned profile"):
        lift(files(base=BASE), "ours")


def test_several_parents_may_stand_with_commas_and_semicolons():
    profile = lift(files(ours="[main]\ninclude = a, b ;-c\n"))
    assert profile.parent == "a,b,-c"
    assert profile.parents == ("a", "b", "c")


def test_a_profile_without_parents_includes_none():
    assert lift(files(ours="[sysctl]\nvm.swappiness=1\n")).parents == ()


def test_an_include_that_a_function_gives_is_kept_whole():
    text = "[main]\ninclude=openshift-node,cpu-partitioning${f:regex_search_ternary:a:b:,rt:}\n"
    assert lift(files(ours=text)).include == "openshift-node,cpu-partitioning${f:regex_search_ternary:a:b:,rt:}"


def test_profiles_in_a_ring_are_read_once():
    ring = lift(files(a="[main]\ninclude=b\n[x]\ny=1\n", b="[main]\ninclude=a\n"), "a")
    assert (ring.merged, ring.parents) == (("b",), ())


def test_a_parent_that_comes_after_one_that_was_read_is_told():
    profile = lift(files(base="[x]\ny=1\n", ours="[main]\ninclude=base,realtime\n"))
    assert profile.unread == ("realtime comes after base, which is read as if it came last",)


def test_the_variables_file_of_tunings_own_parent_is_read_where_it_is_given():
    given = {**files(base=BASE), "etc/realtime-virtual-host-variables.conf": VARIABLES}
    assert lift(given).variables == {"isolated_cores": "2-7", "isolate_managed_irq": "Y"}
    assert lift(files(base=BASE)).variables == {}


def test_a_file_of_variables_that_is_not_given_is_remembered():
    text = "[variables]\ninclude=/etc/tuned/ours.conf\ncores=${isolated_cores}\nisolated_cores=${isolated_cores}\n"
    assert lift(files(ours=text)).variables == {"include": "/etc/tuned/ours.conf", "cores": "${isolated_cores}"}


def test_unknown_sections_are_kept_and_written_again():
    text = "[main]\ninclude=realtime\n\n[scheduler]\ngroup.x=0:f:2:*:^\\[x\n\n[rtentsk]\n\n[selinux]\navc=1\n"
    profile = lift(text, "plant/tuned.conf")
    assert profile.sections["rtentsk"] == {}
    assert lift(render(profile, CpuSet())) == profile


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("include=x\n", "line 1"),
        ("[main]\ninclude=x\n[]\n= y\n", "line 4"),
        ("\n[main]\n\n\tx\n y\n  z\n=", "line"),
    ],
)
def test_a_text_that_does_not_parse_is_refused_with_its_line(text: str, line: str):
    with pytest.raises(TunedError) as refused:
        lift(text, "ours.conf")
    assert refused.value.where.startswith("ours.conf")
    assert line in refused.value.where


def test_a_broken_file_of_variables_is_refused_in_its_own_lines():
    given = {**files(base=BASE), "realtime-virtual-host-variables.conf": "isolated_cores=1\n=2\n"}
    with pytest.raises(TunedError) as refused:
        lift(given)
    assert refused.value.where == "realtime-virtual-host-variables.conf, line 2"


def test_a_profile_that_hides_tunings_own_of_its_name_stands_on_it():
    profile = lift("[main]\ninclude=realtime-virtual-host\n", "realtime-virtual-host/tuned.conf")
    assert (profile.name, profile.parents) == ("realtime-virtual-host", ("realtime-virtual-host",))


@pytest.mark.parametrize(
    ("include", "parents"),
    [
        ("a,b${f:regex_search_ternary:x:rt:,c:}", ("a", "b", "${f:regex_search_ternary:x:rt:,c:}")),
        ("a${f:virt_check:-guest:-host}", ("a${f:virt_check:-guest:-host}",)),
        (
            "a,b${f:regex_search_ternary:${f:exec:uname:-r}:rt:,c:};\n d-${f:lscpu_check:x:y}-e",
            ("a", "b", "${f:regex_search_ternary:${f:exec:uname:-r}:rt:,c:}", "d-${f:lscpu_check:x:y}-e"),
        ),
        ("-provider-${f:exec:cat:x},openshift", ("provider-${f:exec:cat:x}", "openshift")),
    ],
)
def test_parents_beside_a_function_are_sure_where_it_only_adds_to_them(include: str, parents: tuple[str, ...]):
    assert lift(f"[main]\ninclude={include}\n", "ours/tuned.conf").parents == parents
