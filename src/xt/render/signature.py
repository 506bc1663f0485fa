"""`xt audit --signature` as a page: the answer, then each signature, then what was read."""

from __future__ import annotations

from datetime import datetime

from xt.model.signature import Checked, Signatures
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.layout import table, wrap
from xt.render.quantities import count, fingerprint, moment
from xt.render.styled import Line, join, paint, say

#: As `xt audit`.
WIDEST, NARROWEST = 110, 24
#: Contents, and notes, that are named one by one.
FEW = 8
_STYLES = {"valid": "good", "unknown": "bold", "refused": "bad"}
_TRUST = "hint: `--allowed-signers FILE` or `--key PUB` says whom you trust"


def render(found: Signatures, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: what was found.
        now: its zone is that of the times.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    purpose = (found.purpose or "").strip()
    head: Line = [say("signature of ", "dim"), say(found.run[: found.shown], "key"), say("  ")]
    head.append(say(clip(purpose, 60), "bold") if purpose else say("– no purpose", "dim"))
    words = {True: ("valid: ", "good"), False: ("not valid: ", "bad"), None: ("cannot tell: ", "bold")}
    lines = [*wrap(head, width, 4), *wrap([say(*words[found.valid]), say(found.why)], width, 2), []]
    lines += indent(table(_rows(found, now), width - 2, 1))
    for item in found.lost[:FEW]:
        lines += wrap([say(f"  {item.state}: ", "bad"), say(item.reason)], width, 4)
    if len(found.lost) > FEW:
        lines += wrap([say(f"  and {count(len(found.lost) - FEW, 'file')} more (--json)", "dim")], width, 4)
    lines += [[]] if found.notes else []
    lines += [line for note in found.notes[:FEW] for line in wrap([say(note, "dim")], width, 2)]
    if len(found.notes) > FEW:
        lines += wrap([say(f"and {count(len(found.notes) - FEW, 'note')} more (--json)", "dim")], width, 2)
    if found.valid is None and any(one.verdict == "unknown" for one in found.signatures):
        lines += [[], *wrap([say(_TRUST)], width, 2)]
    return "".join(paint(line, colour) + "\n" for line in lines)


def _rows(found: Signatures, now: datetime) -> list[list[Line]]:
    rows: list[list[Line]] = [[[say("record", "dim")], [say(fingerprint(found.seal))]]]
    for one in found.signatures:
        first, *others = _signed(one, now)
        rows += [[[say("signed", "dim")], first], *([[say("")], line] for line in others)]
    read = ", ".join(_counted(what, number) for what, number in found.whole.items() if number)
    rows.append([[say("read", "dim")], [say(f"{read}: whole" if read else "no content")]])
    return rows


def _counted(what: str, number: int) -> str:
    return f"{number} series of metrics" if what == "metrics" else f"{count(number, 'file')} of {what}"


def _signed(one: Checked, now: datetime) -> list[Line]:
    line = [say(one.verdict, _STYLES[one.verdict])]
    if one.reason is not None:
        line.append(say(f": {one.reason}"))
    about = [[say(said)] for said in (one.who, moment(one.signed_at, now) if one.signed_at else None) if said]
    # The key of a signature that is not valid is only what it says itself.
    keys = [[say(key, "" if one.verdict == "valid" else "dim")] for key in one.keys or ["no key named"]]
    return [line, *([join(about, ", ")] if about else []), *keys]
