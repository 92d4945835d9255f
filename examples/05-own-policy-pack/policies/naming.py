"""This site's own policy: a node's name begins with its host's, so that an alarm tells where to look."""

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _judge(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != "quietcore:index:RtNode" or not args.props:
        return
    name, host = args.props["name"], args.props["host"]
    if not name.startswith(f"{host}-"):
        report(f'node "{name}" on host "{host}": begin its name with "{host}-"')


naming = ResourceValidationPolicy(
    name="site-node-name",
    description="A node's name begins with its host's.",
    validate=_judge,
    enforcement_level=EnforcementLevel.MANDATORY,
)
