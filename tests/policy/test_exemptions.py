"""Exemptions through the real engine: the same decision counts for the constructor, the check and the pack."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.engine
LATER, EARLIER = (str(date.today() + timedelta(days=days)) for days in (30, -1))
OUTSIDE = 'hv1 = host()\nnode("plc-a", hv1, pins={0: 1, 1: 2, 2: 1})\n'


def exemption(resource: str = "plc-a", code: str = "D06", expires: str = LATER) -> str:
    return (
        "from quietcore import Exemption\n"
        f'Exemption("outside", code="{code}", resource="{resource}", reason="bench", '
        f'owner="ops", expires="{expires}")\n'
    )


def test_without_an_exemption_the_mistake_is_refused(project) -> None:
    project.write(OUTSIDE)
    assert "D06" in project.checked()
    assert project.previewed().returncode != 0


def test_an_exemption_in_the_program_spares_what_it_names_and_every_preview_shows_it(project) -> None:
    project.write(exemption() + exemption(code="D04").replace('"outside"', '"twice"') + OUTSIDE)
    assert project.checked() <= {"E02"}
    shown = project.previewed().ok()
    assert 'exempt: D06 on "plc-a" until' in shown.output
    assert "[D06]" not in shown.output


def test_an_exemption_in_the_configuration_spares_too(project) -> None:
    project.write(OUTSIDE)
    given = [
        {"code": code, "resource": "plc-a", "reason": "bench", "owner": "ops", "expires": LATER}
        for code in ("D06", "D04")
    ]
    settings = {"config": {"quietcore:exemptions": given}}
    (project.folder / "Pulumi.dev.yaml").write_text(json.dumps(settings))
    assert project.checked() <= {"E02"}
    assert 'exempt: D06 on "plc-a" until' in project.previewed().ok().output


def test_an_exemption_that_has_expired_spares_nothing_and_is_a_finding(project) -> None:
    project.write(exemption(expires=EARLIER) + OUTSIDE)
    assert {"D06", "E01"} <= project.checked()
    shown = project.previewed()
    assert shown.returncode != 0
    assert "[D06]" in shown.output
    assert "[E01]" in shown.output


def test_an_exemption_that_spares_nothing_is_told(project) -> None:
    project.write(exemption(resource="plc-b") + 'node("plc-a", host())\n')
    assert project.checked() == {"E02"}
    assert "[E02]" in project.previewed().ok().output
