"""A real MLflow server: runs in SQLite, artefacts handed on by the server itself."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.services import CannotStartError, Started, free_port, wait_until

#: Servers that this process started: one that is forgotten would be warned of.
_KEPT: list[subprocess.Popen[bytes]] = []


def start(folder: Path) -> Started:
    """Start one; `facts` has its `url`."""
    if importlib.util.find_spec("mlflow") is None:
        raise CannotStartError("mlflow is not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # What `mlflow server` starts in the end, as of 3.17, after three processes more.
    words = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    environ = {
        **os.environ,
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/runs.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artefacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(words, cwd=folder, env=environ, stdout=log, stderr=log)
    _KEPT.append(server)

    def ready() -> bool:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200

    try:
        wait_until(ready, lambda: server.poll() is None)
    except BaseException:
        server.kill()
        server.wait()
        raise
    return Started({"url": url}, [server.pid])


def read_back(url: str, experiment: str) -> list[dict[str, Any]]:
    """All runs of an experiment as MLflow's own client sees them, which a process of its own asks."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, url, experiment], check=True, capture_output=True, timeout=100
    )
    return json.loads(done.stdout)


_CLIENT = """
import json, pathlib, sys, tempfile
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
found = client.get_experiment_by_name(sys.argv[2])

def files(run):
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(client.download_artifacts(run, "", folder))
        return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}

told = []
for run in client.search_runs([found.experiment_id]) if found else []:
    history = {
        key: [[point.step, repr(point.value)] for point in client.get_metric_history(run.info.run_id, key)]
        for key in run.data.metrics
    }
    told.append({
        "name": run.info.run_name, "status": run.info.status,
        "times": [run.info.start_time, run.info.end_time],
        "params": run.data.params, "tags": run.data.tags, "history": history,
        "files": files(run.info.run_id),
    })
json.dump(told, sys.stdout)
"""
