"""Judging files that others wrote, and running hosts: no program, no engine."""

from quietcore.lint.options import Options
from quietcore.lint.text import Text
from quietcore.lint.verdict import Verdict, lint, lint_texts

__all__ = ["Options", "Text", "Verdict", "lint", "lint_texts"]
