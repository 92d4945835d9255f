"""The three policies of the pack: refusals on each resource, refusals on the whole stack, and advice.

One policy per enforcement level, table-driven inside: the engine's cost grows with policies times resources.
"""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
)

from quietcore.policy.exempted import Exempted
from quietcore.policy.known import known
from quietcore.policy.lifted import is_lifted, lifted
from quietcore.policy.stack import StackJudge
from quietcore.spec.finding import Severity

CONFIG = PolicyConfigSchema(
    properties={
        "undecided": {
            "type": "string",
            "enum": ["advisory", "mandatory"],
            "description": "How to take rules that could not be decided because a value is not known yet.",
        },
        "record": {"type": "string", "description": "A file to write what was judged and found to, as JSON."},
    }
)


def policies() -> list[Policy]:
    """New policy objects over the whole catalogue, for a pack."""
    exempted = Exempted()
    stack = StackJudge(exempted)

    def judge_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
        exempted.see(args)
        if is_lifted(args.resource_type):
            for finding in exempted.kept(lifted(args.resource_type, args.name, known(args.props))):
                if finding.severity is Severity.ERROR:
                    report(finding.text(label=False))

    return [
        ResourceValidationPolicy(
            "quietcore-resource",
            "What a component declares, and the effective XML of every libvirt domain, keep the real-time rules.",
            judge_resource,
            enforcement_level=EnforcementLevel.MANDATORY,
        ),
        StackValidationPolicy(
            "quietcore-site",
            "All domains of all hosts together keep the real-time rules.",
            stack.judge,
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=CONFIG,
        ),
        StackValidationPolicy(
            "quietcore-advice",
            "Warnings of the catalogue, exemptions, and what could not be decided because a value is not known yet.",
            stack.advise,
            enforcement_level=EnforcementLevel.ADVISORY,
        ),
    ]
