"""Which kind of file a text is, told by what it holds and not by its name."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a file can be; the value is what a reader is told."""

    DOMAIN = "domain XML"
    CAPABILITIES = "libvirt's capabilities"
    CPU_TABLE = "CPU table of lscpu"
    CPU_SUMMARY = "summary of lscpu"
    CMDLINE = "kernel command line"
    TUNED = "tuned profile"
    TUNED_VARIABLES = "variables of a tuned profile"
    TUNED_ACTIVE = "name of the active tuned profile"
    RUNTIME = "container runtime's configuration"
    YAML = "YAML"
    SCRIPT = "script"
    UNAME = "output of uname -a"
    VERSION = "version of a program"
    CPU_LIST = "CPU list of the kernel"


class Unrecognised(Exception):
    """A text of no known kind; the message says what was seen."""


_ROOT: Final = re.compile(r"<([A-Za-z_][\w.:-]*)")
_BLANKS: Final = re.compile(r"\s*")
_ASIDE: Final = (("<?", "?>"), ("<!--", "-->"))
_OBJECT: Final = re.compile(r"^(apiVersion|kind)[ \t]*:", re.MULTILINE)
_SECTION: Final = re.compile(r"^\[([^\]\n]+)\][ \t]*(?:#.*)?$", re.MULTILINE)
_TABLE: Final = re.compile(r"^\[+[ \t]*(crio|plugins)\b", re.MULTILINE)
_VERSION: Final = re.compile(r"^version[ \t]*=[ \t]*\d+[ \t\r]*$", re.MULTILINE)
_ASSIGNS: Final = re.compile(r"[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*\+?=")
_TOPOLOGY: Final = re.compile(r"^(cells|schema_version|items|kubeletconfig)[ \t]*:", re.MULTILINE)
_JSON: Final = re.compile(r"""[{,\s"'](kind|cells|kubeletconfig)["']?\s*:""")
_FENCE: Final = re.compile(r"^```", re.MULTILINE)
_GRUB: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?GRUB_[A-Z0-9_]+\+?=", re.MULTILINE)
_ENTRY: Final = re.compile(r"^options[ \t]+\S", re.MULTILINE)
_ENTRY_KEY: Final = re.compile(r"^(title|version|linux|initrd)[ \t]+\S", re.MULTILINE)
_VARIABLE: Final = re.compile(
    r"^[ \t]*(isolated_cores|isolate_managed_irq|no_balance_cores|netdev_queue_count)[ \t]*=", re.MULTILINE
)
_PARAMETER: Final = re.compile(
    r"(?:^|\s)(BOOT_IMAGE|root|initrd|console|isolcpus|nohz_full|rcu_nocbs|irqaffinity|hugepages|hugepagesz"
    r"|default_hugepagesz|kthread_cpus|nohz|tsc|intel_pstate|amd_pstate|skew_tick|systemd\.cpu_affinity|idle|mitigations"
    r"|intel_iommu|iommu|mce|rcutree\.kthread_prio|clocksource|processor\.max_cstate)=\S"
)
_LSCPU: Final = re.compile(r"\AArchitecture:[ \t]+\S+[ \t\r]*\n[ \t]*CPU op-mode")
_BEFORE_FLOW: Final = re.compile(r"(?:(?:#|---)[^\n]*\n\s*)+\{")
_UNAME: Final = re.compile(r"Linux \S+ \d+\.\d+\S* #")
_PROGRAM: Final = re.compile(r"(tuned(?:-adm)?|Kubernetes) v?\d+\.\d+")
_ACTIVE: Final = re.compile(r"Current active profile: \S")
_CPU_FILES: Final = ("cpu/online", "cpu/isolated")
_TUNED: Final = frozenset(
    (
        "main",
        "variables",
        "bootloader",
        "sysctl",
        "sysfs",
        "cpu",
        "script",
        "scheduler",
        "vm",
        "irqbalance",
        "disk",
        "net",
        "selinux",
        "service",
        "systemd",
        "modules",
        "audio",
        "mounts",
        "video",
        "usb",
        "acpi",
        "irq",
        "uncore",
    )
)
_ELSEWHERE: Final = re.compile(r"(?:^|/)(?:modprobe|tmpfiles)\.d/")
"""Folders of other programs in which tuned keeps a file of its own name."""
_DOCUMENT_TYPE: Final = re.compile(r"<!DOCTYPE\s+([A-Za-z_][\w.:-]*)")
_XML: Final = {"domain": Kind.DOMAIN, "capabilities": Kind.CAPABILITIES}


def kind_of(text: str, name: str = "") -> Kind:
    """The kind of the text of file ``name``. Raises Unrecognised that says what it looks like."""
    start = text.lstrip()
    if not start:
        raise Unrecognised("empty")
    if start.startswith("<"):
        return _xml(start)
    if start.startswith("#!"):
        if name.endswith(".sh"):
            return Kind.SCRIPT
        raise Unrecognised("a script")
    if start.startswith("{"):
        return _json(start)
    flow = _BEFORE_FLOW.match(start)
    if flow is not None:
        return _json(start[flow.end() - 1 :])
    return _lines(text, name)


def _xml(text: str) -> Kind:
    root = _ROOT.match(_undressed(text))
    if root is None:
        # Behind a document type or an open comment: whoever lifts it says what is wrong.
        if re.search(r"<domain[\s/>]", text):
            return Kind.DOMAIN
        root = _DOCUMENT_TYPE.search(text)
        if root is None:
            raise Unrecognised("it begins like XML and has no element")
    kind = _XML.get(root[1])
    if kind is None:
        raise Unrecognised(f"XML with <{root[1]}>, which is neither a domain nor libvirt's capabilities")
    return kind


def _undressed(text: str) -> str:
    """The text from its first element on: declarations and comments before it are left out."""
    at = 0
    while marks := next((marks for marks in _ASIDE if text.startswith(marks[0], at)), None):
        end = text.find(marks[1], at + len(marks[0]))
        if end < 0:
            break
        at = end + len(marks[1])
        at += len(_BLANKS.match(text, at)[0])  # type: ignore[index]  # it matches anything
    return text[at:]


def _json(text: str) -> Kind:
    """Kubernetes' JSON is YAML as well."""
    head = text[:400]
    if re.match(r'\{\s*"lscpu"', head):
        return Kind.CPU_SUMMARY
    if re.match(r'\{\s*"cpus"\s*:\s*\[', head):
        return Kind.CPU_TABLE
    if _JSON.search(text):
        return Kind.YAML
    raise Unrecognised("no object of a kind that is known here")


def _lines(text: str, name: str) -> Kind:
    if _FENCE.search(text):
        raise Unrecognised("prose with blocks of code")
    if _OBJECT.search(text):
        return Kind.YAML
    if _TABLE.search(text) and ("=" in text):
        return Kind.RUNTIME
    sections = [found.strip().lower() for found in _SECTION.findall(text)]
    if (name.rpartition("/")[2] == "tuned.conf" and not _ELSEWHERE.search(name)) or _is_tuned(sections, text):
        return Kind.TUNED
    if sections:
        raise Unrecognised(f"settings with sections such as [{sections[0]}], which are not tuned's")
    if (_GRUB.search(text) and _assigns(text)) or (_ENTRY.search(text) and _ENTRY_KEY.search(text)):
        return Kind.CMDLINE
    if _VARIABLE.search(text):
        return Kind.TUNED_VARIABLES
    if _LSCPU.match(text):
        raise Unrecognised("lscpu's text; give what `lscpu --json --extended=CPU,NODE,SOCKET,CORE` prints")
    return _line(text, name)


def _assigns(text: str) -> bool:
    """Whether a shell reads it as settings: no other line outnumbers them, as it would in a program."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return 2 * sum(bool(_ASSIGNS.match(line)) for line in lines) > len(lines)


def _is_tuned(sections: list[str], text: str) -> bool:
    known = _TUNED.intersection(sections)
    profile = "main" in known and re.search(r"^[ \t]*(summary|include)[ \t]*=", text, re.MULTILINE)
    return bool(profile) or "bootloader" in known or ("variables" in known and len(known) > 1)


def _line(text: str, name: str) -> Kind:
    said = _printed(text.lstrip(), name)
    if said is not None:
        return said
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise Unrecognised("only comments")
    if len(lines) <= 2 and _PARAMETER.search(text):
        return Kind.CMDLINE
    if len(lines) == 1 and _VERSION.match(lines[0]):
        return Kind.RUNTIME
    if _TOPOLOGY.search(text):
        return Kind.YAML
    raise Unrecognised("no kind of file that is known here")


def _printed(text: str, name: str) -> Kind | None:
    """What a command prints or the kernel holds in one word, which only its own file's name tells."""
    if _UNAME.match(text):
        return Kind.UNAME
    if _PROGRAM.match(text):
        return Kind.VERSION
    if name.endswith(_CPU_FILES):
        return Kind.CPU_LIST
    return Kind.TUNED_ACTIVE if _ACTIVE.match(text) or name.endswith("/active_profile") else None
