"""What follows from what was declared: pure functions from specs to specs."""
