"""The install step as it stands, in a checkout that would have it install something else: a minute, in make prove."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.ci.conftest import Repository
from tests.ci.test_pull_request import ONE
from tests.ci.test_untrusted import booby_trapped, called

if os.environ.get("RECONCILER_PROVE") == "1":

    def test_the_tool_is_installed_from_the_action(repository: Repository, tmp_path: Path) -> None:
        """From its own checkout, with nothing of the pull request's; and what was installed plans."""
        repository.project.write(ONE)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            booby_trapped(repository.checkout, tmp_path / "witness", listener.getsockname()[1])
            ended = repository.plan(tool=None, env={**repository.env, "PYTHONPATH": "."})
            assert not called(listener)
        assert not ended.failed, ended.log
        assert not (tmp_path / "witness").exists()
        assert "3 to create" in ended.summary
