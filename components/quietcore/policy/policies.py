"""The three policies of the pack: refusals on each resource, refusals on the whole stack, and advice.

One policy per enforcement level, table-driven inside: the engine's cost grows with policies times resources.
"""

from __future__ import annotations

from collections.abc import Iterable

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from quietcore.policy.known import known, unknown_paths
from quietcore.policy.lifted import LIFTED, lifted
from quietcore.resources.site import Registered, site_from
from quietcore.rules.judge import findings
from quietcore.spec.finding import Finding, Severity

UNDECIDED_PATHS = ("xml", "vcpu", "memory", "type", "cmdlines")


def policies() -> list[Policy]:
    """New policy objects over the whole catalogue, for a pack."""
    site = _Site()
    return [
        ResourceValidationPolicy(
            "quietcore-resource",
            "What a component declares, and the effective XML of every libvirt domain, keep the real-time rules.",
            _judge_resource,
            enforcement_level=EnforcementLevel.MANDATORY,
        ),
        StackValidationPolicy(
            "quietcore-site",
            "All domains of all hosts together keep the real-time rules.",
            site.judge,
            enforcement_level=EnforcementLevel.MANDATORY,
        ),
        StackValidationPolicy(
            "quietcore-advice",
            "Warnings of the catalogue, and what could not be decided because a value is not known yet.",
            site.advise,
            enforcement_level=EnforcementLevel.ADVISORY,
        ),
    ]


def _judge_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in LIFTED:
        _report(lifted(args.resource_type, args.name, known(args.props)), report, {Severity.ERROR})


class _Site:
    """The stack as a whole. Both policies on it are asked about the same resources, one after the other."""

    def __init__(self) -> None:
        self._resources: list[Registered] = []
        self._findings: list[Finding] = []

    def judge(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Report what refuses."""
        _report(self._judged(args), report, {Severity.ERROR})

    def advise(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Report the rest, and what no rule could decide."""
        _report(self._judged(args), report, {Severity.WARNING, Severity.INFO})
        for resource in args.resources:
            if resource.resource_type in LIFTED:
                for path in unknown_paths(resource.props, UNDECIDED_PATHS):
                    report(f'{resource.name}: rules could not be decided: "{path}" is not known yet', resource.urn)

    def _judged(self, args: StackValidationArgs) -> list[Finding]:
        resources = _registered(args)
        if resources != self._resources:
            self._resources, self._findings = resources, findings(site_from(resources))
        return self._findings


def _registered(args: StackValidationArgs) -> list[Registered]:
    return [
        Registered(
            urn=found.urn,
            type=found.resource_type,
            name=found.name,
            props=known(found.props) if found.resource_type in LIFTED else {},
            parent=found.parent.urn if found.parent else "",
            provider=found.provider.urn if found.provider else "",
        )
        for found in args.resources
    ]


def _report(found: Iterable[Finding], report: ReportViolation, levels: set[Severity]) -> None:
    for finding in found:
        if finding.severity in levels:
            report(finding.text(label=False))
