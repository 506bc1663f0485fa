"""Providers of continuous integration, by the variables they document; imported when one shows."""

from __future__ import annotations

from xt import redact
from xt.context import OFF
from xt.model.text import to_shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Variable that shows a provider → its name, and what its variables are called here. The first one counts.
PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "GITHUB_ACTIONS": (
        "github",
        {
            "repository": "GITHUB_REPOSITORY",
            "workflow": "GITHUB_WORKFLOW",
            "job": "GITHUB_JOB",
            "run": "GITHUB_RUN_ID",
            "attempt": "GITHUB_RUN_ATTEMPT",
            "commit": "GITHUB_SHA",
            "branch": "GITHUB_REF_NAME",
            "event": "GITHUB_EVENT_NAME",
            "actor": "GITHUB_ACTOR",
        },
    ),
    "GITLAB_CI": (
        "gitlab",
        {
            "url": "CI_JOB_URL",
            "repository": "CI_PROJECT_PATH",
            "job": "CI_JOB_NAME",
            "run": "CI_PIPELINE_ID",
            "commit": "CI_COMMIT_SHA",
            "branch": "CI_COMMIT_REF_NAME",
            "event": "CI_PIPELINE_SOURCE",
            "actor": "GITLAB_USER_LOGIN",
        },
    ),
    "JENKINS_URL": (
        "jenkins",
        {
            "url": "BUILD_URL",
            "job": "JOB_NAME",
            "run": "BUILD_NUMBER",
            "commit": "GIT_COMMIT",
            "branch": "GIT_BRANCH",
        },
    ),
    "BUILDKITE": (
        "buildkite",
        {
            "url": "BUILDKITE_BUILD_URL",
            "repository": "BUILDKITE_REPO",
            "job": "BUILDKITE_JOB_ID",
            "run": "BUILDKITE_BUILD_NUMBER",
            "commit": "BUILDKITE_COMMIT",
            "branch": "BUILDKITE_BRANCH",
            "event": "BUILDKITE_SOURCE",
        },
    ),
    "CIRCLECI": (
        "circleci",
        {
            "url": "CIRCLE_BUILD_URL",
            "repository": "CIRCLE_REPOSITORY_URL",
            "job": "CIRCLE_JOB",
            "run": "CIRCLE_BUILD_NUM",
            "commit": "CIRCLE_SHA1",
            "branch": "CIRCLE_BRANCH",
            "actor": "CIRCLE_USERNAME",
        },
    ),
    "TF_BUILD": (
        "azure",
        {
            "repository": "BUILD_REPOSITORY_NAME",
            "job": "SYSTEM_JOBDISPLAYNAME",
            "run": "BUILD_BUILDID",
            "commit": "BUILD_SOURCEVERSION",
            "branch": "BUILD_SOURCEBRANCHNAME",
            "event": "BUILD_REASON",
        },
    ),
    "BITBUCKET_BUILD_NUMBER": (
        "bitbucket",
        {
            "repository": "BITBUCKET_REPO_FULL_NAME",
            "run": "BITBUCKET_BUILD_NUMBER",
            "commit": "BITBUCKET_COMMIT",
            "branch": "BITBUCKET_BRANCH",
        },
    ),
    "TEAMCITY_VERSION": (
        "teamcity",
        {"run": "BUILD_NUMBER", "commit": "BUILD_VCS_NUMBER", "job": "TEAMCITY_PROJECT_NAME"},
    ),
    "TRAVIS": (
        "travis",
        {
            "url": "TRAVIS_JOB_WEB_URL",
            "repository": "TRAVIS_REPO_SLUG",
            "commit": "TRAVIS_COMMIT",
            "branch": "TRAVIS_BRANCH",
        },
    ),
    "DRONE": (
        "drone",
        {
            "url": "DRONE_BUILD_LINK",
            "repository": "DRONE_REPO",
            "commit": "DRONE_COMMIT",
            "branch": "DRONE_BRANCH",
        },
    ),
}


def provider(environ: Mapping[str, str]) -> str | None:
    """Name the provider whose job this is: `unknown` for one that sets only `CI`, None outside any."""
    for variable, (name, _) in PROVIDERS.items():
        if environ.get(variable, "").lower() not in OFF:
            return name
    return "unknown" if environ.get("CI", "").lower() not in OFF else None


def describe(environ: Mapping[str, str]) -> dict[str, str]:
    """Describe the job of a provider of continuous integration; empty outside one."""
    for variable, (name, picks) in PROVIDERS.items():
        if environ.get(variable, "").lower() not in OFF:
            found = {"provider": name, **_picked(environ, picks)}
            if (
                name == "github"
                and environ.get("GITHUB_SERVER_URL")
                and "repository" in found
                and "run" in found
            ):
                server = _safe(environ["GITHUB_SERVER_URL"])
                found["url"] = f"{server}/{found['repository']}/actions/runs/{found['run']}"
            if name == "azure" and environ.get("SYSTEM_COLLECTIONURI") and environ.get("SYSTEM_TEAMPROJECT"):
                project = environ["SYSTEM_COLLECTIONURI"] + environ["SYSTEM_TEAMPROJECT"]
                found["url"] = _safe(f"{project}/_build/results?buildId={environ.get('BUILD_BUILDID', '')}")
            return found
    return {"provider": "unknown"} if provider(environ) is not None else {}


def _picked(environ: Mapping[str, str], picks: dict[str, str]) -> dict[str, str]:
    return {key: _safe(environ[variable]) for key, variable in picks.items() if environ.get(variable)}


def _safe(value: str) -> str:
    return to_shown(redact.clean(value))
