"""An exemption as a component, so that every preview and the state show it, and exemptions from configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

import pulumi

from quietcore.resources.judged import judged
from quietcore.resources.ledger import ledger
from quietcore.resources.site import Registered
from quietcore.rules.exempting import on_exemptions
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.spec import spec_of

EXEMPTION = "quietcore:index:Exemption"
CONFIG = "quietcore:exemptions"


class Exemption(pulumi.ComponentResource):
    """A rule that does not bind one resource until a day, with a reason and somebody who answers for it.

    Declare it before the resource: components then wait for it. A raw resource needs ``depends_on=[exemption]``.
    """

    spec: ExemptionSpec | None

    def __init__(
        self,
        name: str,
        *,
        code: str,
        resource: str,
        reason: str,
        owner: str,
        expires: str | date,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Raises pulumi.RunError in ``up`` where it has expired or names no rule."""
        data = {"code": code, "resource": resource, "reason": reason, "owner": owner, "expires": expires}
        self.spec, report = judged(ExemptionSpec, data, f'exemption "{name}"')
        super().__init__(EXEMPTION, name, self.spec.dump() if self.spec else {}, opts)
        report(self)
        if self.spec:
            ledger().tell(on_exemptions([self.spec], None, date.today()), self)
            ledger().exempted(self.spec, self)
        self.register_outputs({"spec": self.spec.dump() if self.spec else {}})


def exemptions_in(resources: Iterable[Registered]) -> list[ExemptionSpec]:
    """The exemptions among registered resources; those that make none were refused by their own constructor."""
    found = []
    for resource in resources:
        if resource.type == EXEMPTION:
            try:
                found.append(spec_of(ExemptionSpec, resource.props.get("spec") or resource.props))
            except Refused:
                continue
    return found


def configured(text: str | None) -> tuple[list[ExemptionSpec], list[Finding]]:
    """The exemptions of the stack's configuration, from the JSON text of `quietcore:exemptions`, and what is wrong."""
    if not text:
        return [], []
    where = f"configuration {CONFIG}"
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        return [], [Finding(code="S02", title="not a list of exemptions", where=where, given=text[:80], allowed=_SHAPE)]
    made: list[ExemptionSpec] = []
    faults: list[Finding] = []
    for index, each in enumerate(given):
        try:
            made.append(spec_of(ExemptionSpec, each, f"{where}[{index}]"))
        except Refused as refused:
            faults += refused.findings
    return made, faults


_SHAPE = "a list of mappings with code, resource, reason, owner, expires"
