"""GitHub's REST API, as far as the action needs it: pages, patience, and no more trust than that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests
from requests.auth import AuthBase
from workflow import Failed, told

#: A call is tried so often, unless it makes something.
ATTEMPTS = 3
#: At most so many pages of a list are read, a hundred items each.
MOST_PAGES = 50
#: The largest answer that is taken, in bytes.
LARGEST = 64 * 1024 * 1024


class ApiFault(Failed):
    """A call that did not work; ``status`` is None where no answer came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Token(AuthBase):
    """As a class of its own: no ~/.netrc can take its place, and no redirect to another host takes it along."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Api:
    """The API of this repository: paths are relative to ``/repos/OWNER/NAME``."""

    def __init__(self) -> None:
        self._root = f"{told('GITHUB_API_URL') or 'https://api.github.com'}/repos/{told('GITHUB_REPOSITORY')}"
        self._timeout = float(told("RECONCILER_GITHUB_TIMEOUT") or 30)
        self._pause = float(told("RECONCILER_GITHUB_PAUSE") or 2)
        self._session = requests.Session()
        self._session.auth = _Token(told("TOKEN"))
        self._session.headers["Accept"] = "application/vnd.github+json"
        self._session.headers["X-GitHub-Api-Version"] = "2022-11-28"

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of one GET."""
        return self._json(self._send("GET", path, params=query))

    def pages(self, path: str, key: str = "", **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, which stands below ``key`` where the answer is an object."""
        for page in range(1, MOST_PAGES + 1):
            found = self.get(path, per_page=100, page=page, **query)
            items = found.get(key, []) if isinstance(found, dict) else found
            yield from (item for item in items if isinstance(item, dict))
            if len(items) < 100:
                return

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Make something; tried once only, for a second time could make it twice."""
        return self._json(self._send("POST", path, attempts=1, json=body))

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Change something."""
        return self._json(self._send("PATCH", path, json=body))

    def download(self, path: str) -> bytes:
        """The bytes behind a redirect, without the token there."""
        found = b""
        try:
            with self._send("GET", path, stream=True) as answer:
                for chunk in answer.iter_content(1 << 16):
                    found += chunk
                    if len(found) > LARGEST:
                        raise ApiFault(f"{path} is larger than a plan can be")
        except requests.RequestException as fault:
            raise ApiFault(f"GitHub did not send {path} whole ({type(fault).__name__})") from None
        return found

    def _send(self, method: str, path: str, attempts: int = ATTEMPTS, **more: Any) -> requests.Response:
        for attempt in range(1, attempts + 1):
            try:
                answer = self._session.request(method, self._root + path, timeout=self._timeout, **more)
            except requests.RequestException as fault:
                problem: ApiFault = ApiFault(f"GitHub did not answer {method} {path} ({type(fault).__name__})")
                again = True
            else:
                if answer.ok:
                    return answer
                problem = ApiFault(f"GitHub answered {answer.status_code} to {method} {path}", answer.status_code)
                again = answer.status_code >= 500 or answer.status_code == 429
                answer.close()
            if not again or attempt == attempts:
                raise problem
            time.sleep(self._pause * attempt)
        raise AssertionError("unreachable")

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ApiFault(f"GitHub's answer from {answer.request.path_url} is no JSON") from None
