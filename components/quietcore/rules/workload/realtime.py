"""Which pods the W rules speak of: those that make a real-time claim (``PodSpec.realtime``). Others break none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

from quietcore.rules.rule import Hit
from quietcore.spec import MachineSpec, PodSpec


def of_pod(judge: Callable[[PodSpec], Iterable[Hit]]) -> Callable[[PodSpec], Iterator[Hit]]:
    """The same judge, silent for a pod that makes no real-time claim."""

    @wraps(judge)
    def judged(pod: PodSpec) -> Iterator[Hit]:
        if pod.realtime:
            yield from judge(pod)

    return judged


def realtime_pods(machine: MachineSpec) -> tuple[PodSpec, ...]:
    """The pods of a machine that make a real-time claim."""
    return tuple(pod for pod in machine.pods if pod.realtime)


def named(pod: PodSpec) -> str:
    """How a reader knows the pod."""
    return f'{pod.kind} "{pod.name}"'
