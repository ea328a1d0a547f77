"""The template for GitLab with its inputs filled in, as an include does."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.ci.jobs import ROOT

GITLAB = ROOT / "integrations" / "gitlab" / "reconciler.gitlab-ci.yml"


def gitlab_head() -> dict[str, Any]:
    """What the template says of itself: its inputs."""
    return dict(yaml.safe_load(GITLAB.read_text(encoding="utf-8").partition("---\n")[0]))


def gitlab_jobs(name: str = "production", environment: str = "") -> dict[str, Any]:
    """Its jobs, with what they take over by ``extends``."""
    inputs = {key: spec["default"] for key, spec in gitlab_head()["spec"]["inputs"].items()}
    inputs |= {"name": name, "environment": environment}
    text = GITLAB.read_text(encoding="utf-8").partition("---\n")[2]
    filled = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: _plain(inputs[match[1]]), text)
    jobs: dict[str, Any] = yaml.safe_load(filled)
    return {job: _whole(jobs, job) for job in jobs}


def _plain(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _whole(jobs: dict[str, Any], name: str) -> dict[str, Any]:
    job = jobs[name]
    return {**_whole(jobs, job["extends"]), **job} if "extends" in job else job
