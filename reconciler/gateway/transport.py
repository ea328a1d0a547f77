"""Sends one request and reads one reply; errors say whether the request can have reached the server."""

from __future__ import annotations

import math
import ssl
import threading
from collections.abc import Mapping
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

from reconciler import __version__
from reconciler.errors import ConfigurationError, GatewayError, NoAnswer, Unreachable
from reconciler.gateway.deadlines import Deadlines, TrackingAdapter

READ_METHODS = frozenset({"GET"})
WRITE_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

#: Maximum size of an answer in bytes; a page of 100 contacts has about 25 kB.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
#: Maximum seconds of one exchange, from connecting to the last byte of the answer.
EXCHANGE_LIMIT = 60.0
_CHUNK = 1 << 16
#: Start of http.client's message about a refused CONNECT.
_TUNNEL = "Tunnel connection failed: "
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ForbiddenMethod(RuntimeError):
    """The transport does not allow this method; nothing was sent."""


class AnswerTooLong(NoAnswer):
    """The answer exceeds ``MAX_ANSWER_BYTES``; a retry would not help."""


class Reply(NamedTuple):
    """A complete reply, undecoded."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Bearer(AuthBase):
    """Sends the gateway's key; an auth object keeps requests from reading ``.netrc``."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return "Bearer(hidden)"


class MethodAdapter(TrackingAdapter):
    """Allows the given methods and refuses all others before a connection is opened."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request with an allowed method; raises ForbiddenMethod for any other."""
        if request.method not in self._methods:
            raise ForbiddenMethod(f"this transport cannot {request.method}")
        return super().send(request, *args, **options)


class PlainSession(requests.Session):
    """Follows no redirect and does not parse its target, which may be malformed."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Transport:
    """Sends to one base URL only, with one requests session per thread.

    Proxies and the CA bundle are read from the environment once, here; loopback is never proxied. Cookies are
    neither stored nor sent. Raises ConfigurationError for an invalid URL, key or connection.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        methods: frozenset[str] = READ_METHODS,
        *,
        connection: str | None = None,
        timeout: tuple[float, float] = (5.0, 30.0),
        limit: float = EXCHANGE_LIMIT,
        stop: threading.Event | None = None,
    ) -> None:
        self._limit, self._stop, self._deadlines = limit, stop, Deadlines()
        self._base = _checked_url(base_url)
        self._auth = Bearer(_checked_token(api_key, "the API key (MATON_API_KEY)"))
        self._methods, self._timeout = methods, timeout
        self._headers = {
            "User-Agent": f"reconciler/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
        }
        if connection:
            name = "the connection (--connection, RECONCILER_CONNECTION)"
            self._headers["Maton-Connection"] = _checked_token(connection, name)
        self._proxies, self._verify, self._cert = proxies_and_trust(self._base)
        self._local = threading.local()
        self._opened: list[requests.Session] = []
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        """The session of the calling thread, restricted to the base URL and the allowed methods."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = PlainSession()
            session.trust_env = False
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.auth = self._auth
            for prefix in list(session.adapters):
                session.adapters.pop(prefix).close()
            session.mount(f"{self._base}/", MethodAdapter(self._methods))
            with self._lock:
                self._opened.append(session)
        return session

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            opened, self._opened = self._opened, []
            self._local = threading.local()
        for session in opened:
            session.close()
        self._deadlines.close()

    def exchange(
        self, method: str, target: str, body: bytes | None, content_type: str | None, seconds: float = math.inf
    ) -> Reply:
        """Send once and read the whole reply. ``target`` is path and query below the base URL.

        The reply must be complete within ``seconds`` or the general limit, whichever is shorter; a GET is cut off
        soon after ``stop`` is set. Raises Unreachable if no connection was made, NoAnswer if one was made and no
        complete reply arrived (AnswerTooLong above 32 MiB), GatewayError if the server's certificate is untrusted.
        """
        request = self._prepared(method, f"{self._base}{target}", body, content_type)
        longest = min(self._limit, seconds)
        session = self.session()
        adapter = session.get_adapter(f"{self._base}/")
        error: GatewayError | None = None
        with self._deadlines.limit(adapter, longest, self._stop if method == "GET" else None) as limit:
            try:
                reply = self._send(session, request)
            except (requests.RequestException, HTTPError) as problem:
                error = _error_for(problem, self._base, self._proxy())
        if limit.reached:
            error = NoAnswer(f"{urlsplit(self._base).netloc} did not send a complete response within {longest:.3g} s")
        if error is None:
            return reply
        raise error  # raised outside of the handler: a chained exception would hold the request and its headers

    def _proxy(self) -> str:
        """The proxy in use, without user and password; empty if there is none."""
        scheme, _, host = self._base.partition("://")
        names = (f"{scheme}://{host}", scheme, f"all://{host}", "all")
        url = next((self._proxies[name] for name in names if name in self._proxies), "")
        return url.rpartition("@")[2].rpartition("//")[2].rstrip("/")

    def _prepared(
        self, method: str, url: str, body: bytes | None, content_type: str | None
    ) -> requests.PreparedRequest:
        """The request as requests would prepare it, at a fraction of the cost, since URL and headers are valid."""
        request = requests.PreparedRequest()
        request.method, request.url, request.body = method, url, body
        request.headers = CaseInsensitiveDict(self._headers)
        if body is not None or method not in ("GET", "DELETE"):
            request.headers["Content-Length"] = str(len(body or b""))
        if content_type:
            request.headers["Content-Type"] = content_type
        return self._auth(request)

    def _send(self, session: requests.Session, request: requests.PreparedRequest) -> Reply:
        response = session.send(
            request,
            stream=True,
            allow_redirects=False,
            timeout=self._timeout,
            verify=self._verify,
            cert=self._cert,
            proxies=self._proxies,
        )
        with response:
            parts: list[bytes] = []
            size = 0
            for part in response.iter_content(_CHUNK):
                parts.append(part)
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise AnswerTooLong(f"the answer is longer than {MAX_ANSWER_BYTES // 1024 // 1024} MiB")
            return Reply(response.status_code, response.headers, b"".join(parts))


def is_loopback(url: str) -> bool:
    """Whether the host of the URL is a loopback name or address."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def proxies_and_trust(base: str) -> tuple[dict[str, str], bool | str, Any]:
    """Proxies (none for loopback), CA bundle and client certificate for a URL, from the environment.

    Raises ConfigurationError if the CA bundle does not exist or contains no certificate.
    """
    with requests.Session() as session:
        found = session.merge_environment_settings(f"{base}/", {}, None, None, None)
    proxies: dict[str, str] = {} if is_loopback(base) else dict(found["proxies"])
    verify = found["verify"]
    if isinstance(verify, str) and not Path(verify).exists():
        raise ConfigurationError(f"the CA bundle set in the environment does not exist: {verify}")
    if isinstance(verify, str) and Path(verify).is_file():
        status = Path(verify).stat()
        _check_bundle(verify, status.st_mtime_ns, status.st_size)
    return proxies, True if verify is None else verify, found["cert"]


@lru_cache(maxsize=8)
def _check_bundle(path: str, _changed: int, _size: int) -> None:
    """Raises ConfigurationError for a file without certificates; a good one is read once, which takes a while."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (ssl.SSLError, OSError):
        raise ConfigurationError(
            f"the CA bundle {path} contains no readable certificate; set REQUESTS_CA_BUNDLE to a PEM file"
        ) from None


def _checked_url(url: str) -> str:
    """The URL without trailing slash; must be https (except for loopback) and without user, query or fragment."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError("invalid gateway URL: use https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("the gateway URL must not contain a user name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
        raise ConfigurationError(f"the gateway URL must be https, except on loopback: {parts.hostname}")
    return url.rstrip("/")


def _checked_token(text: str, what: str) -> str:
    """A header value, stripped; raises ConfigurationError without showing the value."""
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{what} is empty or contains invalid characters")
    return text


def _error_for(problem: Exception, base: str, proxy: str = "") -> GatewayError:
    """The error for a failed exchange; its message contains no URL, header or body."""
    parts = urlsplit(base)
    host, way = parts.netloc, ""
    roots = list(_roots(problem))
    if any(isinstance(root, ssl.SSLCertVerificationError) for root in roots):
        return GatewayError(f"the certificate of {host} is not trusted; set REQUESTS_CA_BUNDLE to your CA's file")
    if any(isinstance(root, ProxyError) for root in roots):
        if refusal := next((str(root) for root in roots if str(root).startswith(_TUNNEL)), ""):
            status = refusal.removeprefix(_TUNNEL)  # 4xx is permanent, 5xx temporary
            error = GatewayError if status.startswith("4") else Unreachable
            return error(f"the proxy {proxy} refuses connections to {host} ({status}); check HTTPS_PROXY")
        way = f" through the proxy {proxy}"
    if _never_connected(problem):
        reason = _reason(roots).lower()
        return Unreachable(f"Cannot connect to the gateway at {parts.scheme}://{host}{way} ({reason}).")
    return NoAnswer(f"{host}{way} did not send a complete response: {_reason(roots)}")


def _never_connected(problem: Exception) -> bool:
    """True only if no socket was opened, so that no byte of the request can have been sent.

    urllib3 also reports a lost reply behind a proxy as ProxyError, so the wrapped exceptions are inspected.
    """
    reason: Any = problem.args[0] if problem.args else None
    reason = getattr(reason, "reason", reason)
    if isinstance(reason, ProxyError):
        reason = reason.original_error
    return isinstance(problem, requests.ConnectTimeout) or isinstance(
        reason, NewConnectionError | ConnectTimeoutError
    )


def _roots(problem: BaseException) -> list[BaseException]:
    """The exception and all exceptions that it wraps, each once."""
    found: list[BaseException] = []
    queue: list[Any] = [problem]
    while queue:
        item = queue.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            queue += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return found


def _reason(roots: list[BaseException]) -> str:
    for root in reversed(roots):
        if isinstance(root, OSError) and root.strerror:
            return root.strerror
    if any(isinstance(root, requests.Timeout) or "Timeout" in type(root).__name__ for root in roots):
        return "timed out"
    return type(roots[-1]).__name__
