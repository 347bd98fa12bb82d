"""What stands between a hook and WeChat in companies: a proxy, and TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATIENCE = 30.0


@contextmanager
def http_proxy(seen: list[str]) -> Iterator[str]:
    """Run a proxy and yield its URL; ``seen`` gets the head of each request that opens a connection."""

    def handle(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (piece := client.recv(2**16)):
            head += piece
        if not head:
            return
        seen.append(head.decode("latin-1"))
        method, target, _ = head.split(b" ", 2)
        host = target.decode() if method == b"CONNECT" else urlsplit(target.decode()).netloc
        name, _, port = host.partition(":")
        with closing(socket.create_connection((name, int(port)), PATIENCE)) as server:
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head.replace(b"http://" + host.encode(), b""))
            _pump(client, server)

    with _listening(handle) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def tls(target_port: int, folder: Path) -> Iterator[tuple[str, Path]]:
    """Put TLS before a server on 127.0.0.1; yield the URL, and the certificate that one has to trust."""
    certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handle(raw: socket.socket) -> None:
        try:
            client = context.wrap_socket(raw, server_side=True)
        except OSError:  # the client does not trust the certificate
            return
        with closing(client), closing(socket.create_connection(("127.0.0.1", target_port), PATIENCE)) as server:
            _pump(client, server)

    with _listening(handle) as port:
        yield f"https://127.0.0.1:{port}", certificate


@contextmanager
def _listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(PATIENCE)
            handle(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    ways = {one: other, other: one}
    while True:
        ready: list[socket.socket] = [side for side in ways if isinstance(side, ssl.SSLSocket) and side.pending()]
        ready = ready or select.select(list(ways), [], [], PATIENCE)[0]
        for side in ready:
            try:
                piece = side.recv(2**16)
            except OSError:
                piece = b""
            if not piece:
                return
            ways[side].sendall(piece)
        if not ready:
            return


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a company's own authority")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "authority.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
