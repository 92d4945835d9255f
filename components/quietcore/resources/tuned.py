"""A tuned profile as a component: it registers its spec; nodes that name it carry it into their guests."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from quietcore.resources.judged import judged
from quietcore.resources.ledger import ledger
from quietcore.resources.misfit import plain
from quietcore.spec.tuned import TunedProfileSpec


class TunedProfile(pulumi.ComponentResource):
    """A named tuned profile for a role ("host" or "guest"), on top of tuned's own for that role."""

    spec: TunedProfileSpec | None

    def __init__(
        self,
        name: str,
        *,
        role: str,
        sysctl: Mapping[str, str] | None = None,
        include: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Raises pulumi.RunError in ``up`` where a rule refuses it."""
        data = {"name": name, "role": role, "sysctl": plain(sysctl or {}), "include": include}
        self.spec, report = judged(TunedProfileSpec, data, f'tuned profile "{name}"')
        super().__init__(
            "quietcore:index:TunedProfile", name, self.spec.dump() if self.spec else {}, ledger().awaiting(name, opts)
        )
        report(self)
        self.register_outputs({"spec": self.spec.dump() if self.spec else {}})
