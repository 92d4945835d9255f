"""A pack that does nothing: what any pack costs."""

from meter import meter
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

meter()
PolicyPack(
    "empty",
    policies=[
        ResourceValidationPolicy("nothing", "Nothing.", lambda _args, _report: None, EnforcementLevel.ADVISORY),
    ],
)
