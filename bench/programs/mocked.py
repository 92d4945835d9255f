"""Run the program `__main__.py` beside this file under Pulumi's own mocks, and nothing more."""

import asyncio
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.stack import run_pulumi_func


class Echo(pulumi.runtime.Mocks):
    """Every resource has its inputs as outputs."""

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:  # noqa: ARG002
        return {}, None

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return f"{args.name}-id", dict(args.inputs)


def program() -> None:
    runpy.run_path(str(Path(__file__).parent / "__main__.py"), run_name="__main__")


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
pulumi.runtime.set_mocks(Echo(), project="bench", stack="bench", preview=True)
loop.run_until_complete(run_pulumi_func(program))
sys.exit(0)
