"""Files that are made to cost their reader time: each is read or refused with work that grows as the file does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import pytest
from tests.fuzz.formats import FORMATS
from tests.fuzz.mangling import bounded

from quietcore.errors import QuietcoreError
from quietcore.lint import Text, Verdict, lint_texts

NIGHTLY: Final = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
SIZE: Final = 1 << (20 if NIGHTLY else 17)
SECONDS: Final = 30 if NIGHTLY else 8

Make = Callable[[int], str]


def full(piece: str, head: str = "", tail: str = "") -> Make:
    """The piece as often as it fits between head and tail."""
    return lambda size: head + piece * ((size - len(head) - len(tail)) // len(piece)) + tail


def each(piece: str, head: str = "", tail: str = "") -> Make:
    """As ``full``, with its own number in each piece, in the place of ``@`` and the one before it for ``%``."""

    def made(size: int) -> str:
        count = (size - len(head) - len(tail)) // (len(piece) + 5)
        return head + "".join(piece.replace("@", str(at)).replace("%", str(at - 1)) for at in range(count)) + tail

    return made


KUBELET = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
PROFILE = "apiVersion: performance.openshift.io/v2\nkind: PerformanceProfile\nmetadata: {name: a}\nspec:\n"
OBJECT = "apiVersion: tuned.openshift.io/v1\nkind: Tuned\nmetadata: {name: a}\nspec:\n  profile:\n"
DOMAIN = "<domain type='kvm'><name>a</name><memory>1048576</memory><vcpu>4</vcpu>"
CPUTUNE, PINNED = f"{DOMAIN}<cputune>", "</cputune></domain>"
CAPS, CAPPED = "<capabilities><host><topology><cells>", "</cells></topology></host></capabilities>"
CELLS = "cells:\n- {id: 0, cpus: '0-4095', memory: 1GiB}\n"
TUNED = "[main]\nsummary=x\n"
LISTS = "0-4095,1-4095,"

TEXTS: Final[dict[str, Make]] = {
    "nothing but line ends": full("\n"),
    "line ends within a table of lscpu": full("\n", "Architecture: x", ""),
    "a word, line ends and a word": full("\n", "x", "y"),
    "a word, blanks and a word": full(" ", "x", "y"),
    "YAML, a list of lists": full("- kind: x\n", "kind: List\napiVersion: v1\nitems:\n"),
    "YAML, a list of pods": full("- {apiVersion: v1, kind: Pod}\n", "kind: List\napiVersion: v1\nitems:\n"),
    "YAML, many documents": full("---\nkind: x\n"),
    "YAML, open mappings": full("{"),
    "YAML, open lists": full("[", "kind: "),
    "YAML, lists in one line": full("- ", "kind: x\na:\n  "),
    "YAML, question marks": full("? ", "kind: "),
    "YAML, tags": full("!!str ", "kind: "),
    "YAML, a long key": full("a", "kind: x\n", ": 1"),
    "YAML, a number": full("9", f"{KUBELET}maxPods: "),
    "YAML, many keys": each("k@: 1\n", "kind: x\n"),
    "YAML, a chain of anchors": each("k@: &a@ [*a%]\n", "kind: x\nz: &a-1 1\n"),
    "YAML, merges of merges": each("k@: &a@ {<<: *a%, b@: 1}\n", "kind: x\nz: &a-1 {}\n"),
    "JSON, a number": full("9", '{"cpus": [{"cpu": ', ', "node":0,"socket":0,"core":0}]}'),
    "JSON, open lists": full("[", '{"cpus": ['),
    "JSON, infinity": lambda size: '{"cpus": [{"cpu": 1e999, "node":0,"socket":0,"core":0}]}',
    "JSON, many CPUs": each('{"cpu":@,"node":@,"socket":@,"core":@},', '{"cpus": [', '{"cpu":0}]}'),
    "JSON, one CPU many times": full('{"cpu":1,"node":0,"socket":0,"core":0},', '{"cpus": [', '{"cpu":0}]}'),
    "JSON, a list of CPUs": full(LISTS, '{"lscpu": [{"field":"On-line CPU(s) list:","data":"', '0"}]}'),
    "JSON, children of children": full('[{"children":', '{"lscpu": '),
    "TOML, a number": full("9", "[crio]\na="),
    "TOML, a dotted key": full("a.", "[crio]\n", "a=1"),
    "TOML, a dotted table": full("a.", "[crio]\n[", "a]"),
    "TOML, spaced dots": full("a . ", "[crio]\n", "a=1"),
    "TOML, many tables": each("[a.b@]\n", "[crio]\n"),
    "TOML, open lists": full("[", "[crio]\na="),
    "TOML, open tables": full("{a=", "[crio]\na="),
    "TOML, continued lines": full("\\\n", '[crio]\na="""', '"""'),
    "tuned, one setting many times": full("a=1\n", TUNED),
    "tuned, many sections": each("[a@]\n", TUNED),
    "tuned, a continued value": full(" a\n", TUNED),
    "tuned, blanks in a list of parents": full(" ", "[main]\ninclude=x", "y"),
    "tuned, many parents": each(",p@", "[main]\ninclude=x"),
    "tuned, open variables": full("${", f"{TUNED}[variables]\na="),
    "tuned, variables of variables": each("a@=${a%}${a%}\n", f"{TUNED}[variables]\na-1=1\n"),
    "tuned, functions of functions": full("${f:strip:", f"{TUNED}[variables]\nisolated_cores="),
    "tuned, a list of CPUs": full(LISTS, f"{TUNED}[variables]\nisolated_cores=${{f:cpulist_unpack:", "0}\n"),
    "tuned, an expression": lambda size: (
        f"{TUNED}[bootloader]\ncmdline=${{f:regex_search_ternary:{'a' * 99}:((a*)*)*b:1:2}}\n"
    ),
    "tuned, variables and blanks": full(" \n", "isolated_cores=1\n"),
    "a command line": full("isolcpus=1 "),
    "a command line as long as is read": lambda size: full("isolcpus=1 ", "root=x ")(65000),
    "a command line, lists of CPUs": lambda size: full(LISTS, "root=x isolcpus=", "0")(65000),
    "a command line, groups": lambda size: full("0-4095:1/2,", "root=x isolcpus=", "0")(65000),
    "a command line, a group beyond reason": lambda size: f"root=x isolcpus=0-4095:1/{'9' * 18}",
    "a command line, a mask": lambda size: full("f", "root=x tuned.non_isolcpus=")(65000),
    "a command line, quotes": lambda size: full('"', "root=x ")(65000),
    "GRUB, one setting many times": lambda size: full('GRUB_CMDLINE_LINUX="x"\n')(65000),
    "GRUB, settings that double": lambda size: full("GRUB_A=$GRUB_A$GRUB_A\n", "GRUB_A=x\n")(65000),
    "GRUB, open quotes": lambda size: full('\nGRUB_B="', "GRUB_A='")(65000),
    "XML, nested": full("<a>", DOMAIN),
    "XML, attributes": each("a@='1' ", f"{DOMAIN}<a ", "/></domain>"),
    "XML, one pin many times": full("<vcpupin vcpu='1' cpuset='1'/>", CPUTUNE, PINNED),
    "XML, many pins": each("<vcpupin vcpu='@' cpuset='0-7'/>", CPUTUNE, PINNED),
    "XML, pins to every CPU": full("<vcpupin vcpu='1' cpuset='0-4095'/>", CPUTUNE, PINNED),
    "XML, scheduling": full("<vcpusched vcpus='1' scheduler='fifo' priority='1'/>", CPUTUNE, PINNED),
    "XML, a list of CPUs": full(f"{LISTS}^1,", f"{CPUTUNE}<vcpupin vcpu='1' cpuset='", f"0'/>{PINNED}"),
    "XML, comments": full("<!-- -->", "", f"{DOMAIN}</domain>"),
    "XML, instructions": full("<?a?>", "", f"{DOMAIN}</domain>"),
    "XML, disks": full("<disk/><interface type='user'/>", f"{DOMAIN}<devices>", "</devices></domain>"),
    "XML, namespaces": each("<a:a xmlns:a='u@'/>", DOMAIN, "</domain>"),
    "XML, IOThreads": full("<iothread id='1'/>", f"{DOMAIN}<iothreadids>", "</iothreadids></domain>"),
    "capabilities, many cells": each("<cell id='@'><cpus><cpu id='@' siblings='0-4095'/></cpus></cell>", CAPS, CAPPED),
    "capabilities, a number": full("9", f"{CAPS}<cell id='", f"'><cpus><cpu id='0'/></cpus></cell>{CAPPED}"),
    "a topology, many cells": each("- {id: @, cpus: '0-4095', memory: 1GiB}\n", "cells:\n"),
    # ten characters are a core of 4096 CPUs, at which every rule on cores looks
    "a topology, many cores": lambda size: full("- '0-4095'\n", f"{CELLS}cores:\n")(size // 8),
    "a kubelet, a list of CPUs": full(LISTS, f"{KUBELET}reservedSystemCPUs: '", "0'"),
    "a kubelet, an amount": full("9", f"{KUBELET}kubeReserved: {{memory: '", "'}"),
    "a kubelet, an exponent": lambda size: f"{KUBELET}kubeReserved: {{memory: '1e999999999'}}\n",
    "a kubelet, a span of time": full("1h", f"{KUBELET}cpuManagerReconcilePeriod: '", "'"),
    "a kubelet, reservations": full("- {numaNode: 0, limits: {memory: 1Gi}}\n", f"{KUBELET}reservedMemory:\n"),
    "a pod, many containers": each("  - {name: c@, command: [chrt, -f, '99', x]}\n", POD),
    "a pod, a long script": full("chrt -f 99 x; ", f"{POD}  - {{name: a, command: [sh, -c, '", "']}"),
    "a pod, a long command": full("exec, ", f"{POD}  - {{name: a, command: [", "x]}"),
    "a profile, a list of CPUs": full(LISTS, f"{PROFILE}  cpu: {{isolated: '", "0', reserved: '0'}"),
    "a profile, arguments": full("  - isolcpus=1\n", f"{PROFILE}  cpu: {{isolated: '1'}}\n  additionalKernelArgs:\n"),
    "a Tuned object, profiles in a row": each('  - {name: a%, data: "[main]\\ninclude=a@"}\n', OBJECT),
}


BOMB: Final = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]\n" for n in range(1, 10))


@pytest.mark.parametrize("name", TEXTS)
def test_no_file_costs_more_than_its_length_is_worth(name: str) -> None:
    judged(TEXTS[name](SIZE))


def judged(text: str) -> Verdict:
    with bounded(SECONDS):
        return lint_texts([Text("hv1/file", "hv1", text.encode())])


LAUGHS = "".join(f"<!ENTITY l{level + 1} '{f'&l{level};' * 10}'>" for level in range(9))
DOCTYPES: Final = {
    "billion laughs": f"<!DOCTYPE x [<!ENTITY l0 'lol'>{LAUGHS}]>",
    "one long entity": f"<!DOCTYPE x [<!ENTITY l9 '{'a' * 50_000}'>]>",
    "an external entity": "<!DOCTYPE x [<!ENTITY l9 SYSTEM 'file:///etc/passwd'>]>",
    "a document type elsewhere": "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>",
    "a parameter entity": "<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>",
}


@pytest.mark.parametrize("doctype", DOCTYPES)
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("domain", "<domain><name>&l9;&l9;</name><memory>1</memory></domain>"),
        ("domain", "<domain><name>a</name></domain>"),
        ("capabilities", f"{CAPS}<cell id='0'><cpus><cpu id='0'/></cpus></cell>{CAPPED}"),
        (
            "capabilities",
            f"{CAPS.replace('<host>', '<host>&l9;')}<cell id='0'><cpus><cpu id='0'/></cpus></cell>{CAPPED}",
        ),
    ],
)
def test_entities_are_refused_and_none_is_read(doctype: str, name: str, body: str) -> None:
    with bounded(SECONDS), pytest.raises(QuietcoreError, match=r"hv1/file\.xml"):
        FORMATS[name].lift(DOCTYPES[doctype] + body, "hv1/file.xml")
    assert not [each for each in judged(DOCTYPES[doctype] + body).findings if "root:" in repr(each)]


def test_aliases_that_unfold_without_end_are_refused_with_their_line() -> None:
    (found,) = judged(KUBELET + BOMB).findings
    assert (found.code, found.line) == ("S07", 7)
    assert "aliases unfold without end" in found.given


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{KUBELET}cpuManagerPolicy: static\ncpuManagerPolicy: none\n", 4),
        ('[crio.runtime]\ninfra_ctr_cpuset = "0"\ninfra_ctr_cpuset = "1"\n', 3),
        (f"[crio.runtime]\n\na = {'9' * 5000}\n", 3),
    ],
)
def test_what_is_said_twice_or_too_long_is_told_with_its_line(text: str, line: int) -> None:
    (found,) = judged(text).findings
    assert found.line == line


TOPOLOGIES: Final = {
    "aliases": f"{BOMB}cells: *a9\n",
    "an alias of itself": "cells: &a [*a]\n",
    "nesting": f"cells: {'[' * 5000}{']' * 5000}",
    "a number": "schema_version: " + "9" * 50_000,
    "a date": "cells: 9999-99-99",
    "a key that is a list": "? [a]\n: b\n",
}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_topology_file_of_any_kind_is_refused_with_its_name(name: str) -> None:
    with bounded(SECONDS), pytest.raises(QuietcoreError, match=r"hv1\.yaml"):
        FORMATS["topology"].lift(TOPOLOGIES[name], "hv1.yaml")
