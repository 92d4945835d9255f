"""An exemption: somebody's decision that one rule does not bind one resource, until a day."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from quietcore.errors import QuietcoreError
from quietcore.spec.finding import Finding
from quietcore.spec.spec import Spec

_NAME = re.compile(r'"([^"]+)"')


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _Fault("not a day", given=repr(value), allowed="a day as 2027-03-31") from None


def _said(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise _Fault("nothing is said", given=repr(value), allowed="a sentence or a name")
    return value


class _Fault(QuietcoreError, ValueError):
    """A value that pydantic is to tell in our words."""


Day = Annotated[date, BeforeValidator(_day), PlainSerializer(date.isoformat, return_type=str)]
Said = Annotated[str, BeforeValidator(_said)]


class ExemptionSpec(Spec):
    """``code`` does not bind ``resource`` up to and with the day ``expires``; ``owner`` answers for it.

    ``resource`` is a name as the program gives it: of a node, a host, a tuned profile, a raw domain or a pod.
    """

    code: Said
    resource: Said
    reason: Said
    owner: Said
    expires: Day

    def spares(self, finding: Finding, today: date) -> bool:
        """Whether this decision covers the finding today."""
        named = _NAME.search(finding.where)
        same = named is not None and named[1] == self.resource
        return same and finding.code == self.code.upper() and today <= self.expires

    def __str__(self) -> str:
        return f'{self.code} on "{self.resource}" until {self.expires}: {self.reason} ({self.owner})'
