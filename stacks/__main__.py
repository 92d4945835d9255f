"""Runs the module that is named after the stack."""

from importlib import import_module

import pulumi

import_module(pulumi.get_stack())
