"""What is measured: each module has `measure(world) -> list[Row]`; the table has the order of the page."""

from __future__ import annotations

#: Name for `--only` → heading, module.
CASES = {
    "limits": ("Limits of the machine", "limits"),
    "start": ("Starting", "start"),
    "code": ("A large repository", "code"),
    "large-input": ("A large input", "large_input"),
    "small-inputs": ("Many small inputs", "small_inputs"),
    "output": ("What the command writes to its terminal", "streams"),
    "large-output": ("A large output", "large_output"),
    "small-outputs": ("Many small outputs", "small_outputs"),
    "reuse": ("A run that need not be made", "reuse"),
    "rerun": ("Doing a run again", "rerun"),
    "ls": ("Finding runs again", "listing"),
    "search": ("Searching 100,000 runs", "search"),
    "diff": ("Comparing runs", "diff"),
    "at-once": ("Many runs at once", "at_once"),
    "masks": ("Looking for secrets", "masks"),
    "upkeep": ("Looking after 10,000 runs", "upkeep"),
    "sharing": ("Sharing runs", "sharing"),
    "peers": ("Beside others", "peers"),
}
