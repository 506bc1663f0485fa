"""`mlflow`: a run of an MLflow server, over its REST interface: params, metrics with steps, tags, artefacts.

It can be done again: the run is found by its tag `xt.run_id`, what is there is not written twice, and what an
interrupted export left out is added. The tag `xt.export` says that all of it is there, and which sorts of
files are.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from xt.errors import RemoteError, UsageError, XtError
from xt.exchange import Content, Exported, Options
from xt.exchange.discreet import Discreet
from xt.exchange.mlflow_answers import odd, pairs, stored, table, text
from xt.exchange.mlflow_files import Files
from xt.exchange.mlflow_values import (
    LONGEST_PARAM,
    LONGEST_TAG,
    PARAMS,
    POINTS,
    batches,
    cut,
    fit,
    metric_name,
    names,
    number,
    param_value,
    step,
)
from xt.exchange.rest import RefusedError, Server, basic
from xt.exchange.target import Target
from xt.exchange.web import bearer
from xt.exchange.words import title
from xt.model.exported import Gap, Report
from xt.model.restored import Source
from xt.model.result import Metric
from xt.model.text import from_text, to_shown
from xt.redact import clean_url

API = "/api/2.0/mlflow/"
#: How runs end there.
STATUS = {"ok": "FINISHED", "interrupted": "KILLED"}
#: Carried where nothing else is asked for.
USUAL: tuple[Source, ...] = ("outputs",)
#: Points of a metric in one answer.
PAGE = 25_000
#: How URLs of databases begin that MLflow keeps runs in.
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_PLACE = "`-o http://HOST:PORT`, or MLFLOW_TRACKING_URI"


def export(subject: Exported, to: Target, options: Options) -> Report:
    """Write it into the server."""
    server = connect(to.given, options.environ)
    try:
        return _Export(subject, server, options).report()
    finally:
        server.close()


def connect(given: str | None, environ: Mapping[str, str]) -> Server:
    """Find the server and what lets one in, as MLflow's own client does.

    Args:
        given: its address; None: MLFLOW_TRACKING_URI says it.
        environ: also MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, and
            MLFLOW_TRACKING_SERVER_CERT_PATH, a file of certificates to trust.

    Raises:
        UsageError: there is no address, or none of a server.
    """
    url = given if given is not None else environ.get("MLFLOW_TRACKING_URI", "")
    if not url:
        raise UsageError("nothing says which MLflow server", _PLACE)
    if not url.lower().startswith(("http://", "https://")):
        raise _no_server(url)
    headers = {}
    token, user = environ.get("MLFLOW_TRACKING_TOKEN"), environ.get("MLFLOW_TRACKING_USERNAME")
    if token:
        headers["Authorization"] = bearer(token, "MLFLOW_TRACKING_TOKEN")
    elif user:
        headers["Authorization"] = basic(user, environ.get("MLFLOW_TRACKING_PASSWORD", ""))
    trusted = environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    try:
        context = ssl.create_default_context(cafile=trusted) if trusted else None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"MLFLOW_TRACKING_SERVER_CERT_PATH cannot be used: {reason}", "unset it") from error
    return Server(url, headers, context)


def _no_server(url: str) -> UsageError:
    """What to do with what MLflow's own client takes as well, and is no server."""
    shown, scheme = to_shown(clean_url(url)), url.partition(":")[0].lower()
    if scheme == "databricks":
        return UsageError(
            "`databricks` names no server",
            "`-o https://WORKSPACE`, with MLFLOW_TRACKING_TOKEN set to a token",
        )
    if re.fullmatch(r"[\w.-]+:\d+(/.*)?", url):
        return UsageError(f"`{shown}` is no URL of an MLflow server", f"`-o http://{shown}`")
    if "://" in url and not scheme.startswith(("file", *_DATABASES)):
        return UsageError("that is no MLflow server: only one that is reached by http or https", _PLACE)
    kind = "a database" if scheme.startswith(_DATABASES) else "a folder"
    # MLflow 3 serves folders only to who insists on it.
    allowed = "" if scheme.startswith(_DATABASES) else "MLFLOW_ALLOW_FILE_STORE=true "
    return UsageError(
        f"`{shown}` is {kind} of MLflow, and xt writes to its server",
        f"`{allowed}mlflow server --backend-store-uri {shown} --port 5000` serves it;"
        " then `-o http://127.0.0.1:5000`",
    )


class _Export:
    """One run on its way into a server."""

    def __init__(self, subject: Exported, server: Server, options: Options) -> None:
        self._subject = subject
        self._record = subject.record
        self._server = server
        self._options = options
        self._told = Discreet(subject.record, identify=options.identify)
        self._gaps: list[Gap] = []
        self._remarks: list[str] = []
        self._wanted = {*(options.only or USUAL), *(("record",) if options.identify else ())}

    def report(self) -> Report:
        """Write what is not there yet."""
        experiment = self._experiment()
        found = self._found(experiment)
        tags = pairs(found["data"].get("tags")) if found else {}
        if found is not None and tags.get("xt.seal") != self._record.seal:
            raise RemoteError(
                f"{self._server.shown} has another run of the id {self._record.id}",
                "nothing was changed there; another experiment takes it",
            )
        run = found or self._created(experiment)
        run_id = text(run["info"].get("run_id"))
        page = f"{self._server.shown}/#/experiments/{experiment}/runs/{run_id}"
        there = self._there(tags)
        if there is not None and self._wanted <= there:
            return Report(page, remarks=["it was there already, and is as it was"])
        if found is not None:
            cut_off = "an export that had not come to its end was completed"
            self._remarks.append(cut_off if there is None else "it was there already; files were added")
        self._params(run_id, pairs(run["data"].get("params")) if found else {})
        self._metrics(run_id, set(pairs(run["data"].get("metrics"))) if found else set())
        files = Files(
            self._server, run_id, text(run["info"].get("artifact_uri")), self._told, self._record.id
        )
        for content in self._contents():
            files.put(content)
        if self._options.identify:
            files.put_bytes("xt/record.json", self._subject.data)
        status = STATUS.get(self._record.result.status, "FAILED")
        ended = {"run_id": run_id, "status": status, "end_time": _milliseconds(self._record.result.ended_at)}
        self._server.ask("POST", API + "runs/update", ended)
        sorts = " ".join(sorted(self._wanted | (there or set())))
        done = {"run_id": run_id, "key": "xt.export", "value": f"complete {self._record.seal} {sorts}"}
        if not files.unfinished:
            self._server.ask("POST", API + "runs/set-tag", done)
        self._gaps += files.gaps
        return Report(page, files.count, files.size, self._gaps, self._remarks)

    def _there(self, tags: Mapping[str, Any]) -> set[str] | None:
        """Sorts of files of a run that is there as a whole; None of one that is not."""
        said, seal, *sorts = str(tags.get("xt.export")).split(" ") + [""] * 2
        return set(sorts) if (said, seal) == ("complete", self._record.seal) else None

    def _experiment(self) -> str:
        """The experiment it belongs to, which is made if there is none."""
        project = to_shown(from_text(self._record.snapshot.context.project)).rstrip("/").rpartition("/")[2]
        name = self._options.environ.get("MLFLOW_EXPERIMENT_NAME") or project or "xt"
        query = f"experiments/get-by-name?experiment_name={quote(name[:500], safe='')}"
        try:
            answer = self._server.ask("GET", API + query)
        except RefusedError as error:
            if error.said != "RESOURCE_DOES_NOT_EXIST":
                raise
            made = {"name": name[:500]}
            answer = {"experiment": self._server.ask("POST", API + "experiments/create", made, twice=False)}
        return text(table(answer, "experiment").get("experiment_id"))

    def _found(self, experiment: str) -> dict[str, Any] | None:
        asked = {
            "experiment_ids": [experiment],
            "filter": f"tags.`xt.run_id` = '{self._record.id}'",
            "max_results": 10,
        }
        answer = self._server.ask("POST", API + "runs/search", asked)
        runs = answer.get("runs", []) if isinstance(answer, dict) else None
        if not isinstance(runs, list):
            raise odd("runs")
        known = [{"info": table(run, "info"), "data": table(run, "data")} for run in runs]
        # Of two, as two exports at a time make them, the one that is complete counts.
        known.sort(key=lambda run: self._there(pairs(run["data"].get("tags"))) is None)
        return known[0] if known else None

    def _created(self, experiment: str) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "experiment_id": experiment,
            "run_name": self._told.text(title(self._subject))[:250],
            "start_time": _milliseconds(self._record.started_at),
            "tags": [{"key": key, "value": cut(value, LONGEST_TAG)} for key, value in self._tags().items()],
        }
        if self._told.user is not None:
            asked["user_id"] = self._told.user
        answer = self._server.ask("POST", API + "runs/create", asked, twice=False)
        return {"info": table(table(answer, "run"), "info"), "data": {}}

    def _tags(self) -> dict[str, str]:
        snapshot = self._record.snapshot
        context = snapshot.context
        told = {
            "xt.run_id": self._record.id,
            "xt.seal": self._record.seal,
            "xt.recipe": snapshot.recipe,
            "xt.status": self._record.result.status,
            "xt.version": context.xt,
            "xt.ticket": context.ticket,
            "mlflow.note.content": context.purpose,
            "mlflow.user": self._told.user,
            "xt.host": self._told.host,
            "mlflow.source.type": "JOB" if context.trigger in ("ci", "cron", "slurm") else "LOCAL",
            "mlflow.source.name": " ".join(self._told.words(snapshot.command.argv)),
            "mlflow.source.git.commit": snapshot.code.head if not snapshot.code.dirty else None,
            "mlflow.source.git.branch": None
            if snapshot.code.branch is None
            else from_text(snapshot.code.branch),
        }
        own = {f"xt.tag.{fit(tag)}": tag for tag in self._subject.tags}
        return {key: self._told.text(value) for key, value in (told | own).items() if value}

    def _params(self, run_id: str, there: dict[str, Any]) -> None:
        snapshot = self._record.snapshot
        values = {param.name: param.value for param in snapshot.params}
        values |= {f"facts/{fact.name}": fact.value for fact in snapshot.facts}
        if snapshot.seed.value is not None:
            values.setdefault("seed", snapshot.seed.value)
        keys = names(values)
        told = {name: self._told.text(param_value(value)) for name, value in values.items()}
        long = [name for name, value in told.items() if len(value) > LONGEST_PARAM]
        if long:
            self._remarks.append(
                f"cut, since MLflow takes {LONGEST_PARAM} characters: " + ", ".join(sorted(long))
            )
        items = (
            {"key": keys[name], "value": cut(value, LONGEST_PARAM)}
            for name, value in sorted(told.items())
            if keys[name] not in there
        )
        for batch in batches(items, PARAMS):
            self._server.ask("POST", API + "runs/log-batch", {"run_id": run_id, "params": batch})

    def _metrics(self, run_id: str, there: set[str]) -> None:
        metrics = {metric_name(metric): metric for metric in self._record.result.metrics}
        keys = names(metrics)
        points = (
            point
            for name, metric in metrics.items()
            for point in self._points(keys[name], metric, run_id if keys[name] in there else None)
        )
        for batch in batches(points, POINTS):
            self._server.ask("POST", API + "runs/log-batch", {"run_id": run_id, "metrics": batch})

    def _points(self, key: str, metric: Metric, known_in: str | None) -> Iterator[dict[str, Any]]:
        """The points of a metric that the run there does not have."""
        there = self._history(known_in, key) if known_in is not None else set()
        at = _milliseconds(self._record.result.ended_at)
        try:
            for position, (given, value) in enumerate(self._subject.points(metric)):
                point = {"key": key, "value": number(value), "timestamp": at, "step": step(given, position)}
                if (point["step"], stored(value)) not in there:
                    yield point
        except XtError as error:
            self._remarks.append(f"the series of {metric.name} is not all there: {error.message}")

    def _history(self, run_id: str, key: str) -> set[tuple[int, str]]:
        found: set[tuple[int, str]] = set()
        query = f"metrics/get-history?run_id={quote(run_id, safe='')}&metric_key={quote(key, safe='')}"
        page = ""
        while True:
            answer = self._server.ask("GET", f"{API}{query}&max_results={PAGE}{page}")
            points = answer.get("metrics", []) if isinstance(answer, dict) else None
            if not isinstance(points, list):
                raise odd("metrics")
            try:
                found |= {(int(point.get("step", 0)), stored(float(point["value"]))) for point in points}
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise odd("metrics") from error
            token = answer.get("next_page_token")
            if not token or not points:
                return found
            page = f"&page_token={quote(text(token), safe='')}"

    def _contents(self) -> Iterator[Content]:
        wanted = self._options.only or USUAL
        for source, items in (
            ("outputs", self._record.result.outputs),
            ("inputs", self._record.snapshot.inputs),
        ):
            for item in items if source in wanted else ():
                yield from self._subject.contents(item)
        if "code" in wanted:
            yield from self._subject.code()
        if "logs" in wanted:
            yield from self._subject.logs()


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
