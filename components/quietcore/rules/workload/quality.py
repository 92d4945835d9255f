"""Rules on what a pod asks for: whether it gets CPUs and pages of its own."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import amounts, container, pod
from quietcore.rules.workload.realtime import of_pod
from quietcore.spec import ContainerSpec, PodSpec, Severity
from quietcore.spec.pod import MemoryVolume, tests_latency
from quietcore.units import Quantity, Size


def place(given: ContainerSpec, what: str) -> str:
    """Where something of a container stands."""
    return f'container "{given.name}", {what}'


def cpus(thousandths: int | None) -> str:
    """An amount of CPU as Kubernetes writes it."""
    return "nothing" if thousandths is None else str(Quantity(thousandths * 1_000_000))


def _bytes(amount: int | None) -> str:
    return "nothing" if amount is None else str(Quantity.of(amount))


@of_pod
def _not_guaranteed(given: PodSpec) -> Iterator[Hit]:
    if given.guaranteed or "resources" in given.undecided:
        return
    for each in given.containers:
        if not each.guaranteed:
            limits = f"cpu {cpus(each.limits.cpu)}, memory {_bytes(each.limits.memory)}"
            requests = f"cpu {cpus(each.cpu)}, memory {_bytes(each.memory)}"
            yield Hit(where=place(each, "resources"), given=f"limits {limits}; requests {requests}", allowed=_EQUAL)


_EQUAL = "limits of cpu and memory, and requests equal to them or left out"

W01: Rule[PodSpec] = Rule(
    code="W01",
    title="real-time pod is not Guaranteed",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_not_guaranteed,
    doc=Doc(
        what="Every container of a real-time pod, init containers and sidecars too, has limits of cpu and memory, and "
        "requests that equal them. (Or the pod as a whole has, in spec.resources.)",
        why="The kubelet gives CPUs of their own to Guaranteed pods only. One container without limits makes the pod "
        "Burstable: all of it then runs in the shared pool, and CRI-O skips its low-latency hooks.",
        fix="give each container limits of cpu and memory, and leave requests out",
        sources=(source("K8S-DOC", "Pod Quality of Service Classes; CPU management policies"), source("CRIO")),
        bad=Example(
            text='resources:\n  requests: {cpu: "2", memory: 512Mi}\n  limits: {cpu: "2", memory: 1Gi}',
            subject=lambda: pod(container(requests=amounts(memory=1 << 29))),
        ),
        good=Example(text='resources:\n  limits: {cpu: "2", memory: 1Gi}', subject=pod),
    ),
)


@of_pod
def _fraction(given: PodSpec) -> Iterator[Hit]:
    for each in given.rt_containers:
        if not each.whole:
            yield Hit(where=place(each, "resources.limits.cpu"), given=cpus(each.cpu), allowed="a whole number from 1")


W02: Rule[PodSpec] = Rule(
    code="W02",
    title="real-time container asks for a fraction of a CPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_fraction,
    doc=Doc(
        what="The container with the real-time work asks for whole CPUs. That is each container that has SYS_NICE or "
        "starts under a real-time policy; where none says so, one container at least has whole CPUs.",
        why="With a fraction the container stays in the shared pool, beside every other pod of the machine. CRI-O "
        "skips its low-latency hooks for it.",
        fix="ask for a whole number of CPUs",
        sources=(source("K8S-DOC", "CPU management policies, static policy"), source("CRIO")),
        bad=Example(
            text='limits: {cpu: "1500m", memory: 1Gi}', subject=lambda: pod(container(limits=amounts(cpu=1500)))
        ),
        good=Example(text='limits: {cpu: "2", memory: 1Gi}', subject=pod),
    ),
    depends_on=("W01",),
)


def _sizes(given: PodSpec) -> set[Size]:
    held = [given.limits.hugepages, *(each.limits.hugepages for each in given.containers)]
    return {size for pages in held for size in pages}


def _pages_of(each: ContainerSpec) -> Iterator[Hit]:
    for size in sorted({*each.requests.hugepages, *each.limits.hugepages}):
        asked, limit = each.requests.hugepages.get(size), each.limits.hugepages.get(size)
        if asked is not None and asked != limit:
            given = f"{size} pages: requests {_bytes(asked)}, limits {_bytes(limit)}"
            yield Hit(where=place(each, "resources"), given=given, allowed="requests equal to limits")
        elif (limit or 0) % max(size.bytes, 1):
            yield Hit(where=place(each, "resources"), given=_bytes(limit), allowed=f"whole pages of {size}")
    bare = each.cpu is None and each.memory is None
    if each.limits.hugepages and bare:
        yield Hit(where=place(each, "resources"), given="hugepages alone", allowed="cpu or memory beside them")


def _volume(given: PodSpec, volume: MemoryVolume) -> Iterator[Hit]:
    sizes, where = _sizes(given), f'volume "{volume.name}", emptyDir.medium'
    asked = ", ".join(str(size) for size in sorted(sizes)) or "none"
    if volume.medium == "HugePages" and len(sizes) != 1:
        told = f"HugePages, while containers ask for pages of: {asked}"
        yield Hit(where=where, given=told, allowed="HugePages-<size>, or one page size in all containers")
    elif volume.medium.startswith("HugePages-"):
        wanted = volume.medium.removeprefix("HugePages-")
        if wanted not in {str(Quantity.of(size.bytes)) for size in sizes}:
            told = f"{volume.medium}, while containers ask for pages of: {asked}"
            yield Hit(where=where, given=told, allowed="a page size that a container asks for")


@of_pod
def _hugepages(given: PodSpec) -> Iterator[Hit]:
    for each in given.containers:
        if "resources" not in each.undecided:
            yield from _pages_of(each)
    if "containers" in given.undecided or any("resources" in each.undecided for each in given.containers):
        return
    for volume in given.volumes:
        yield from _volume(given, volume)


W10: Rule[PodSpec] = Rule(
    code="W10",
    title="hugepages of the pod do not add up",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_hugepages,
    doc=Doc(
        what="Requests of hugepages equal their limits and are whole pages, cpu or memory stands beside them, and "
        "a volume in hugepages names a page size that a container asks for.",
        why="The API server refuses a pod whose hugepages are overcommitted or stand alone. A volume of another page "
        "size is found only when the kubelet mounts it: the pod then never starts.",
        fix="write hugepages-<size> in limits, and the same size as the volume's medium",
        sources=(source("K8S-DOC", "Manage HugePages"),),
        bad=Example(
            text="limits: {cpu: 2, memory: 1Gi, hugepages-1Gi: 2Gi}\nvolumes:\n- emptyDir: {medium: HugePages-2Mi}",
            subject=lambda: pod(
                container(limits=amounts(pages=2 << 30)), volumes=(MemoryVolume(name="huge", medium="HugePages-2Mi"),)
            ),
        ),
        good=Example(
            text="limits: {cpu: 2, memory: 1Gi, hugepages-1Gi: 2Gi}\nvolumes:\n- emptyDir: {medium: HugePages-1Gi}",
            subject=lambda: pod(
                container(limits=amounts(pages=2 << 30)), volumes=(MemoryVolume(name="huge", medium="HugePages-1Gi"),)
            ),
        ),
    ),
)


@of_pod
def _test_alone(given: PodSpec) -> Iterator[Hit]:
    for each in given.rt_containers:
        if tests_latency(each) and each.whole and each.cpu is not None and each.cpu < 2000:
            yield Hit(
                where=place(each, "resources.limits.cpu"),
                given=f"{cpus(each.cpu)} for a latency test",
                allowed="2 at least, 4 where cores have two threads",
            )


W20: Rule[PodSpec] = Rule(
    code="W20",
    title="latency test measures its own main thread",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_test_alone,
    doc=Doc(
        what="A container that runs cyclictest, oslat or another latency test has two CPUs at least. (With two threads "
        "to a core it needs four; the pod alone does not say whether it runs there.)",
        why="The test's main thread prints and sleeps. On the CPU of a measuring thread it adds the delay that the "
        "test then reports.",
        fix="give the test one CPU more than it measures, and keep its main thread there",
        sources=(source("OCP-DOC", "performing end-to-end tests"),),
        bad=Example(
            text='command: [oslat, --rtprio, "1"]\nresources: {limits: {cpu: 1, memory: 1Gi}}',
            subject=lambda: pod(container(command=("oslat", "--rtprio", "1"), limits=amounts(cpu=1000))),
        ),
        good=Example(
            text='command: [oslat, --rtprio, "1"]\nresources: {limits: {cpu: 2, memory: 1Gi}}',
            subject=lambda: pod(container(command=("oslat", "--rtprio", "1"))),
        ),
    ),
)


def _memory_limit(given: PodSpec) -> int | None:
    """Bytes that the whole pod may use; None where one container has no limit."""
    if given.limits.memory is not None:
        return given.limits.memory
    limits = [each.limits.memory for each in given.containers if each.kind != "init"]
    return None if None in limits else sum(limit or 0 for limit in limits)


@of_pod
def _memory_volumes(given: PodSpec) -> Iterator[Hit]:
    limit = _memory_limit(given)
    undecided = any("resources" in each.undecided for each in given.containers)
    if undecided or {"resources", "volumes", "containers"} & {*given.undecided}:
        return
    volumes = [volume for volume in given.volumes if volume.medium == "Memory"]
    for volume in volumes:
        if volume.size is None:
            where = f'volume "{volume.name}", emptyDir.sizeLimit'
            yield Hit(where=where, given="no limit", allowed="a size", hint="write the volume's sizeLimit")
    total = sum(volume.size.bytes for volume in volumes if volume.size is not None)
    if limit is not None and total >= limit > 0:
        told = f"volumes in memory of {_bytes(total)}; memory limit {_bytes(limit)}"
        yield Hit(where="volumes", given=told, allowed="less than the memory limit", hint="raise the memory limit")


W21: Rule[PodSpec] = Rule(
    code="W21",
    title="volume in memory is not counted",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_memory_volumes,
    doc=Doc(
        what="Each emptyDir of medium Memory has a size, and all of them together leave room within the containers' "
        "memory limits.",
        why="Files in such a volume count as memory of the container that wrote them. A volume that may grow to the "
        "limit ends with the kernel killing the real-time program.",
        fix="write sizeLimit, and add it to the container's memory limit",
        sources=(source("K8S-DOC", "Volumes, emptyDir"),),
        bad=Example(
            text="limits: {cpu: 2, memory: 1Gi}\nvolumes:\n- emptyDir: {medium: Memory, sizeLimit: 1Gi}",
            subject=lambda: pod(volumes=(MemoryVolume(name="shm", medium="Memory", size=Size(1 << 30)),)),
        ),
        good=Example(
            text="limits: {cpu: 2, memory: 1Gi}\nvolumes:\n- emptyDir: {medium: Memory, sizeLimit: 256Mi}",
            subject=lambda: pod(volumes=(MemoryVolume(name="shm", medium="Memory", size=Size(1 << 28)),)),
        ),
    ),
)
