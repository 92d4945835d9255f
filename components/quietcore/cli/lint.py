"""`quietcore lint`: existing files and running hosts judged, with no program and no engine."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from quietcore.cli.answer import answer_json, json_option, plural
from quietcore.cli.styled import styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quietcore.lint import Options, Text, Verdict

SHOWN: Final = 12
"""How many files that were not judged are listed in words; --json has all."""

_NAMED: Final = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|<[^>]*>|/\S+|\b[A-Z]\w+")
"""What of a reason is a file's own: names of sections, objects, elements, paths and kinds."""


@click.command()
@click.argument("paths", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--host", "hosts", metavar="URI", multiple=True, help="Read a running host over libvirt; may be repeated."
)
@click.option("--select", metavar="CODES", multiple=True, help="Tell these rules only: D05,K or so.")
@click.option("--ignore", metavar="CODES", multiple=True, help="Leave these rules out.")
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
@click.option("--kernel", type=click.Choice(["rt", "generic"]), help="The kernel that the machines boot.")
@click.option("--tuned-version", metavar="VERSION", help="Such as 2.20: what tuned writes depends on it.")
@click.option("--kubelet-version", metavar="VERSION", help="Such as 1.33: which options may be chosen depends on it.")
@click.option(
    "--dialect",
    type=click.Choice(["plain", "nto", "starlingx"]),
    help="Whose words the files speak.  [default: nto beside a PerformanceProfile, starlingx where the "
    "command line boots from its volume group, else plain]",
)
@json_option
@click.pass_context
def lint(
    ctx: click.Context,
    paths: tuple[Path, ...],
    hosts: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    kernel: Literal["rt", "generic"] | None,
    tuned_version: str | None,
    kubelet_version: str | None,
    dialect: Literal["plain", "nto", "starlingx"] | None,
    as_json: bool,
) -> None:
    """Judge FILEs that exist already, and folders with all below them; `-` is stdin.

    Files are known by what they hold: domain XML, `virsh capabilities`, `lscpu --json`, /proc/cmdline, GRUB's settings,
    tuned profiles, kubelet and container runtime configurations, pods, runtime classes, PerformanceProfiles, Tuned
    objects, KubeVirt's virtual machines, topology files.

    The files of one folder speak of one machine, which the folder names. Domain XML in it are its guests; a folder
    below that is named after a guest speaks of that guest's inside.

    Exit code 0 without errors, 1 with, 2 where a path or a host could not be read.
    """
    if not paths and not hosts:
        raise click.UsageError("Nothing to judge: give files, folders or --host URI.", ctx)
    from quietcore.lint.options import Options

    options = Options(
        dialect=dialect,
        tuned_version=tuned_version,
        kubelet_version=kubelet_version,
        kernel=kernel,
        select=_codes(ctx, "select", select),
        ignore=_codes(ctx, "ignore", ignore),
    )
    verdict = _verdict(paths, hosts, options)
    if as_json:
        answer_json(verdict.as_json())
    else:
        tell(verdict)
    counts = Counter(str(finding.severity) for finding in verdict.findings)
    ctx.exit(1 if counts["error"] or (strict and counts["warning"]) else 0)


def tell(verdict: Verdict) -> None:
    """Print findings, what was not judged and why, and the sum."""
    for finding in verdict.findings:
        click.echo(styled(finding) + "\n")
    if verdict.unjudged:
        click.echo(f"not judged{' (--json lists all)' if len(verdict.unjudged) > SHOWN else ''}:")
        for line in _left(verdict.unjudged):
            click.echo(f"  {line}")
        click.echo()
    if verdict.missing:
        click.echo("not known:")
        for sentence in verdict.missing:
            click.echo(f"  {sentence}")
        click.echo()
    click.echo(summary(verdict))


def _left(unjudged: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Files and reasons; where there are many, the first of those alike, rarest reasons first: they say the most."""
    if len(unjudged) <= SHOWN:
        yield from (f"{file}: {reason}" for file, reason in unjudged)
        return
    alike: dict[str, list[tuple[str, str]]] = {}
    for file, reason in unjudged:
        alike.setdefault(_NAMED.sub("", reason), []).append((file, reason))
    groups = sorted(alike.values(), key=lambda group: (len(group), group[0]))
    told = groups if len(groups) <= SHOWN else [*groups[: SHOWN - 1], groups[-1]]
    for group in told:
        file, reason = group[0]
        more = f"; {plural(len(group) - 1, 'other file')} alike" if group[1:] else ""
        yield f"{file}: {reason}{more}"
    rest = len(unjudged) - sum(len(group) for group in told)
    if rest:
        yield f"and {plural(rest, 'other file')}"


def summary(verdict: Verdict) -> str:
    """`judged 3 files (1 machine, 2 domains): 1 error, 2 warnings`."""
    held = ", ".join(plural(count, noun) for noun, count in verdict.subjects.items())
    counts = Counter(str(finding.severity) for finding in verdict.findings)
    found = [plural(counts[name], name) for name in ("error", "warning") if counts[name]]
    found += [f"{counts['info']} for information"] if counts["info"] else []
    return f"judged {plural(verdict.judged, 'file')}{f' ({held})' if held else ''}: {', '.join(found) or 'no findings'}"


def _verdict(paths: tuple[Path, ...], hosts: tuple[str, ...], options: Options) -> Verdict:
    from quietcore.garbage import uncollected

    with uncollected():
        from quietcore.lint import lint_texts
    return lint_texts(_texts(paths, hosts), options)


def _texts(paths: tuple[Path, ...], hosts: tuple[str, ...]) -> Iterator[Text]:
    from quietcore.lint.text import Text, texts_of

    if Path("-") in paths:
        yield Text("stdin", "/stdin", sys.stdin.buffer.read())
    yield from texts_of(path for path in paths if path != Path("-"))
    for uri in hosts:
        from quietcore.cli.lint_host import texts_of_host

        yield from texts_of_host(uri)


def _codes(ctx: click.Context, name: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """Codes or their beginnings, split at commas. Raises BadParameter for one that no rule begins with."""
    from quietcore.rules.catalogue import CATALOGUE

    codes = tuple(code.upper() for text in given for code in re.split(r"[,\s]+", text) if code)
    for code in codes:
        if not any(rule.code.startswith(code) for rule in CATALOGUE):
            raise click.BadParameter(
                f"no rule has a code like {code}; see quietcore explain", ctx, param_hint=f"'--{name}'"
            )
    return codes
