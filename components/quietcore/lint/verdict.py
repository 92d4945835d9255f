"""The verdict on files: findings with their places, and what was not judged and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quietcore.lint.broken import findings_of
from quietcore.lint.case import Case, case_of, housekeeping
from quietcore.lint.group import Group, groups_of
from quietcore.lint.guarded import Lacking, guarded, lacking
from quietcore.lint.layer import Lifted, lifted
from quietcore.lint.line import with_lines
from quietcore.lint.missing import missing
from quietcore.lint.options import Options
from quietcore.lint.place import placed
from quietcore.lint.text import Text, texts_of
from quietcore.rules.catalogue import by_code
from quietcore.rules.judge import alone, findings
from quietcore.spec import CpuPlan, Finding, KernelCmdline, MachineSpec, SiteSpec
from quietcore.spec.finding import in_order

NONE = Options()


@dataclass(frozen=True)
class Verdict:
    """What was found in which files. ``unjudged`` holds (file, reason); ``missing`` says what would help to judge more.

    ``judged`` is the number of files that were read, ``subjects`` the number of machines, domains and so on, by noun.
    """

    findings: tuple[Finding, ...]
    judged: int
    subjects: Mapping[str, int]
    unjudged: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {
            "files": self.judged,
            "subjects": dict(self.subjects),
            "findings": [finding.as_json() for finding in self.findings],
            "not_judged": [{"file": file, "reason": reason} for file, reason in self.unjudged],
            "missing": list(self.missing),
        }


def lint(paths: Iterable[Path], options: Options = NONE) -> Verdict:
    """Judge files and all that is below folders. Raises EnvironmentFault for a path that is not there."""
    return lint_texts(texts_of(paths), options)


def lint_texts(texts: Iterable[Text], options: Options = NONE) -> Verdict:
    """Judge texts, wherever they come from, in order of their names. Nothing that they hold raises."""
    every = [lifted(text) for text in sorted(texts, key=lambda text: (text.machine, text.name))]
    cases = [case_of(group, options) for group in groups_of(every)]
    broken = [(each.text.name, each.broken) for each in every if each.broken is not None]
    broken += [fault for case in cases for group in _groups(case) for fault in group.broken]
    told = [finding for file, fault in broken for finding in findings_of(file, fault)]
    gaps: list[str] = []
    for case in cases:
        lack = lacking()
        told += _judged(case, lack)
        gaps += missing(case, lack)
    told += _across(cases)
    contents = {each.text.name: each.text.content for each in every if each.text.content is not None}
    unjudged = [(each.text.name, reason) for each in every for reason in each.unjudged]
    aside = [each for case in cases for group in _groups(case) for each in group.unjudged]
    left = {file for file, _ in aside}
    unjudged += aside
    return Verdict(
        findings=tuple(with_lines((each for each in in_order(told) if options.asks(each.code)), contents)),
        judged=sum(_counts(each, left) for each in every),
        subjects=_subjects(cases),
        unjudged=tuple(dict.fromkeys(unjudged)),
        missing=tuple(dict.fromkeys(gaps)),
    )


def _counts(lifted: Lifted, left: Collection[str]) -> bool:
    """Whether a text is among those that were judged: not one whose only layer was left alone."""
    if len(lifted.layers) == 1 and lifted.text.name in left:
        return False
    return any(layer.noun != "script" for layer in lifted.layers)


def _judged(case: Case, lack: Lacking) -> list[Finding]:
    catalogue = guarded(lack)
    told = [each for each in findings(case.site, catalogue) if not _told_of_the_inside(each, case)]
    machine, isolation = case.machine, case.isolation
    if machine is not None and machine.plan is None and isolation is not None and isolation.cpus:
        plan = CpuPlan(housekeeping=housekeeping(machine, isolation.cpus), isolated=isolation.cpus)
        told += [replace(each, file=isolation.file) for each in alone(plan, catalogue)]
    for resource in case.resources:
        told += _at(findings(resource, catalogue), f'Tuned "{resource.name}"')
        for profile in resource.profiles:
            told += _at(findings(profile, catalogue), f'Tuned "{resource.name}", profile "{profile.name}"')
    return placed(told, case.places)


def _at(told: Iterable[Finding], prefix: str) -> list[Finding]:
    return [finding.at(prefix=prefix) for finding in told]


def _told_of_the_inside(finding: Finding, case: Case) -> bool:
    """Whether a rule on machines speaks of a domain's inside, which is judged as a machine of its own."""
    if by_code(finding.code).subject not in (MachineSpec, KernelCmdline):
        return False
    return any(finding.where.startswith(f'domain "{name}", ') for name in case.group.guests)


def _across(cases: list[Case]) -> list[Finding]:
    """What only the whole site can show, such as profiles of one pool that differ."""
    if len(cases) < 2:
        return []
    site = SiteSpec.model_construct(
        hosts=tuple(host for case in cases for host in case.site.hosts),
        nodes=tuple(node for case in cases for node in case.site.nodes),
        machines=tuple(machine for case in cases for machine in case.site.machines),
        pods=tuple(pod for case in cases for pod in case.site.pods),
        virtual_machines=tuple(each for case in cases for each in case.site.virtual_machines),
    )
    places = {beginning: place for case in cases for beginning, place in case.places.items()}
    return placed(alone(site, guarded(lacking())), places)


def _groups(case: Case) -> list[Group]:
    return [case.group, *case.group.guests.values()]


def _subjects(cases: list[Case]) -> dict[str, int]:
    count = Counter[str]()
    for case in cases:
        count["machine"] += case.machine is not None
        count["domain"] += len(case.site.nodes)
        count["guest inside"] += sum(machine.role == "guest" for machine in case.site.machines)
        count["pod"] += len(case.site.pods) + sum(len(machine.pods) for machine in case.site.machines)
        count["virtual machine"] += len(case.group.of("virtual machine"))
        count["performance profile"] += len(case.group.of("profile"))
        count["Tuned object"] += len(case.resources)
    return {noun: number for noun, number in count.items() if number}
