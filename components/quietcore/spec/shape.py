"""Titles of what is found while plain data becomes a spec, by code; the rules of the same codes have their docs."""

from typing import Final

TITLES: Final = {
    "S01": "unknown key",
    "S02": "not a value of this kind",
    "S03": "an Output stands where a plain value belongs",
    "S04": "a key is missing",
    "S05": "a topology file cannot be read",
    "S06": "a domain's XML cannot be read",
    "S07": "a Kubernetes object cannot be read",
    "S08": "a file cannot be read",
}
