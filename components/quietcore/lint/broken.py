"""Broken content of a known kind as a finding, so that the other files are judged all the same."""

from __future__ import annotations

import re

from quietcore.errors import QuietcoreError
from quietcore.spec import Finding, Severity
from quietcore.spec.finding import Refused
from quietcore.spec.shape import TITLES

_DOMAIN, _OBJECT, _FILE = "S06", "S07", "S08"
_CODES = {"LiftError": _DOMAIN, "ManifestError": _OBJECT, "ProfileError": _OBJECT, "YamlError": _OBJECT}
_IN_XML = re.compile(r",? line \d+, column \d+ \(<string>, line (\d+)\)")


def finding_of(file: str, fault: QuietcoreError) -> Finding:
    """The fault as a finding of that file; of several at once the first."""
    if isinstance(fault, Refused):
        first = fault.findings[0]
        where = first.where.removeprefix(f"topology {file}").lstrip(", ")
        return Finding(
            code=first.code,
            title=first.title,
            where=where,
            given=first.given,
            allowed=first.allowed,
            hint=first.hint,
            file=file,
        )
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
