"""The web server around the application: where it listens, with which token and which certificate, and how it ends."""

import contextlib
import errno
import logging
import socket
import threading
from pathlib import Path

import uvicorn

from edge.config import WebConfig
from edge.errors import ConfigError
from edge.service.auth import FailureLimit, Sessions, Token, is_local
from edge.service.context import Context
from edge.service.daemon import Daemon
from edge.service.feed import Feed
from edge.service.tls import Certificate, given_certificate, own_certificate
from edge.service.web import make_app

# Streams are told to end; whoever does not listen is cut off after this.
_PATIENCE_S = 3
_KEEP_ALIVE_S = 20
_MOST_CONNECTIONS = 256
_BACKLOG = 128


class Server:
    """Serves the page and the API of a daemon from a thread of its own.

    ``new_token``: the owner's token, where there was none or a new one was asked for; to be shown once, it cannot be read again.

    Raises:
        ConfigError: the port is taken, the address is not this machine's, or token or certificate cannot be kept or used.
    """

    def __init__(self, daemon: Daemon, is_token_renewed: bool = False) -> None:
        config, folder = daemon.config.web, daemon.store.folder
        self._host, self._is_open = config.host, is_local(config.host)
        token = Token(Path(config.token_file).expanduser() if config.token_file else folder / "token.sha256")
        self.new_token = token.make() if is_token_renewed or not token.is_made else None
        self.certificate = None if self._is_open and not config.certificate else _certificate(config, folder)
        self._feed = Feed(daemon)
        self._context = Context(daemon, daemon.store, self._feed, token, Sessions(), FailureLimit(), self._is_open)
        self._socket = _listening(config)
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(self._context), log_config=None, access_log=False, server_header=False, date_header=True, ws="none", lifespan="on",
                timeout_graceful_shutdown=_PATIENCE_S, timeout_keep_alive=_KEEP_ALIVE_S, limit_concurrency=_MOST_CONNECTIONS,
                backlog=_BACKLOG, proxy_headers=False,
                ssl_certfile=self.certificate.certificate if self.certificate else None,
                ssl_keyfile=self.certificate.key if self.certificate else None,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Return the address to open in a browser."""
        name = self._host if self._is_open else socket.gethostname()
        shown = "localhost" if name in ("127.0.0.1", "::1") else f"[{name}]" if ":" in name else name
        return f"{'https' if self.certificate else 'http'}://{shown}:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Begin to serve, and return once the first request would be answered."""
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.02)

    def stop(self) -> None:
        """Finish what is being answered, end the streams, and close the port."""
        self._feed.end()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE_S + 2)
        with contextlib.suppress(OSError):
            self._socket.close()


def _certificate(config: WebConfig, folder: Path) -> Certificate:
    if bool(config.certificate) != bool(config.certificate_key):
        raise ConfigError("web.certificate and web.certificate_key belong together; give both, or neither to have one made")
    if config.certificate:
        return given_certificate(Path(config.certificate).expanduser(), Path(config.certificate_key).expanduser())
    return own_certificate(folder / "tls", [config.host])


def _listening(config: WebConfig) -> socket.socket:
    """Return a socket that listens already, so that a taken port is an error of the start and not of a thread."""
    try:
        family, *_, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise ConfigError(f"web.host is {config.host!r}, which is no address of this machine; 127.0.0.1 is this machine alone") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {config.port} is in use; end the other program, or set web.port to another one") from None
        raise ConfigError(f"{config.host}:{config.port} cannot be listened on ({error.strerror}); set web.host and web.port") from None
    return listening
