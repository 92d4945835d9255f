from datetime import date

import pytest

from quietcore.rules.catalogue import CODES
from quietcore.rules.exempting import exempt, on_exemptions
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.spec import spec_of

GIVEN = {"code": "D31", "resource": "plc-a", "reason": "old image", "owner": "ops", "expires": "2026-12-31"}
LAST, AFTER = date(2026, 12, 31), date(2027, 1, 1)


def decision(**changes: object) -> ExemptionSpec:
    return spec_of(ExemptionSpec, {**GIVEN, **changes})


def finding(code: str = "D31", where: str = 'node "plc-a", memballoon') -> Finding:
    return Finding(code=code, title="balloon", where=where, given="virtio")


def test_an_exemption_spares_its_rule_on_its_resource_up_to_its_last_day() -> None:
    ruling = exempt([finding()], [decision()], LAST)
    assert (ruling.kept, ruling.spared) == ([], [(decision(), finding())])
    assert exempt([finding()], [decision()], AFTER).kept == [finding()]


@pytest.mark.parametrize(
    "other", [finding("D32"), finding(where='node "plc-b", memballoon'), finding(where="memballoon")]
)
def test_an_exemption_spares_no_other_rule_and_no_other_resource(other: Finding) -> None:
    assert exempt([other], [decision()], LAST).kept == [other]


def test_no_exemption_spares_a_rule_on_exemptions() -> None:
    told = Finding(code="E01", title="expired", where='exemption "plc-a"', given="2026-12-31")
    assert exempt([told], [decision(code="E01")], LAST).kept == [told]


@pytest.mark.parametrize("code", ["S01", "S06", "L01", "s04"])
def test_no_exemption_spares_what_cannot_be_judged_at_all_and_one_that_would_is_refused(code: str) -> None:
    told = finding(code.upper())
    ruling = exempt([told], [decision(code=code)], LAST)
    assert ruling.kept == [told]
    refused = on_exemptions([decision(code=code)], ruling, LAST, CODES)
    assert [(one.code, one.allowed) for one in refused] == [("E03", "a rule that can be spared")]


@pytest.mark.parametrize("left_out", sorted(GIVEN))
def test_an_exemption_without_one_of_its_five_parts_is_refused(left_out: str) -> None:
    with pytest.raises(Refused) as refused:
        spec_of(ExemptionSpec, {key: value for key, value in GIVEN.items() if key != left_out})
    assert [one.code for one in refused.value.findings] == ["S04"]


@pytest.mark.parametrize("key", ["code", "resource", "reason", "owner"])
def test_an_exemption_that_says_nothing_in_one_of_its_parts_is_refused(key: str) -> None:
    with pytest.raises(Refused, match="nothing is said"):
        decision(**{key: "  "})


@pytest.mark.parametrize("expires", ["soon", "2026-13-01", "", 5])
def test_an_exemption_expires_on_a_day(expires: object) -> None:
    with pytest.raises(Refused, match="not a day") as refused:
        decision(expires=expires)
    assert refused.value.findings[0].allowed == "a day as 2027-03-31"


def test_expired_unused_and_unknown_exemptions_are_findings() -> None:
    many = [decision(), decision(resource="plc-b"), decision(code="D131"), decision(code="D32", expires="2026-01-31")]
    told = on_exemptions(many, exempt([finding()], many, LAST), LAST, CODES)
    assert [(one.code, one.where) for one in told] == [
        ("E01", 'exemption D32, expires, for "plc-a"'),
        ("E03", "exemption D131, code"),
        ("E02", 'exemption D31, resource "plc-b"'),
    ]


def test_whether_an_exemption_is_used_is_not_told_before_all_findings_are_known() -> None:
    assert on_exemptions([decision()], None, LAST, CODES) == []
