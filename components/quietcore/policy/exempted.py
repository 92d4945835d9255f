"""The exemptions that the pack knows: those of the stack's configuration, and components as the engine shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property

import pulumi
from pulumi_policy import ResourceValidationArgs

from quietcore.policy.known import known
from quietcore.resources.decisions import CONFIG, EXEMPTION, configured, exemptions_in
from quietcore.resources.site import Registered
from quietcore.rules.exempting import exempt
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding


class Exempted:
    """The decisions known so far in one run of the pack."""

    def __init__(self) -> None:
        self._seen: list[ExemptionSpec] = []

    def see(self, args: ResourceValidationArgs) -> None:
        """Take in an exemption that comes by; the components that it names are registered after it."""
        if args.resource_type == EXEMPTION:
            self._seen += exemptions_in([Registered(args.urn, EXEMPTION, args.name, known(args.props))])

    def kept(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no decision known so far spares."""
        return exempt(findings, [*self.configured[0], *self._seen], date.today()).kept

    @cached_property
    def configured(self) -> tuple[list[ExemptionSpec], list[Finding]]:
        """The exemptions of the stack's configuration, and what is wrong with it."""
        return configured(pulumi.runtime.get_config(CONFIG))
