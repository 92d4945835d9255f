"""`quietcore render`: the files behind a stack, to read, to review and to compare."""

from __future__ import annotations

from pathlib import Path

import click

from quietcore.cli.answer import answer_json, json_option, plural, say
from quietcore.cli.running import run_stack, stack_argument, told_errors


@click.command()
@stack_argument
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write below this folder.")
@json_option
@click.pass_context
def render(ctx: click.Context, stack: str, output: Path | None, as_json: bool) -> None:
    """Write every file that STACK stands for: domain XML, cloud-init data, command lines, tuned profiles.

    The domain XML is the effective one, after the stylesheet that carries real-time settings through the SDK. Without
    -o all files are printed, each after a line with its path. The same program always gives the same bytes.
    """
    from quietcore.cli.artefacts import artefacts

    run = run_stack(stack)
    files = artefacts(run)
    if as_json:
        answer_json({"stack": stack, "files": files})
    elif output is None:
        click.echo("\n".join(f"# --- {path}\n{text}" for path, text in files.items()), nl=False)
    if output is not None:
        write(output, files)
        say(f"wrote {plural(len(files), 'file')} below {output}")
    ctx.exit(1 if told_errors(run, ", so this is not what `up` will do") else 0)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write the files and name those in the folder that no resource stands for any more."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for stale in sorted(there - set(files)):
        say(f"stale: {folder / stale} (left as it is; delete it)")
