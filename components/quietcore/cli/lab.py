"""``quietcore lab``: the two-host sandbox, from the command line. Data goes to stdout, progress to stderr."""

from __future__ import annotations

import signal
import sys

import click

from quietcore import lab as labs
from quietcore.cli.answer import answer_json, json_option, say
from quietcore.cli.demo import demo
from quietcore.lab import environment, narration
from quietcore.lab.images import TIERS
from quietcore.units import Size

_TIERS = {"all": TIERS, "none": (), **{tier: (tier,) for tier in TIERS}}
_NAME = click.option("--name", default="lab", show_default=True, help="Which lab; several may stand side by side.")


@click.group(name="lab")
def lab() -> None:
    """Two real hypervisors on this machine: libvirt, Open vSwitch and SSH, each in namespaces."""
    signal.signal(signal.SIGTERM, _interrupt)


lab.add_command(demo)


@lab.command()
@click.option("--hosts", type=click.IntRange(1, 99), help="How many hosts.  [default: as it is, else 2]")
@click.option("--hugepages", metavar="SIZE", help="2 MiB pages for each host.  [default: as it is, else 1GiB]")
@click.option("--images", type=click.Choice([*_TIERS]), default="all", show_default=True, help="Guest images to build.")
@_NAME
@json_option
def up(hosts: int | None, hugepages: str | None, images: str, name: str, as_json: bool) -> None:
    """Bring the lab up; repairs a lab that is half there, leaves one that is right alone."""
    pages = None if hugepages is None else Size.parse(hugepages).bytes // labs.PAGE
    state = labs.up(labs.Plan(name=name, hosts=hosts, pages=pages, tiers=_TIERS[images]), labs.Progress())
    if as_json:
        answer_json(state.document())
        return
    for line in narration.hosts(state):
        click.echo(line)
    for line in narration.limits(state):
        say(f"note: {line}")
    say(f'\nnext: eval "$(quietcore lab env{_option(name)})" && virsh -c "$QUIETCORE_LAB_HV1_URI" list --all')


@lab.command()
@_NAME
@json_option
def down(name: str, as_json: bool) -> None:
    """Take the lab down; nothing of it stays behind."""
    there = labs.down(name, labs.Progress())
    if as_json:
        answer_json({"name": name, "removed": there})
    else:
        say(f"lab {name}: {'removed' if there else 'was not up'}")


@lab.command()
@_NAME
@json_option
def status(name: str, as_json: bool) -> None:
    """Say what is true of each host; exit code 1 when something is not as it should be."""
    found = labs.status(name)
    if found is None:
        answer_json({"name": name, "up": False}) if as_json else click.echo(f"lab {name} is not up")
        sys.exit(1)
    state, hosts = found
    right = all(one.true for seen in hosts.values() for one in seen)
    if as_json:
        facts = {host: {condition.name: condition.true for condition in seen} for host, seen in hosts.items()}
        answer_json({**state.document(), "up": True, "conditions": facts})
    else:
        for line in [*narration.conditions(hosts), "", *narration.hosts(state)]:
            click.echo(line)
        for line in narration.limits(state):
            say(f"note: {line}")
        if not right:
            say(f"\nhint: quietcore lab up{_option(name)}")
    sys.exit(0 if right else 1)


@lab.command()
@_NAME
@json_option
def env(name: str, as_json: bool) -> None:
    """Print the environment of the lab, for eval "$(quietcore lab env)"."""
    variables = environment.of(name)
    if as_json:
        answer_json({"env": variables})
    else:
        click.echo(environment.exports(variables))


def _option(name: str) -> str:
    return "" if name == "lab" else f" --name {name}"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
