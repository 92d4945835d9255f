"""The text of tuned's files, read as tuned reads it, and profiles that include one another merged into one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error, MissingSectionHeaderError, ParsingError
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from quietcore.errors import QuietcoreError
from quietcore.spec.tuned import TunedProfileSpec

Sections = dict[str, dict[str, str]]

_HEADER = "variables of a file"
_SEPARATOR = re.compile(r"[,;]")


class TunedError(QuietcoreError):
    """Files that hold no profile that can be read."""


@dataclass
class Chain:
    """Profiles of given files, merged parents first, and what of their parents was not given."""

    sections: Sections = field(default_factory=dict)
    file: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def sections_of(text: str, path: str) -> Sections:
    """Every section with its options as written. Raises TunedError that names the file and the line."""
    parsed = _parser()
    _read(parsed, text, path, 0)
    return {name: {key: value or "" for key, value in parsed[name].items()} for name in parsed.sections()}


def variables_of(text: str, path: str) -> dict[str, str]:
    """The variables of a file that has no sections. Raises TunedError."""
    parsed = _parser()
    _read(parsed, f"[{_HEADER}]\n{text}", path, 1)
    return {key: value or "" for name in parsed.sections() for key, value in parsed[name].items()}


def name_of(path: str) -> str:
    """The profile's name: its folder's, as tuned has it, else the file's own."""
    place = PurePosixPath(path)
    if place.name in ("tuned.conf", ""):
        return place.parent.name or "tuned"
    return place.stem


def chained(files: Mapping[str, str], name: str) -> Chain:
    """Read the profile ``name`` and every profile that it includes, as far as they are among ``files``."""
    by_name = {name_of(path): path for path in files if is_profile(path)}
    chain = Chain()
    _follow(name, by_name, files, chain, set())
    chain.merged.remove(name)
    chain.variables = chain.file | chain.variables
    return chain


def is_profile(path: str) -> bool:
    """Whether a file is a profile and not the variables of one, nor its script."""
    return not path.endswith(("-variables.conf", ".sh"))


def included(sections: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The parents that ``[main]`` names, in order; tuned may do without one that starts with ``-``."""
    include = sections.get("main", {}).get("include", "").strip()
    # What a function gives may hold separators as its arguments do, so that only the whole is a name.
    return ([include] if "${" in include else _listed(include)) if include else []


def _listed(text: str) -> list[str]:
    return [name for each in _SEPARATOR.split(text) if (name := each.strip())]


def words(options: Mapping[str, str]) -> tuple[str, ...]:
    """What ``[bootloader]`` adds to the kernel command line, unexpanded, from the options that begin with cmdline."""
    if options.get("enabled", "true").strip().lower() not in ("1", "true", "yes", "on"):
        return ()
    values = [value for key, value in options.items() if key.startswith("cmdline") and not value.startswith("-")]
    return tuple(word for value in values for word in value.lstrip("+").split())


def text_of(profile: TunedProfileSpec) -> str:
    """A profile that others wrote, as one file: what it inherits from tuned's own is left to tuned."""
    main = {**profile.sections.get("main", {}), **({"include": profile.parent} if profile.parent else {})}
    sections: dict[str, Mapping[str, str]] = {"main": main}
    if profile.variables:
        sections["variables"] = profile.variables
    sections |= {name: options for name, options in profile.sections.items() if name != "main"}
    if profile.sysctl:
        sections["sysctl"] = {**profile.sections.get("sysctl", {}), **profile.sysctl}
    return "\n".join("\n".join(_section(name, options)) for name, options in sections.items())


def _section(name: str, options: Mapping[str, str]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in options.items():
        yield f"{key}={value}".replace("\n", "\n\t")
    yield ""


def _parser() -> ConfigParser:
    """As tuned/profiles/loader.py: names keep their case, ``#`` starts a comment anywhere, the last one counts."""
    parser = ConfigParser(
        delimiters=("=",), inline_comment_prefixes=("#",), strict=False, interpolation=None, allow_no_value=True
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser


def _read(parser: ConfigParser, text: str, path: str, before: int) -> None:
    """``before`` is the count of lines that the file does not have."""
    try:
        parser.read_string(text, path)
    except MissingSectionHeaderError as fault:
        raise _refused(path, fault.lineno - before, fault.line, "a [section] before the first option") from None
    except ParsingError as fault:
        line, said = fault.errors[0] if fault.errors else (0, str(fault))
        raise _refused(path, line - before, said, "option=value") from None
    except Error as fault:
        raise TunedError("tuned profile does not parse", where=path, given=" ".join(str(fault).split())[:200]) from None
    except AttributeError:
        # configparser before 3.13: an indented line continues an option that has no value to be continued.
        raise _refused(
            path, _continued(text) - before, "an indented line", "a line that starts at the margin"
        ) from None


def _refused(path: str, line: int, said: str, allowed: str) -> TunedError:
    place = f"{path}, line {line}" if path else f"line {line}"
    given = (said.strip().strip("'\"") or said.strip())[:120]
    return TunedError("tuned profile does not parse", where=place, given=given, allowed=allowed, hint=f"mend {place}")


def _continued(text: str) -> int:
    """The first indented line that follows one without a value."""
    lines = text.splitlines()
    for number, (before, line) in enumerate(pairwise(lines), start=2):
        if line[:1] in (" ", "\t") and line.strip() and "=" not in before:
            return number
    return 1


def _follow(name: str, by_name: Mapping[str, str], files: Mapping[str, str], chain: Chain, seen: set[str]) -> None:
    """Read parents, then the profile over them; one that was read is not read again, so that no ring is endless."""
    seen.add(name)
    sections = sections_of(files[by_name[name]], by_name[name])
    for parent in included(sections):
        bare = parent.removeprefix("-")
        if bare in seen and bare != name:
            continue
        # One that includes its own name stands on tuned's profile of that name, which it hides.
        if bare in by_name and bare != name:
            _follow(bare, by_name, files, chain, seen)
            continue
        if chain.merged:
            chain.unread.append(f"{bare} comes after {chain.merged[-1]}, which is read as if it came last")
        seen.add(bare)
        chain.parents.append(parent)
    sections.get("main", {}).pop("include", None)
    _define(chain, sections.pop("variables", {}), files)
    _over(chain.sections, sections)
    chain.merged.append(name)


def _define(chain: Chain, own: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Add a profile's variables. Of several files of variables tuned reads the last child's alone, before the rest."""
    if "include" in own:
        path = beside(files, own["include"])
        chain.file = variables_of(files[path], path) if path else {"include": own["include"]}
    # A variable that is set to itself is only said to be there.
    chain.variables |= {key: value for key, value in own.items() if key != "include" and value != f"${{{key}}}"}


def beside(files: Mapping[str, str], path: str) -> str:
    """The given file of that file name, wherever it was found; "" where none is."""
    wanted = PurePosixPath(path).name
    return next((each for each in files if PurePosixPath(each).name == wanted), "") if wanted else ""


def _over(into: Sections, sections: Sections) -> None:
    """Merge a child over what was given of its parents; what either replaces or drops is kept for the others."""
    for name, options in sections.items():
        inherited = into.get(name, {})
        if options.get("replace", "").strip() in ("1", "true", "True"):
            into[name] = options
            continue
        drops = _listed(options.get("drop", ""))
        both = {key: value for key, value in inherited.items() if key not in (*drops, "type", "enabled")} | options
        if drops and inherited.get("drop"):
            both["drop"] = f"{inherited['drop']},{options['drop']}"
        into[name] = both
