"""An exemption as a component, so that every preview and the state show it."""

from __future__ import annotations

from datetime import date

import pulumi

from quietcore.resources.decisions import EXEMPTION
from quietcore.resources.judged import judged
from quietcore.resources.ledger import ledger
from quietcore.rules.catalogue import CODES
from quietcore.rules.exempting import on_exemptions
from quietcore.spec.exemption import ExemptionSpec


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
            ledger().tell(on_exemptions([self.spec], None, date.today(), CODES), self)
            ledger().exempted(self.spec, self)
        self.register_outputs({"spec": self.spec.dump() if self.spec else {}})
