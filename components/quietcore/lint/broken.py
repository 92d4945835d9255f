"""Broken content of a known kind as a finding, so that the other files are judged all the same."""

from __future__ import annotations

import re
from dataclasses import replace

from quietcore.errors import QuietcoreError
from quietcore.spec import Finding, Severity
from quietcore.spec.finding import Refused
from quietcore.spec.shape import TITLES

_DOMAIN, _OBJECT, _FILE = "S06", "S07", "S08"
_CODES = {"LiftError": _DOMAIN, "ManifestError": _OBJECT, "ProfileError": _OBJECT, "YamlError": _OBJECT}
_IN_XML = re.compile(r",? line \d+, column \d+ \(<string>, line (\d+)\)")


def findings_of(file: str, fault: QuietcoreError) -> list[Finding]:
    """The fault as findings of that file, each with its line where it has one."""
    if isinstance(fault, Refused):
        beginning = f"topology {file}"
        told = [replace(each, where=each.where.removeprefix(beginning).lstrip(", ")) for each in fault.findings]
        return [replace(each, file=file) for each in told]
    return [_finding(file, fault)]


def _finding(file: str, fault: QuietcoreError) -> Finding:
    code = _CODES.get(type(fault).__name__, _FILE)
    where = re.sub(rf"^{re.escape(file)}(:|, )?", "", fault.where)
    line = re.match(r"(?:line )?(\d+)(?:, )?", where)
    said = _IN_XML.search(fault.given)
    return Finding(
        code=code,
        title=TITLES[code],
        severity=Severity.ERROR,
        where=where[line.end() :] if line else where,
        line=int((line or said or [0, 0])[1]),
        given=f"{fault.what}: {_IN_XML.sub('', fault.given)}" if fault.given else fault.what,
        allowed=fault.allowed,
        hint=fault.hint,
        file=file,
    )
