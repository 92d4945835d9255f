"""The judgement of the whole stack: findings, exemptions, what could not be decided; recorded for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pulumi_policy import PolicyResource, ReportViolation, StackValidationArgs

from quietcore.policy.exempted import Exempted
from quietcore.policy.known import known, unknown_paths
from quietcore.policy.lifted import is_lifted, undecided_paths
from quietcore.policy.record import Record, Undecided
from quietcore.resources.decisions import EXEMPTION, exemptions_in
from quietcore.resources.site import DOMAIN, HOST, PROVIDER, Registered, site_from, unreadable
from quietcore.rules.catalogue import CODES
from quietcore.rules.exempting import exempt, on_exemptions
from quietcore.rules.judge import findings
from quietcore.spec.finding import Severity, in_order


@dataclass
class StackJudge:
    """Both stack policies are asked about the same resources, one after the other: they share one judgement."""

    exempted: Exempted
    _resources: list[Registered] = field(default_factory=list)
    _record: Record = field(default_factory=Record)

    def judge(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Report what refuses; under the gate's configuration also what could not be decided."""
        record = self._judged(args)
        for finding in record.findings:
            if finding.severity is Severity.ERROR:
                report(finding.text(label=False))
        config = args.get_config()
        if config.get("undecided") == "mandatory":
            for undecided in record.undecided:
                report(str(undecided), undecided.urn)
        if config.get("record"):
            record.write(Path(str(config["record"])))

    def advise(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Report the rest, each exemption that is in force, and what no rule could decide."""
        record = self._judged(args)
        for finding in record.findings:
            if finding.severity is not Severity.ERROR:
                report(finding.text(label=False))
        for exemption in dict.fromkeys(decision for decision, _ in record.spared):
            report(f"exempt: {exemption}")
        for undecided in record.undecided:
            report(str(undecided), undecided.urn)

    def _judged(self, args: StackValidationArgs) -> Record:
        resources = _registered(args)
        if resources != self._resources:
            self._resources, self._record = resources, self._new(resources, list(_undecided(args)))
        return self._record

    def _new(self, resources: list[Registered], undecided: list[Undecided]) -> Record:
        today = date.today()
        decisions, faults = self.exempted.configured
        decisions = [*decisions, *exemptions_in(resources)]
        ruling = exempt([*findings(site_from(resources)), *unreadable(resources)], decisions, today)
        kept = in_order([*ruling.kept, *faults, *on_exemptions(decisions, ruling, today, CODES)])
        judged = sum(is_lifted(resource.type) for resource in resources)
        return Record(len(resources), judged, kept, ruling.spared, undecided)


def _undecided(args: StackValidationArgs) -> Iterator[Undecided]:
    domains = {each.provider.urn for each in args.resources if each.resource_type == DOMAIN and each.provider}
    for resource in args.resources:
        if resource.urn in domains and not _of_host(resource):
            for path in unknown_paths(resource.props, ("uri",)):
                yield Undecided(resource.urn, resource.resource_type, resource.name, path)
        if is_lifted(resource.resource_type):
            for path in undecided_paths(resource.resource_type, resource.props):
                yield Undecided(resource.urn, resource.resource_type, resource.name, path)


def _of_host(provider: PolicyResource) -> bool:
    """Whether it is a host's own: which host its domains are on is known then, wherever that will be."""
    return provider.parent is not None and provider.parent.resource_type == HOST


def _registered(args: StackValidationArgs) -> list[Registered]:
    return [
        Registered(
            urn=found.urn,
            type=found.resource_type,
            name=found.name,
            props=known(found.props)
            if is_lifted(found.resource_type) or found.resource_type in (EXEMPTION, PROVIDER)
            else {},
            parent=found.parent.urn if found.parent else "",
            provider=found.provider.urn if found.provider else "",
        )
        for found in args.resources
    ]
