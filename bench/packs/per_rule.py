"""The catalogue with a policy object for each rule: the shape that ours was chosen against."""

from functools import partial
from typing import Any

from meter import meter
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from quietcore.policy.known import known
from quietcore.policy.lifted import COMPONENTS, LIFTED
from quietcore.render.domain_base import effective_domain
from quietcore.render.domain_xml import lift
from quietcore.resources.site import DOMAIN
from quietcore.rules.catalogue import CATALOGUE
from quietcore.rules.judge import findings
from quietcore.rules.rule import Rule
from quietcore.spec.spec import spec_of


def judge(rule: Rule[Any], args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Tell one rule's findings on a resource."""
    if args.resource_type not in LIFTED:
        return
    props = known(args.props)
    is_domain = args.resource_type == DOMAIN
    subject = lift(effective_domain(props)) if is_domain else spec_of(COMPONENTS[args.resource_type][0], props)
    for finding in findings(subject, (rule,)):
        report(finding.text(label=False))


def policy(rule: Rule[Any]) -> ResourceValidationPolicy:
    """A policy of one rule."""
    return ResourceValidationPolicy(
        f"rule-{rule.code.lower()}", rule.title, partial(judge, rule), EnforcementLevel.MANDATORY
    )


pack = [policy(rule) for rule in CATALOGUE]
meter()
PolicyPack("per-rule", policies=pack)
