"""Run the tests of each family of rules on each mutant of its conditions: `python -m tests.mutation [FAMILY]...`.

Every process forks from one that has collected the tests, puts the mutant's code in place of the function's and runs
them until the first one fails. A mutant that none of them notices is printed: it wants a test, or the condition is not
needed. Mutants that change nothing are listed in ``equivalent.txt`` with the reason, and not run.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time

import hypothesis
from tests.mutation.equivalent import listed
from tests.mutation.session import COMMON, candidates, run, say

FAMILIES = ("cluster", COMMON, "cross", "domain", "kernel", "kubelet", "tuned", "workload")


def main() -> int:
    """Print the mutants that no test noticed; the exit code says whether there are any, or lines that name none."""
    options = parsed()
    families = options.families or FAMILIES
    known, every = listed(), list(candidates(families, halves=options.halves))
    places = {each.place for each in candidates(families, halves=True)}
    stale = [place for place in known if place.partition("/")[0] in families and place not in places]
    for place in stale:
        say(f"no such mutant: {place}")
    chosen = [each for each in every if each.place not in known and options.only in each.place]
    total = len(chosen)
    if options.sample and options.sample < total:
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    say(f"{len(chosen)} of {total} mutants, seed {options.seed}; {len(every) - total} more are equivalent or not asked")
    hypothesis.settings.load_profile("mutation")
    started, survived = time.monotonic(), 0
    for family in families:
        session = run(family, [each for each in chosen if each.family == family], options.jobs)
        if session.broken:
            say(f"the tests of {family} fail without any mutant: mend them first")
            return 2
        survived += len(session.survivors)
    say(f"{survived} of {len(chosen)} survived, {time.monotonic() - started:.0f} s")
    return 1 if survived or stale else 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}; default: all")
    parser.add_argument("--only", default="", metavar="TEXT", help="try those alone in whose place the text stands")
    parser.add_argument("--halves", action="store_true", help="leave out each part of a condition, too")
    parser.add_argument("--sample", type=int, default=0, help="try so many, chosen at random (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
