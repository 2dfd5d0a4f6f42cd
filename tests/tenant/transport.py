# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small HTTP/1.1 server over TLS: a thread for each connection, keep-alive, and every way to answer badly."""

import contextlib
import socket
import threading
import time
from email.utils import formatdate
from http import HTTPStatus

IDLE, HANDSHAKE = 120, 10
LONGEST = 8 << 20
SILENT = object()  # in place of a context: connections are taken, nothing is ever said
REASONS = {status.value: status.phrase for status in HTTPStatus}


class Answer:
    """What is sent back. body: bytes or None. how: whole, cut (nothing is sent), middle (a part is), drip (for ever, slowly)."""

    __slots__ = ("status", "headers", "body", "how")

    def __init__(self, status, body=None, headers=None, how="whole"):
        self.status, self.body, self.how = status, body, how
        self.headers = headers or {}


class Bad(Exception):
    """A request that is no HTTP."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Date:
    """The time as HTTP writes it, made once a second."""

    second, text = 0, ""

    @classmethod
    def now(cls):
        second = int(time.time())
        if second != cls.second:
            cls.text = formatdate(second, usegmt=True)
            cls.second = second
        return cls.text


class Stream:
    """One connection, read in pieces that HTTP asks for."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        self.buffer += piece

    def until(self, mark, most=65536):
        while (at := self.buffer.find(mark)) < 0:
            if len(self.buffer) > most:
                raise Bad(431)
            self.more()
        piece, self.buffer = self.buffer[:at], self.buffer[at + len(mark) :]
        return piece

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        piece, self.buffer = self.buffer[:n], self.buffer[n:]
        return piece

    def chunks(self):
        body = b""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            self.until(b"\r\n")
            if len(body) > LONGEST:
                raise Bad(413)
        while self.until(b"\r\n"):
            pass
        return body

    def head(self):
        """Method, target, and headers by their lower-case names."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise Bad(400)
        headers = {}
        for line in lines[1:]:
            key, colon, value = line.partition(":")
            if not colon or key != key.strip():
                raise Bad(400)
            headers[key.lower()] = value.strip()
        if parts[2] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return parts[0], parts[1], headers

    def body(self, method, headers):
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self.chunks()
        length = headers.get("content-length")
        if length is None:
            if method in ("POST", "PATCH", "PUT"):
                raise Bad(411)
            return b""
        if not length.isdigit():
            raise Bad(400)
        if int(length) > LONGEST:
            raise Bad(413)
        return self.exactly(int(length)) if length != "0" else b""


def encode(answer, chunked, close):
    """Head and body, ready to be sent."""
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}"]
    lines += [f"{key}: {value}" for key, value in answer.headers.items()]
    lines.append(f"Date: {Date.now()}")
    body = answer.body or b""
    if answer.status in (204, 304):
        body = b""
    elif chunked and body and answer.how == "whole":
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def page(status):
    """What a front end says of its own."""
    text = REASONS.get(status, "Error")
    return Answer(status, f"<html><head><title>{text}</title></head><body><h2>{text}</h2></body></html>".encode(),
                  {"Content-Type": "text/html; charset=us-ascii"})


class Listener:
    """One port. serve(method, target, headers, body) -> Answer. context: for TLS, may be changed between connections."""

    def __init__(self, port, serve, context=None, chunked=False):
        self.port, self.serve, self.context, self.chunked = port, serve, context, chunked
        self.open, self.lock, self.running = set(), threading.Lock(), True
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", port), backlog=1024, reuse_port=False)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while self.running:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(sock)
                self.connections += 1
            threading.Thread(target=self._connection, args=(sock,), daemon=True).start()

    def _connection(self, raw):
        sock = raw
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is SILENT:
                while raw.recv(65536):
                    pass
                return
            raw.settimeout(HANDSHAKE)
            if self.context:
                sock = self.context.wrap_socket(raw, server_side=True)
                with self.lock:
                    self.open.discard(raw)
                    self.open.add(sock)
            sock.settimeout(IDLE)
            self._requests(sock)
        except (OSError, ValueError):  # ssl.SSLError is an OSError; ValueError: a number that is none, a socket closed meanwhile
            pass
        finally:
            with self.lock:
                self.open -= {raw, sock}
            with contextlib.suppress(OSError):
                sock.close()

    def _requests(self, sock):
        stream = Stream(sock)
        while self.running:
            try:
                method, target, headers = stream.head()
                body = stream.body(method, headers)
            except Bad as bad:
                sock.sendall(encode(page(bad.status), False, True))
                return
            answer = self.serve(method, target, headers, body)
            close = headers.get("connection", "").lower() == "close"
            if not self._send(sock, answer, close) or close:
                return

    def _send(self, sock, answer, close):
        """Whether the connection may be used again."""
        if answer.how == "cut":
            sock.shutdown(socket.SHUT_RDWR)
            return False
        data = encode(answer, self.chunked, close)
        if answer.how == "middle":
            sock.sendall(data[: len(data) - (len(answer.body or b"") + 1) // 2])
            sock.shutdown(socket.SHUT_RDWR)
            return False
        if answer.how == "drip":
            self._drip(sock, data)
            return False
        sock.sendall(data)
        return True

    def _drip(self, sock, data):
        head, _, body = data.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        sock.sendall(b"\r\n".join(lines) + b"\r\nContent-Length: 1000000\r\n\r\n")
        body = body or b" "
        at = 0
        while self.running:
            sock.sendall(body[at : at + 1] or b" ")
            at += 1
            time.sleep(0.2)

    def stop(self):
        self.running = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.lock:
            sockets = list(self.open)
        for sock in sockets:
            with contextlib.suppress(OSError, ValueError):
                sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(2)
