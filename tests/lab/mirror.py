#!/usr/bin/env python3
"""A package mirror that fails on demand: mirror.py ROOT PORT

The first part of a path is the fault, the rest the file below ROOT: /ok/dists/..., /truncate/dists/...
so that one mirror is many repositories at once, each with a trouble of its own:

  ok        serves                          404, 500  answers with that status
  truncate  sends half of the body          reset     half of it, then resets the connection
  corrupt   flips bytes in the middle       stall     never answers

FAULT-debs is the same for packages only: the indexes are sound.
"""

import http.server
import pathlib
import socket
import struct
import sys
import threading
import urllib.parse


class Mirror(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = pathlib.Path()

    def log_message(self, *_):
        pass

    def do_GET(self):
        fault, _, wanted = urllib.parse.unquote(urllib.parse.urlparse(self.path).path).lstrip("/").partition("/")
        fault, only, _ = fault.partition("-debs")
        if only and not wanted.endswith(".deb"):
            fault = "ok"
        file = (self.root / wanted).resolve()
        if fault == "stall":
            threading.Event().wait()
        if fault.isdigit():
            return self.answer(int(fault))
        if not file.is_relative_to(self.root) or not file.is_file():
            return self.answer(404)
        body = file.read_bytes()
        half = len(body) // 2
        if fault == "corrupt":
            body = body[:half] + bytes(255 - byte for byte in body[half : half + 64]) + body[half + 64 :]
        sent = body[:half] if fault in ("truncate", "reset") else body
        self.answer(200, sent, len(body))
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if sent is not body:
            self.close_connection = True

    def answer(self, status, body=b"", announced=0):
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


if __name__ == "__main__":
    Mirror.root = pathlib.Path(sys.argv[1]).resolve()
    http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), Mirror).serve_forever()
