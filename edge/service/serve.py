"""`checkreader serve`: the daemon with its page, until somebody ends it."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from edge.config import Config, WebConfig
from edge.errors import ConfigError, MissingDependencyError
from edge.service.daemon import Daemon
from edge.service.health import watch_trial
from edge.service.heap import keep_heap_small
from edge.service.slots import Firmware, firmware_of
from edge.service.store import Store
from edge.service.supervisor import feed_watchdog, notify
from edge.service.vault import open_vault

_LOG = logging.getLogger(__name__)
_PACKAGES = ("fastapi", "uvicorn", "jinja2", "python_multipart", "cryptography")
_LAST_WORDS_S = 3
_NO_PAGE = 69  # its server has ended by itself: to be started again
_MOST_CONNECTIONS = 128  # four times the browsers that may look on; more are told 503


def open_store(config: Config) -> Store:
    """Return the store that the configuration names, sealed where it names a key.

    Raises:
        StoreError: another daemon has it, or it cannot be opened.
        ConfigError: the key file is not one.
    """
    vault = open_vault(Path(config.store.key_file).expanduser()) if config.store.key_file else None
    return Store(Path(config.store.folder).expanduser(), vault)


def serve(config: Config) -> int:
    """Watch, and answer the page and the API, until SIGTERM or SIGINT.

    Raises:
        MissingDependencyError: a package of the extra ``serve`` is not installed.
        ConfigError: the port is taken, or a file that the configuration names is not what it should be.
        StoreError: another daemon has the store, or it cannot be opened.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(f"the page needs {', '.join(missing)}: make .venv/.serve, or pip install 'checkreader[serve]'")
    log_to_stderr()
    keep_heap_small()
    with _until_signalled() as is_ended, closing(_listen(config.web)) as listener, closing(open_store(config)) as store:
        n_strays = store.remove_stray_pictures()
        if n_strays:
            _LOG.warning("%d pictures without a record were removed; the power went before they were told of", n_strays)
        firmware = firmware_of(config)
        if firmware is not None:
            firmware.begin()
        daemon = Daemon(config, store, firmware=firmware)
        with _told(config, daemon, firmware):
            _answer(config, daemon, store, listener, is_ended)
        if firmware is not None:
            with suppress(OSError):  # then the next start goes back
                firmware.pause()
    return 0 if is_ended.is_set() else _NO_PAGE


def log_to_stderr() -> None:
    """Log one line an event; for the journal with its level as systemd reads it, without the time, which the journal knows."""
    handler = logging.StreamHandler(sys.stderr)
    is_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(_JournalFormatter() if is_journal else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").addFilter(_without_cut_off)


def _without_cut_off(record: logging.LogRecord) -> bool:
    """Say of a request that the end has cut off (an upload that stood still) no more than that: it is no fault of ours."""
    if record.exc_info and record.exc_info[0] is asyncio.CancelledError:
        record.msg, record.args, record.exc_info, record.levelno, record.levelname = "a request was cut off", (), None, logging.INFO, "INFO"
    return True


class _JournalFormatter(logging.Formatter):
    """Lines begin with the syslog level that their own says (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        level = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}.get(record.levelno, 3)
        return "\n".join(f"<{level}>{line}" for line in super().format(record).splitlines())


def _listen(web: WebConfig) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {web.host} port {web.port} ({error.strerror}); end the other program, or choose another with --port"
        ) from None
    return listener


@contextmanager
def _told(config: Config, daemon: Daemon, firmware: Firmware | None) -> Iterator[None]:
    """Run the loop, and tell the broker and systemd of it."""
    publisher = None
    if config.mqtt.host:
        from edge.service.mqtt import Publisher

        publisher = Publisher(config.mqtt, daemon)
    is_over = threading.Event()
    daemon.start()
    feed_watchdog(daemon.is_alive, is_over)
    if firmware is not None:
        watch_trial(firmware, daemon, config.firmware.healthy_s, is_over)
    try:
        yield
    finally:
        is_over.set()
        daemon.stop()
        if publisher is not None:
            publisher.close()


def _answer(config: Config, daemon: Daemon, store: Store, listener: socket.socket, is_ended: threading.Event) -> None:
    """Answer until ``is_ended``, or until the server ends by itself."""
    import uvicorn

    from edge.service.auth import FailureLimit, Sessions, Token, is_local
    from edge.service.context import Context
    from edge.service.feed import Feed
    from edge.service.tls import given_certificate, own_certificate
    from edge.service.web import make_app

    web = config.web
    is_here_alone = is_local(web.host)
    is_open = is_here_alone and not web.is_token_asked_here
    token = Token(Path(web.token_file).expanduser() if web.token_file else store.folder / "token")
    certificate = None
    if not token.is_made:
        needed = "needed to see account numbers, and beyond localhost" if is_open else "needed for the page and the API"
        print(f"The token of this device, shown this once ({needed}): {token.make()}", flush=True)
    if not is_here_alone:
        given = web.certificate and web.certificate_key
        paths = (Path(web.certificate).expanduser(), Path(web.certificate_key).expanduser())
        certificate = given_certificate(*paths) if given else own_certificate(store.folder / "tls", (web.host,))
        _LOG.info("the certificate's SHA-256 fingerprint is %s", certificate.fingerprint)
    feed = Feed(daemon)
    context = Context(daemon, store, feed, token, Sessions(), FailureLimit(), is_open)
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(context),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who asks is who is connected, whatever a request says
            limit_concurrency=_MOST_CONNECTIONS,
            lifespan="on",
            timeout_graceful_shutdown=_LAST_WORDS_S,
            ssl_certfile=str(certificate.certificate) if certificate else None,
            ssl_keyfile=str(certificate.key) if certificate else None,
        )
    )
    scheme = "https" if certificate else "http"
    port = listener.getsockname()[1]
    shown = f"[{web.host}]" if ":" in web.host else web.host
    listener.listen()  # from here on nobody who asks is turned away
    _LOG.info("the page is at %s://%s:%d", scheme, "localhost" if is_here_alone else shown, port)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    notify("READY=1")
    while not is_ended.wait(1.0) and thread.is_alive():
        pass
    notify("STOPPING=1")
    if not is_ended.is_set():
        _LOG.error("the page's server has ended by itself")
    feed.end()  # streams to browsers would hold the server up
    server.should_exit = True
    thread.join(timeout=2 * _LAST_WORDS_S)


@contextmanager
def _until_signalled() -> Iterator[threading.Event]:
    """Give what is set by SIGTERM, SIGINT or SIGHUP (a terminal that was closed).

    It holds from before anything is opened until all is closed: a second signal changes nothing.
    """
    is_ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: is_ended.set()) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield is_ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
