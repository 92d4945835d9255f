"""What a command plainly says of its threads, and what it does not."""

import pytest

from quietcore.spec.pod_command import Scheduling, is_latency_test, is_polling, scheduling_of

SAID = {
    "chrt -f 40 ./plc": ("fifo", 40),
    "/usr/bin/chrt --fifo 40 ./plc": ("fifo", 40),
    "chrt -r 1 ./plc": ("rr", 1),
    "chrt 12 ./plc": ("rr", 12),
    "chrt -v -f 99 ./plc": ("fifo", 99),
    "chrt -o 0 ./plc": ("other", 0),
    "chrt -b 0 ./plc": ("other", 0),
    "taskset -c 1 chrt -f 7 ./plc": ("fifo", 7),
    "cyclictest -m -p 95 -t 2": ("fifo", 95),
    "cyclictest -p95": ("fifo", 95),
    "cyclictest --priority=95 --mlockall": ("fifo", 95),
    "cyclictest --priority 95": ("fifo", 95),
    "oslat --rtprio 1 -D 60": ("fifo", 1),
}
UNSAID = [
    "./plc --priority 99",
    "mysqld --priority=99",
    "cyclictest -m",
    "chrt -f high ./plc",
    "chrt",
    "echo chrt-f 99",
    "ping -p 95 host",
    "",
]


@pytest.mark.parametrize("command", SAID)
def test_a_policy_and_priority_that_stand_there_are_read(command: str) -> None:
    policy, priority = SAID[command]
    expected = Scheduling(policy, priority, str(priority))
    assert scheduling_of(command.split()) == expected
    assert scheduling_of(["sh", "-c", f"exec {command}"]) == expected


@pytest.mark.parametrize("command", UNSAID)
def test_what_may_mean_anything_is_not_guessed(command: str) -> None:
    assert scheduling_of(command.split()) is None


def test_a_known_latency_test_is_recognised_by_its_program() -> None:
    assert is_latency_test(["/usr/bin/cyclictest", "-m"])
    assert is_latency_test(["sh", "-c", "oslat -D 60"])
    assert not is_latency_test(["./cyclictest-exporter"])
    assert is_polling(["oslat"])
    assert not is_polling(["cyclictest"])
