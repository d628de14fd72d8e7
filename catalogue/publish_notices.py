"""Compiles releases at the notice of their publish, in a thread of every web and worker process, so that the first
request does not wait for it.

A notice may be lost: then the first request that needs the release compiles it.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connections
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from catalogue import releases

#: Seconds between attempts to reach Redis, and the longest wait for a message.
PAUSE: Final = 5.0

log = structlog.get_logger(__name__)
_started: Final = threading.Lock()


def listen_for_releases() -> None:
    """Start the listening thread of this process; call it once the process serves, after any fork."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_listen, name="releases", daemon=True).start()


def compile_noticed(content: bytes) -> bool:
    """Compile the release whose id is in ``content``; return whether it exists. Closes its connections."""
    try:
        releases.get(int(content))
    except (ValueError, releases.NoRelease):
        return False
    except DatabaseError as error:
        log.warning("release_not_compiled", reason=type(error).__name__)
        return False
    finally:
        connections.close_all()
    return True


def _listen() -> None:
    while True:
        try:
            with get_redis_connection("default").pubsub(ignore_subscribe_messages=True) as pubsub:
                pubsub.subscribe(releases.notice_channel())
                while True:
                    message = pubsub.get_message(timeout=PAUSE)
                    if message is not None:
                        compile_noticed(message["data"])
        except (RedisError, OSError):
            time.sleep(PAUSE)
