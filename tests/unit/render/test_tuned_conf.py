"""tuned profiles that somebody else wrote."""

import pytest

from quietcore.render.tuned_conf import TunedError, lift, lift_isolated
from quietcore.units import CpuSet


def test_a_profile_that_writes_the_command_line_itself_shows_it():
    text = (
        "[main]\ninclude=realtime-virtual-host # ours\n[bootloader]\ncmdline_a=+nohz=on idle=poll\ncmdline_b=audit=0\n"
    )
    profile = lift({"/etc/tuned/theirs/tuned.conf": text})
    assert (profile.name, profile.role, profile.include) == ("theirs", "host", None)
    assert profile.cmdline == ("nohz=on", "idle=poll", "audit=0")


def test_the_last_isolated_cores_count_and_comments_do_not():
    text = "# isolated_cores=9\nisolated_cores=1\nisolated_cores=2-3\n"
    assert lift_isolated({"/etc/tuned/realtime-virtual-guest-variables.conf": text}) == CpuSet([2, 3])
    assert lift_isolated({"/etc/tuned/x/tuned.conf": "isolated_cores=1"}) is None


@pytest.mark.parametrize("files", [{}, {"/etc/tuned/x/tuned.conf": "include=before any section\n"}])
def test_what_is_no_profile_is_refused(files):
    with pytest.raises(TunedError):
        lift(files)
