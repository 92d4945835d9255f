"""What quietcore raises for anything a user can cause.

    QuietcoreError
    ├── UnitError        a text that is no CPU set, size or duration       (units)
    ├── Refused          findings that stop a program                      (spec, rules, resources)
    └── EnvironmentFault something the machine or a host lacks             (cli, lab, plugins)

Library code never prints and never exits; the command line and the engine do.
"""

from __future__ import annotations


class QuietcoreError(Exception):
    """A failure told in the project's five parts: what, where, given, allowed, hint.

    ``str()`` of it is the whole text; empty parts are left out.
    """

    def __init__(self, what: str, *, where: str = "", given: str = "", allowed: str = "", hint: str = "") -> None:
        self.what, self.where, self.given, self.allowed, self.hint = what, where, given, allowed, hint
        super().__init__(self.text())

    def text(self) -> str:
        """The failure as lines: what first, then each part under its label."""
        parts = (("where", self.where), ("given", self.given), ("allowed", self.allowed), ("hint", self.hint))
        return "\n".join([self.what, *(f"  {label + ':':<9}{part}" for label, part in parts if part)])


class UnitError(QuietcoreError, ValueError):
    """A text that is not the unit it should be; ``given`` quotes it."""


class EnvironmentFault(QuietcoreError):
    """Something the machine, a tool or a host lacks; the hint says how to get it. Exit code 2."""
