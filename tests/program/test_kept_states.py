"""A state that an earlier release wrote is this release's, too: nothing changes until the program does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Ran
from tests.program.kept import previewed, releases, write_project

pytestmark = pytest.mark.engine
pytest.importorskip("libvirt")


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.name)
def test_a_state_of_a_release_previews_without_changes_while_no_host_answers(
    release: Path, tmp_path: Path, pulumi: Callable[..., Ran]
) -> None:
    write_project(tmp_path / "site", release)
    seen = previewed(tmp_path / "site", release / "state.json", pulumi).ok()
    for host in ("hv1", "hv2"):
        assert f"not observed: /nowhere/{host} " in seen.output
