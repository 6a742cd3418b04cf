"""What the readers of this folder share: one line of JSON on stdout for everything that happens to them.

["connected"] begins a connection and ["cut"] says that it broke; ["status", ID] and so on is a message; ["keep-alive"] a
blank line. Errors that the client reports itself are ["error", TEXT]; one that ends the reader is a traceback and an exit
status.
"""

import json
import os
import sys
import threading
import time

import requests

# Both clients take every line feed for a separator, where the stream's separator is CRLF alone.
_iter_lines = requests.Response.iter_lines
requests.Response.iter_lines = lambda self, chunk_size=512, **more: _iter_lines(
    self, chunk_size=chunk_size, delimiter=b"\r\n"
)


class Clock:
    """How long the reader reads; a while after that it ends even if nothing comes any more."""

    GRACE_S = 30

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds
        watchdog = threading.Timer(seconds + self.GRACE_S, lambda: os._exit(70))
        watchdog.daemon = True
        watchdog.start()

    def is_over(self):
        return time.monotonic() >= self._end


def faults_are_meant():
    """Whether the server refuses requests and ends connections on purpose."""
    return sys.argv[3:] == ["faults-are-meant"]


def say(*what):
    sys.stdout.write(json.dumps(what) + "\n")


def identity(message):
    """The kind of a message and what tells it from others of its kind."""
    if "in_reply_to_status_id" in message:
        return "status", message["id"]
    kind, body = next(iter(message.items()))
    key = {
        "delete": lambda: body["status"]["id"],
        "scrub_geo": lambda: body["up_to_status_id"],
        "status_withheld": lambda: body["id"],
        "user_withheld": lambda: body["id"],
        "limit": lambda: body["track"],
        "warning": lambda: body["percent_full"],
        "disconnect": lambda: body["code"],
    }
    return kind, key.get(kind, lambda: None)()
