"""What one run of a program knows beside its resources: findings, assignments, notes to the user.

At preview and in ``quietcore check`` findings are collected and the run fails when the program ends; in ``up`` the
first refused component raises before it is registered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import get_engine, get_root_directory, get_root_resource

from quietcore.derive.lock import Assignment, Lock
from quietcore.resources.decisions import CONFIG, configured
from quietcore.resources.lockfile import read_lock, write_lock
from quietcore.rules.catalogue import CODES
from quietcore.rules.exempting import exempt, on_exemptions
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Refused, Severity, in_order

_PACKAGE = str(Path(__file__).resolve().parents[1])


def frozen() -> bool:
    """Whether assignments may not be made in this run: in CI, where nobody would commit them."""
    return os.environ.get("CI", "") not in ("", "0", "false")


@dataclass
class Ledger:
    """The state of one program run. ``lock_path`` is where the stack's assignments are kept."""

    lock_path: Path
    frozen: bool
    write: bool
    lock: Lock = field(default_factory=Lock)
    findings: list[Finding] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    refusals: list[tuple[Finding, pulumi.Resource | None]] = field(default_factory=list)
    failing: bool = False
    exemptions: list[ExemptionSpec] = field(default_factory=list)
    exempting: dict[str, list[pulumi.Resource]] = field(default_factory=dict)
    spared: list[tuple[ExemptionSpec, Finding]] = field(default_factory=list)
    resources: list[pulumi.Resource] = field(default_factory=list)

    def tell(self, findings: Iterable[Finding], resource: pulumi.Resource | None = None) -> bool:
        """Take findings in, report the new ones on their resource, and say whether any of them refuses.

        Raises Refused outside of previews, so that nothing of a refused component is registered.
        """
        place = program_file()
        ruling = exempt(findings, self.exemptions, date.today())
        self._spare(ruling.spared, resource)
        new = [f for finding in ruling.kept if (f := finding.at(file=place)) not in self.findings]
        self.findings += new
        errors = [finding for finding in new if finding.severity is Severity.ERROR]
        if errors and not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(str(Refused(errors)))
        for finding in in_order(new):
            self._say(finding, resource)
        if errors and not self.failing:
            self.failing = True
            pulumi.Output.from_input(resource.urn if resource else None).apply(lambda _: self._settled())
        return bool(errors)

    def configure(self) -> None:
        """Take in the exemptions of the stack's configuration, and tell what is wrong with them."""
        made, faults = configured(pulumi.runtime.get_config(CONFIG))
        self.exemptions += made
        self.tell([*faults, *on_exemptions(made, None, date.today(), CODES)])

    def exempted(self, exemption: ExemptionSpec, resource: pulumi.Resource | None = None) -> None:
        """Take in an exemption: from now on it spares findings, and components that it names wait for ``resource``."""
        self.exemptions.append(exemption)
        if resource is not None:
            self.exempting.setdefault(exemption.resource, []).append(resource)

    def awaiting(self, name: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions | None:
        """The options, and to wait for the exemptions of that name: the policies must know them first."""
        decisions = self.exempting.get(name)
        if not decisions:
            return opts
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=decisions))

    def watch(self) -> None:
        """Know of every resource that the program declares from now on."""
        pulumi.runtime.register_stack_transformation(lambda declared: self.resources.append(declared.resource))

    def supposed(self, node: str, assignment: Assignment) -> None:
        """Judge the rest of the program as if the node had this assignment, without keeping it."""
        self.declared.add(node)
        self.lock = self.lock.with_node(node, assignment)

    def assigned(self, node: str, assignment: Assignment) -> None:
        """Take a node's assignment into the lock, and into its file where this run may write it."""
        known = self.lock.nodes.get(node)
        self.supposed(node, assignment)
        if known == assignment:
            return
        if self.write and not self.changed:
            pulumi.Output.from_input(None).apply(lambda _: self._keep())
        self.changed.append(node)

    def _spare(self, spared: list[tuple[ExemptionSpec, Finding]], resource: pulumi.Resource | None) -> None:
        for exemption, finding in spared:
            if (exemption, finding) not in self.spared:
                self.spared.append((exemption, finding))
                pulumi.log.info(f"exempt: {exemption}", resource)

    def _keep(self) -> None:
        """Write the lock when the program has ended, unless it was refused, and say what changed."""
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            return
        write_lock(self.lock_path, self.lock)
        for node in self.changed:
            kept = self.lock.nodes[node]
            cpus = ", ".join(f"{vcpu}:{cpu}" for vcpu, cpu in enumerate(kept.cpus))
            pulumi.log.info(f'{self.lock_path.name}: node "{node}" on {kept.host}, vCPU:CPU {cpus} (commit it)')

    def _say(self, finding: Finding, resource: pulumi.Resource | None) -> None:
        """Errors are told when the program has ended, so that none is lost to the failure that follows them."""
        if finding.severity is Severity.ERROR:
            self.refusals.append((finding, resource))
        elif finding.severity is Severity.WARNING:
            pulumi.log.warn(finding.text(label=False), resource)
        else:
            pulumi.log.info(finding.text(label=False), resource)

    def _settled(self) -> Any:
        """Tell every refusal once its resource is registered, and fail once all others are too.

        So each refusal stands on its own, and policies judge what this program declares beside them.
        """
        urns = [resource.urn if resource else "" for _, resource in self.refusals]
        told = [finding for finding, _ in self.refusals]
        registered = pulumi.Output.all(*(resource.urn for resource in self.resources if "urn" in vars(resource)))
        return pulumi.Output.all(*urns).apply(lambda known: _fail(list(zip(told, known, strict=True)), registered))


def _fail(refusals: list[tuple[Finding, str]], registered: pulumi.Output[Any]) -> Any:
    """Tell each refusal on its resource, and fail the run."""
    engine = get_engine()
    for finding, urn in refusals:
        if engine is not None:
            engine.Log(engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=finding.text(label=False), urn=urn))
    return registered.apply(lambda _: _refuse(len(refusals)))


def _refuse(count: int) -> None:
    raise pulumi.RunError(f"{count} finding{'s' if count != 1 else ''} above; nothing was changed")


def ledger() -> Ledger:
    """The ledger of the run in progress; the first call of a run makes it and reads the assignment lock."""
    root = get_root_resource()
    found: Ledger | None = getattr(root, "_quietcore", None)
    if found is None:
        path = Path.cwd() / f"{pulumi.get_stack()}.lock.yaml"
        found = Ledger(lock_path=path, frozen=frozen(), write=not frozen(), lock=read_lock(path))
        if root is not None:
            root._quietcore = found  # type: ignore[attr-defined]
            found.watch()
        found.configure()
    return found


def begin(found: Ledger) -> None:
    """Use this ledger for the run in progress."""
    get_root_resource()._quietcore = found  # type: ignore[union-attr]
    found.configure()


def program_file() -> str:
    """The user's file that is being run, relative to the project where it is inside."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_code.co_filename.startswith(_PACKAGE) or "/pulumi/" in frame.f_code.co_filename):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    base = Path(get_root_directory() or Path.cwd())
    return str(path.relative_to(base)) if path.is_relative_to(base) else path.name
