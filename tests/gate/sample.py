"""Verdicts made by hand, for what turns them into words and files."""

from __future__ import annotations

from datetime import date
from typing import Any

from quietcore.gate.change import Change
from quietcore.gate.cpus import CpuMaps
from quietcore.gate.events import Violation
from quietcore.gate.verdict import Unobserved, Verdict
from quietcore.policy.record import Undecided
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity

ERROR = Finding(
    code="D06",
    title="real-time vCPU is pinned outside the isolated CPUs",
    where='node "plc-a", pins[2]',
    given='CPU 1, which host "hv1" does not isolate',
    allowed="one of 2-7",
    hint="pin vCPU 2 to one of 2-7",
)
WARNING = Finding(
    code="D33", title="guest has USB", where='domain "raw", devices', given="<graphics>", severity=Severity.WARNING
)
SPARED = Finding(code="D31", title="memory balloon can take pages away", where='domain "raw", devices', given="nothing")
EXEMPTION = ExemptionSpec(
    code="D31", resource="raw", reason="image | needs <it>", owner="ops@plant", expires=date(2027, 3, 31)
)
UNDECIDED = Undecided("urn:pulumi:dev::site::libvirt:index/domain:Domain::raw", "Domain", "raw", "xml.xslt")
UNOBSERVED = Unobserved("hv1", "hv1 cannot be reached", ("plc-a",))
VIOLATION = Violation("plant", "naming", "mandatory", "names begin with plc-", "urn:pulumi:dev::site::t::raw")
DOMAIN = "libvirt:index/domain:Domain"
UPDATE = Change("node plc-a", DOMAIN, "plc-a", "update", ("plc-a on hv1: memory 2 GiB (at next boot)",))
RESTART = Change("node plc-b", DOMAIN, "plc-b", "update", ("plc-b on hv1: memory (the guest is restarted for it)",))


def clean(**changes: Any) -> Verdict:
    """A verdict that passes, but for what is given."""
    given: dict[str, Any] = {"stack": "dev", "resources": 10, "judged": 4, "counts": {"create": 1, "same": 9}}
    return Verdict(**{**given, **changes})


def full(**changes: Any) -> Verdict:
    """A verdict with one of everything."""
    given: dict[str, Any] = {
        "findings": (ERROR, WARNING),
        "spared": ((EXEMPTION, SPARED),),
        "undecided": (UNDECIDED,),
        "violations": (VIOLATION,),
        "unobserved": (UNOBSERVED,),
        "faults": (("v", "no resource plugin"),),
        "code": 1,
        "changes": (UPDATE, RESTART),
        "cpus": (CpuMaps("hv1", "before\n", "after\n"), CpuMaps("hv2", "as ever\n", "as ever\n")),
        "log": "Previewing\n```\nit broke\n",
    }
    return clean(**{**given, **changes})
