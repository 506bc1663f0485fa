"""What roc-validator finds in crates, without a network: `python judge_crate.py CONTEXT CRATE…` → JSON.

It is a program of its own, because the validator warns when it is imported and takes its time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import requests

CONTEXT = Path(sys.argv[1]).read_bytes()


def answer(self, method, url, **_):
    """The one address a crate needs; nothing else is there."""
    reply = requests.Response()
    reply.url = url
    reply.status_code = 200 if url.rstrip("/") == "https://w3id.org/ro/crate/1.1/context" else 404
    reply._content = CONTEXT if reply.status_code == 200 else b""
    reply.headers["Content-Type"] = "application/ld+json"
    return reply


requests.Session.request = answer

from rocrate_validator import services  # noqa: E402
from rocrate_validator.models import ValidationSettings  # noqa: E402


def judge(crate: str, severity: str) -> list[str]:
    settings = ValidationSettings(
        rocrate_uri=crate,
        profile_identifier="process-run-crate",
        requirement_severity=severity,
        no_cache=True,
    )
    result = services.validate(settings)
    return sorted(
        {f"{issue.severity.name} {issue.check.identifier}: {issue.message}" for issue in result.get_issues()}
    )


severity = sys.argv[2]
print(json.dumps({crate: judge(crate, severity) for crate in sys.argv[3:]}))
