"""How many examples a law is tried on: HYPOTHESIS_PROFILE=dev (default), ci or nightly."""

import os

from hypothesis import HealthCheck, settings

for name, examples in (("dev", 25), ("ci", 200), ("nightly", 5000)):
    # No deadline: nothing here asserts wall time, and the first example of a law pays for imports.
    settings.register_profile(name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
