"""Which subjects the D rules speak of: real-time domains only. An ordinary virtual machine breaks none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

from quietcore.rules.rule import Hit
from quietcore.spec import DomainSpec, NodeSpec

_ASKED: list[tuple[DomainSpec, bool]] = []
"""The domain that was asked last: its rules are judged one after another, and each of them asks."""


def _real_time(domain: DomainSpec) -> bool:
    known = _ASKED[-1:]
    if known and known[0][0] is domain:
        return known[0][1]
    claims = domain.realtime
    _ASKED[:] = [(domain, claims)]
    return claims


def of_domain(judge: Callable[[DomainSpec], Iterable[Hit]]) -> Callable[[DomainSpec], Iterator[Hit]]:
    """The same judge, silent for a domain that makes no real-time claim."""

    @wraps(judge)
    def judged(domain: DomainSpec) -> Iterator[Hit]:
        if _real_time(domain):
            yield from judge(domain)

    return judged


def of_node(judge: Callable[[NodeSpec], Iterable[Hit]]) -> Callable[[NodeSpec], Iterator[Hit]]:
    """The same judge, silent for a placed domain that makes no real-time claim."""

    @wraps(judge)
    def judged(node: NodeSpec) -> Iterator[Hit]:
        if _real_time(node.domain):
            yield from judge(node)

    return judged
