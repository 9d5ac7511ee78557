"""What listens on the network, and for whom."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

from edge.config import Config
from edge.doctor.line import Line, text_of

_LISTEN = "0A"  # TCP_LISTEN of net/tcp_states.h
_ANSWER_S = 3.0


def look_at_network(config: Config, root: Path) -> Iterator[Line]:
    """Yield whether the daemon's page listens, who may reach it, and whether it answers."""
    from edge.service.auth import is_local

    web = config.web
    tables = [table for name in ("tcp", "tcp6") if (table := text_of(root / "proc/net" / name)) is not None]
    if not tables:
        yield Line("network", "ok", "this machine does not tell what listens")
        return
    there = sorted({address for table in tables for address, port in listening(table) if port == web.port})
    if not there:
        yield Line("network", "warn", f"nothing listens on port {web.port}", "sudo systemctl start checkreader, and see its journal")
        return
    is_open = not all(ip_address(address).is_loopback for address in there)
    if is_open and is_local(web.host):
        advice = "if this is no other program: start the daemon anew, so that it listens as configured"
        yield Line("network", "fail", f"port {web.port} is open to the network ({', '.join(there)}), web.host says {web.host}", advice)
        return
    reach = "to the network, with a token and TLS" if is_open else "to this machine alone"
    yield Line("network", "ok", f"port {web.port} listens {reach}")
    token = Path(web.token_file or Path(config.store.folder) / "token").expanduser()
    if is_open and not token.exists():
        yield Line("network token", "fail", f"there is no token in {token}", "start the daemon anew; it makes one and shows it once")
    if not is_open and root == Path("/"):
        yield _asked(web.host, web.port)


def _asked(host: str, port: int) -> Line:
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=_ANSWER_S)) as connection:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            said = answer.read(200).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return Line("daemon", "fail", f"port {port} does not answer ({error})", "see its journal: journalctl -u checkreader")
    if answer.status == http.client.OK:
        return Line("daemon", "ok", "it reads and keeps checks")
    return Line("daemon", "fail", f"it says: {said}", "see its journal: journalctl -u checkreader")


def listening(table: str) -> Iterator[tuple[str, int]]:
    """Yield address and port of each socket that listens, from /proc/net/tcp or tcp6 (proc_net(5): words of the host's byte order)."""
    for row in table.splitlines()[1:]:
        fields = row.split()
        if len(fields) > 3 and fields[3] == _LISTEN:
            address, _, port = fields[1].partition(":")
            raw = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
            found = ip_address(raw)
            mapped = getattr(found, "ipv4_mapped", None)
            yield str(mapped or found), int(port, 16)
