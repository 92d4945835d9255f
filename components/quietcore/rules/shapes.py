"""Rules on the shape of what was declared, before any real-time rule can speak.

They are found while plain data becomes a spec; here they get the doc and the examples that all other rules have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import CpuPlan, Finding, Refused, RtNodeSpec, Severity
from quietcore.spec.shape import TITLES
from quietcore.spec.spec import Spec, spec_of
from quietcore.spec.topology import topology_of


@dataclass(frozen=True)
class Declaration:
    """Plain data, and the kind of spec that it should make."""

    kind: type[Spec]
    data: Mapping[str, Any]


@dataclass(frozen=True)
class TopologyText:
    """The text of a topology file, and its name."""

    name: str
    text: str


@dataclass(frozen=True)
class ManifestText:
    """The text of a Kubernetes object."""

    text: str


@dataclass(frozen=True)
class DomainText:
    """The text of a domain XML."""

    text: str


def _declared(code: str) -> Callable[[Declaration], Iterable[Hit]]:
    return lambda declaration: _hits(code, lambda: spec_of(declaration.kind, declaration.data))


def _hits(code: str, build: Callable[[], object]) -> Iterable[Hit]:
    """What building the spec refuses under this code."""
    try:
        build()
    except Refused as refused:
        return [_hit(finding) for finding in refused.findings if finding.code == code]
    return []


def _hit(finding: Finding) -> Hit:
    return Hit(where=finding.where, given=finding.given, allowed=finding.allowed, hint=finding.hint)


class _Unknown:
    """Stands where a program would pass an Output; real ones exist only while the engine runs."""

    __module__ = "pulumi.output"
    apply = None


_NODE = {"name": "plc-a", "host": "hv1", "vcpus": 4, "rt_vcpus": "1-3", "memory": "2GiB"}
_PLAN = {"housekeeping": "0-1", "isolated": "2-7"}


def _node(**changes: object) -> Callable[[], Declaration]:
    return lambda: Declaration(RtNodeSpec, {**_NODE, **changes})


def _plan(**changes: object) -> Callable[[], Declaration]:
    return lambda: Declaration(CpuPlan, {**_PLAN, **changes})


S01: Rule[Declaration] = Rule(
    code="S01",
    title=TITLES["S01"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Declaration,
    judge=_declared("S01"),
    doc=Doc(
        what="Each key is one that the spec has.",
        why="A key with a typo would otherwise be left unread, and the default would hold in silence.",
        fix="write one of the allowed keys, or remove this one",
        sources=(source("QUIETCORE", "specs forbid unknown keys"),),
        bad=Example(text='RtNode("plc-a", emulater="0-1", ...)', subject=_node(emulater="0-1")),
        good=Example(text='RtNode("plc-a", emulator="0-1", ...)', subject=_node(emulator="0-1")),
    ),
)

S02: Rule[Declaration] = Rule(
    code="S02",
    title=TITLES["S02"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Declaration,
    judge=_declared("S02"),
    doc=Doc(
        what="Each value is of its key's kind. CPU sets, sizes and durations are written as text.",
        why="The number 10 may be CPU 10 or ten CPUs, 2G may be 2000 or 2048 megabytes. Text with a unit, in the "
        "kernel's own list syntax, means one thing.",
        fix="write a value of the allowed kind",
        sources=(source("K-LISTS"), source("QUIETCORE", "units")),
        bad=Example(text='CpuPlan(housekeeping="1-7", isolated=0)', subject=_plan(housekeeping="1-7", isolated=0)),
        good=Example(text='CpuPlan(housekeeping="1-7", isolated="0")', subject=_plan(housekeeping="1-7", isolated="0")),
    ),
)

S03: Rule[Declaration] = Rule(
    code="S03",
    title=TITLES["S03"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Declaration,
    judge=_declared("S03"),
    doc=Doc(
        what="Real-time facts are plain values. Only addresses, images, keys and tokens may be Outputs.",
        why="An Output may have no value before the engine has applied something, so no rule could judge it at "
        "preview: the proof would come too late.",
        fix="write the value itself, or read it from stack configuration with pulumi.Config().get",
        sources=(source("PULUMI"), source("QUIETCORE", "specs hold plain values")),
        bad=Example(
            text='RtNode("plc-a", memory=other_stack.get_output("memory"), ...)', subject=_node(memory=_Unknown())
        ),
        good=Example(text='RtNode("plc-a", memory=pulumi.Config().require("memory"), ...)', subject=_node()),
    ),
)

S04: Rule[Declaration] = Rule(
    code="S04",
    title=TITLES["S04"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Declaration,
    judge=_declared("S04"),
    doc=Doc(
        what="Each key that has no default is given.",
        why="What cannot be derived has to be said: nobody but the author knows which CPUs a site isolates.",
        fix="add the key",
        sources=(source("QUIETCORE", "specs"),),
        bad=Example(text='CpuPlan(housekeeping="0-1")', subject=lambda: Declaration(CpuPlan, {"housekeeping": "0-1"})),
        good=Example(text='CpuPlan(housekeeping="0-1", isolated="2-7")', subject=_plan()),
    ),
)

_TOPOLOGY = 'schema_version: 1\ncells:\n- id: 0\n  cpus: "0-7"\n  memory: 16GiB\n'

S05: Rule[TopologyText] = Rule(
    code="S05",
    title=TITLES["S05"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=TopologyText,
    judge=lambda file: _hits("S05", lambda: topology_of(file.text, file.name)),
    doc=Doc(
        what="A host's topology file is there, is UTF-8 text, and is a YAML mapping.",
        why="Without the topology no rule about cores, NUMA cells or pages can be decided before the host is touched.",
        fix="write the file with quietcore inventory URI > FILE",
        sources=(source("QUIETCORE", "quietcore inventory"),),
        bad=Example(
            text='# hosts/hv1.yaml\ncells:\n- id: 0\n cpus: "0-7"',
            subject=lambda: TopologyText("hosts/hv1.yaml", 'cells:\n- id: 0\n cpus: "0-7"\n'),
        ),
        good=Example(text=f"# hosts/hv1.yaml\n{_TOPOLOGY}", subject=lambda: TopologyText("hosts/hv1.yaml", _TOPOLOGY)),
    ),
)


def _malformed(domain: DomainText) -> Iterable[Hit]:
    """Whether it is XML at all; what its elements may hold is told by who lifts the domain."""
    from xml.etree import ElementTree

    try:
        ElementTree.fromstring(domain.text)
    except ElementTree.ParseError as fault:
        return [Hit(where="domain", given=str(fault), allowed="well-formed XML")]
    return []


S06: Rule[DomainText] = Rule(
    code="S06",
    title=TITLES["S06"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainText,
    judge=_malformed,
    doc=Doc(
        what="The effective XML of a domain, after its stylesheet, is well-formed; its numbers, sizes and CPU sets "
        "are such.",
        why="A domain that cannot be read cannot be judged, and libvirt refuses it in the middle of an update.",
        fix="mend the domain's inputs or its stylesheet; quietcore render shows the effective XML",
        sources=(source("LV-FMT"),),
        bad=Example(text="<domain><vcpu>4</domain>", subject=lambda: DomainText("<domain><vcpu>4</domain>")),
        good=Example(
            text="<domain><vcpu>4</vcpu></domain>", subject=lambda: DomainText("<domain><vcpu>4</vcpu></domain>")
        ),
    ),
)


def _no_mapping(manifest: ManifestText) -> Iterable[Hit]:
    """Whether it is a YAML mapping at all; what its keys may hold is told by who lifts the object."""
    import yaml

    try:
        data = yaml.safe_load(manifest.text)
    except yaml.YAMLError as fault:
        return [Hit(where="object", given=" ".join(str(fault).split()), allowed="YAML")]
    return [] if isinstance(data, dict) else [Hit(where="object", given=repr(data), allowed="a mapping")]


S07: Rule[ManifestText] = Rule(
    code="S07",
    title=TITLES["S07"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=ManifestText,
    judge=_no_mapping,
    doc=Doc(
        what="A Kubernetes object is a mapping, and the values that rules speak of are of the kind that the API server "
        "takes: quantities, texts, lists.",
        why="An object that cannot be read cannot be judged, and the API server refuses it in the middle of an update.",
        fix="mend the object's values",
        sources=(source("K8S-DOC", "Objects in Kubernetes"),),
        bad=Example(text="- kind: Pod", subject=lambda: ManifestText("- kind: Pod")),
        good=Example(text="kind: Pod", subject=lambda: ManifestText("kind: Pod")),
    ),
)


@dataclass(frozen=True)
class SettingsText:
    """The text of a file of settings."""

    name: str
    text: str


def _no_settings(file: SettingsText) -> Iterable[Hit]:
    """Whether it is TOML at all; files of other kinds are told by who lifts them."""
    import tomllib

    try:
        tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as fault:
        return [Hit(where=file.name, given=f"not TOML: {fault}")]
    return []


S08: Rule[SettingsText] = Rule(
    code="S08",
    title=TITLES["S08"],
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=SettingsText,
    judge=_no_settings,
    doc=Doc(
        what="A file of a kind that quietcore lint knows can be read: a kernel command line, tuned's settings, a "
        "container runtime's, what lscpu and libvirt print. Kubernetes objects are S07's.",
        why="What its own program would refuse, or read otherwise than it was meant, cannot be judged. Often the "
        "program then starts with its defaults and says so in a log that nobody reads.",
        fix="mend the file",
        sources=(source("QUIETCORE", "quietcore lint"),),
        bad=Example(
            text='[crio.runtime]\ninfra_ctr_cpuset = "0-1',
            subject=lambda: SettingsText("crio.conf", '[crio.runtime]\ninfra_ctr_cpuset = "0-1\n'),
        ),
        good=Example(
            text='[crio.runtime]\ninfra_ctr_cpuset = "0-1"',
            subject=lambda: SettingsText("crio.conf", '[crio.runtime]\ninfra_ctr_cpuset = "0-1"\n'),
        ),
    ),
)

RULES: tuple[Rule[Any], ...] = (S01, S02, S03, S04, S05, S06, S07, S08)
