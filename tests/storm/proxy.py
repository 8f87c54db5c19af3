# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a Redis socket that delays, stalls, cuts, half-closes and loses what passes, when told to."""

import os
import select
import socket
import struct
import threading
import time


class Link:
    """One connection: the client's socket and the server's."""

    def __init__(self, client, server):
        self.client, self.server = client, server

    def reset(self):
        for end in (self.client, self.server):
            try:
                # On a UNIX socket there is no reset; unread bytes make the other side see one.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def half_close(self, towards_client):
        try:
            (self.client if towards_client else self.server).shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Proxy:
    """Listens on the UNIX socket `front`, passes everything to the UNIX socket `back`."""

    def __init__(self, front, back):
        self.front, self.back = str(front), str(back)
        self._mutex = threading.Lock()
        self._links = set()        # under _mutex, as all below
        self._armed = []           # what happens to the next requests or replies: (word, count)
        self._stall_until = 0.0
        self._delay = (0.0, 0.0)   # seconds for each portion, until when
        self._closing = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.front)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._closing = True
        self._listener.close()
        self.cut()
        if os.path.exists(self.front):
            os.unlink(self.front)

    def cut(self):
        for link in self._all():
            link.reset()

    def half_close(self, towards_client):
        for link in self._all():
            link.half_close(towards_client)

    def stall(self, seconds):
        with self._mutex:
            self._stall_until = time.monotonic() + seconds

    def delay(self, each, seconds):
        with self._mutex:
            self._delay = (each, time.monotonic() + seconds)

    def arm(self, word, count):
        """`lose-reply`, `tear-reply` or `tear-request`: the next `count` times something passes in that direction."""
        with self._mutex:
            self._armed.append([word, count])

    def _all(self):
        with self._mutex:
            return list(self._links)

    def _accept(self):
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                server.connect(self.back)
            except OSError:
                client.close()  # as a server that is away would have it
                server.close()
                continue
            link = Link(client, server)
            with self._mutex:
                self._links.add(link)
            threading.Thread(target=self._pass, args=(link,), daemon=True).start()

    def _pass(self, link):
        """Both directions of one connection, until one end is gone in both or an error comes."""
        other = {link.client: link.server, link.server: link.client}
        open_ends = {link.client, link.server}
        try:
            while open_ends:
                ready, _, _ = select.select(list(open_ends), [], [], 1.0)
                self._hold()
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        open_ends.discard(end)
                        other[end].shutdown(socket.SHUT_WR)
                        continue
                    fate = self._fate("request" if end is link.client else "reply")
                    if fate and fate.startswith("tear"):
                        other[end].sendall(data[: len(data) // 2])
                    if fate:
                        link.reset()
                        return
                    other[end].sendall(data)
        except OSError:
            pass
        finally:
            with self._mutex:
                self._links.discard(link)
            link.client.close()
            link.server.close()

    def _hold(self):
        while True:
            with self._mutex:
                now = time.monotonic()
                each, until = self._delay
                pause = self._stall_until - now
            if pause > 0:
                time.sleep(min(pause, 0.1))
                continue
            if now < until:
                time.sleep(each)
            return

    def _fate(self, direction):
        with self._mutex:
            for armed in self._armed:
                if armed[0].endswith(direction):
                    armed[1] -= 1
                    if armed[1] <= 0:
                        self._armed.remove(armed)
                    return armed[0]
        return None
