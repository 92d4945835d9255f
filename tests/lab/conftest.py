"""A lab for the tests: its own name, made once, taken down whatever happens."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from quietcore import lab as labs
from quietcore.errors import EnvironmentFault
from quietcore.lab import images, requirements
from quietcore.lab.state import LabState, Tier2


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where this machine cannot run a lab, with what is missing."""
    try:
        requirements.require(images=True)
    except EnvironmentFault as fault:
        pytest.skip(str(fault))


@pytest.fixture(scope="session")
def lab(able: None) -> Iterator[LabState]:
    """Two hosts with 512 MiB of hugepages each and the tier-1 image; parsed lab.json."""
    plan = labs.Plan(name=f"t{os.getpid()}", hosts=2, pages=256, tiers=("tier1",))
    try:
        yield labs.up(plan, labs.Progress())
    finally:
        labs.down(plan.name, labs.Silent())


@pytest.fixture(scope="session")
def tier2(able: None) -> Tier2:
    """The Debian guest image, built where it is not cached yet."""
    made = images.ensure(("tier2",), labs.Progress()).tier2
    assert made is not None
    return made
