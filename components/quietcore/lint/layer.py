"""One text lifted: the layers it speaks of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quietcore.errors import QuietcoreError, UnitError
from quietcore.lint.documents import of_text
from quietcore.lint.kind import Kind, Unrecognised, kind_of
from quietcore.lint.template import blank
from quietcore.lint.text import Text
from quietcore.lint.topology import TopologyError
from quietcore.render.yaml_document import decoded
from quietcore.units import CpuSet


@dataclass(frozen=True)
class Layer:
    """A value that a text holds, what kind of layer it is, and the text it comes from.

    ``noun`` is the layer's name: a field of MachineSpec where there is one, else that of the thing itself.
    """

    noun: str
    value: Any
    text: Text


@dataclass(frozen=True)
class Lifted:
    """What a text gave: layers, why nothing or not all of it is judged, and what is broken in it."""

    text: Text
    layers: tuple[Layer, ...] = ()
    unjudged: tuple[str, ...] = ()
    broken: QuietcoreError | None = None


def lifted(text: Text) -> Lifted:
    """Lift a text by what it holds. What is broken, or of no known kind, is told and never raised."""
    if text.content is None:
        return Lifted(text, unjudged=(text.fault,))
    if b"\0" in text.content[:4096].removesuffix(b"\0"):
        return Lifted(text, unjudged=("not text",))
    try:
        content = decoded(text.content.rstrip(b"\0"), text.name)
    except QuietcoreError:
        return Lifted(text, unjudged=("not UTF-8 text",))
    try:
        kind = kind_of(content, text.name)
        if kind is Kind.YAML:
            found = of_text(content, text.name)
            return Lifted(text, tuple(Layer(noun, value, text) for noun, value in found.values), found.unjudged)
        return Lifted(text, tuple(Layer(noun, value, text) for noun, value in _LIFTS[kind](content, text.name)))
    except Unrecognised as reason:
        return Lifted(text, unjudged=(str(reason),))
    except QuietcoreError as fault:
        missing = blank(fault, content)
        if missing:
            return Lifted(text, unjudged=(f"a template: give it with {missing} filled in",))
        return Lifted(text, broken=fault)


Values = Iterator[tuple[str, Any]]


def _domain(content: str, name: str) -> Values:
    from quietcore.render.domain_xml import lift

    yield "domain", lift(content, name)


def _capabilities(content: str, name: str) -> Values:
    from quietcore.lint.topology import of_capabilities

    yield "topology capabilities", of_capabilities(content, name)


def _cpu_table(content: str, name: str) -> Values:
    from quietcore.lint.topology import of_table

    yield "topology table", of_table(content, name)


def _cpu_summary(content: str, name: str) -> Values:
    from quietcore.lint.topology import of_summary

    yield "summary", of_summary(content, name)


def _cmdline(content: str, name: str) -> Values:
    from quietcore.render.cmdline import form_of, lift

    yield f"cmdline {form_of(content, name)}", lift(content, name)


def _runtime(content: str, name: str) -> Values:
    from quietcore.render.crio_conf import lift

    yield "runtime", lift(content, name)


def _active(content: str, _name: str) -> Values:
    yield "tuned active", content.rpartition(":")[2].strip()


def _uname(content: str, _name: str) -> Values:
    """Kernels before 6.x call it PREEMPT RT, later ones PREEMPT_RT."""
    yield "kernel", ("rt" if re.search(r"PREEMPT[_ ]RT", content) else "generic", content.split()[2])


def _version(content: str, _name: str) -> Values:
    program, _, version = content.strip().partition(" ")
    noun = "kubelet version" if program == "Kubernetes" else "tuned version"
    yield noun, ".".join(version.strip().removeprefix("v").split(".")[:2])


def _cpu_list(content: str, name: str) -> Values:
    try:
        yield f"{name.rpartition('/')[2]} CPUs", CpuSet.parse(content.strip())
    except UnitError as fault:
        raise TopologyError(fault.what, where=name, given=fault.given, allowed=fault.allowed) from None


def _as_text(noun: str) -> Callable[[str, str], Values]:
    """A file that means something only together with others."""

    def kept(content: str, _name: str) -> Values:
        yield noun, content

    return kept


_LIFTS: Final[Mapping[Kind, Callable[[str, str], Values]]] = {
    Kind.DOMAIN: _domain,
    Kind.CAPABILITIES: _capabilities,
    Kind.CPU_TABLE: _cpu_table,
    Kind.CPU_SUMMARY: _cpu_summary,
    Kind.CMDLINE: _cmdline,
    Kind.RUNTIME: _runtime,
    Kind.TUNED: _as_text("tuned file"),
    Kind.TUNED_VARIABLES: _as_text("tuned file"),
    Kind.TUNED_ACTIVE: _active,
    Kind.UNAME: _uname,
    Kind.VERSION: _version,
    Kind.CPU_LIST: _cpu_list,
    Kind.SCRIPT: _as_text("script"),
}
