"""Leaves the CPU seconds of this process in `cpu.json`, again and again: the engine ends it without a word."""

import json
import threading
import time
from pathlib import Path

PERIOD = 0.1


def meter() -> None:
    """Count from now on."""
    threading.Thread(target=_write, args=(time.process_time(),), daemon=True).start()


def _write(start: float) -> None:
    target = Path(__file__).parent / "cpu.json"
    while True:
        fresh = target.with_suffix(".new")
        fresh.write_text(json.dumps({"start": start, "now": time.process_time()}))
        fresh.replace(target)
        time.sleep(PERIOD)
