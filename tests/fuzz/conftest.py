"""As many examples as the laws are tried on: HYPOTHESIS_PROFILE=dev (default), ci or nightly."""

import tests.property.conftest  # noqa: F401 - it registers and loads the profile
