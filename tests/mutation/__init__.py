"""Mutants of the rules: each condition negated or weakened in turn, to see whether a test notices."""
