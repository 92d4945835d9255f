"""The gate: a preview or a state, judged so that nothing which could not be judged counts as passed."""
