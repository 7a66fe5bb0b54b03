"""Frames on the socket: a u32 length (big endian), then a MessagePack array; values inside are JSON text as bin.

Owns the codec and the socket; used by `worker` and `logs`. Knows only the types of an envelope (nil, bool, int,
str, bin, array, map) and nothing of what a frame means.
"""

import os
import socket
import threading

FRAME_LIMIT = 64 * 1024 * 1024  # frames.rs holds the same number
READ_SIZE = 256 * 1024


def pack(value):
    """Encodes one envelope."""
    out = bytearray()
    _pack(value, out)
    return bytes(out)


def unpack(data):
    """Decodes one envelope; raises ValueError when it is anything else."""
    reader = _Reader(data)
    value = reader.value()
    if reader.at != len(data):
        raise ValueError("bytes after the end of the envelope")
    return value


def _pack(value, out):
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        _pack_int(value, out)
    elif isinstance(value, str):
        data = value.encode("utf-8", "replace")
        _pack_size(len(data), out, (0xA0, 32), (0xD9, 0xDA, 0xDB))
        out += data
    elif isinstance(value, (bytes, bytearray)):
        _pack_size(len(value), out, None, (0xC4, 0xC5, 0xC6))
        out += value
    elif isinstance(value, (list, tuple)):
        _pack_size(len(value), out, (0x90, 16), (None, 0xDC, 0xDD))
        for item in value:
            _pack(item, out)
    elif isinstance(value, dict):
        _pack_size(len(value), out, (0x80, 16), (None, 0xDE, 0xDF))
        for key, item in value.items():
            _pack(key, out)
            _pack(item, out)
    else:
        raise ValueError(f"an envelope cannot hold {type(value).__name__}")


def _pack_int(value, out):
    if -32 <= value < 128:
        out.append(value & 0xFF)
    elif 0 <= value < 1 << 64:
        out.append(0xCF)
        out += value.to_bytes(8, "big")
    elif -(1 << 63) <= value < 0:
        out.append(0xD3)
        out += value.to_bytes(8, "big", signed=True)
    else:
        raise ValueError("an integer of more than 64 bits")


def _pack_size(size, out, short, markers):
    """Writes the head of a sized value: `short` is (marker, limit), `markers` those for sizes of 1, 2 and 4 bytes."""
    if short and size < short[1]:
        out.append(short[0] | size)
        return
    for marker, width in zip(markers, (1, 2, 4)):
        if marker is not None and size < 1 << (8 * width):
            out.append(marker)
            out += size.to_bytes(width, "big")
            return
    raise ValueError("a value of 4 GiB or more")


class _Reader:
    CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        end = self.at + size
        if end > len(self.data):
            raise ValueError("the envelope ends early")
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, width, signed=False):
        return int.from_bytes(self.take(width), "big", signed=signed)

    def value(self):
        first = self.number(1)
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self.map(first & 0x0F)
        if first < 0xA0:
            return self.array(first & 0x0F)
        if first < 0xC0:
            return self.text(first & 0x1F)
        if first in self.CONSTANTS:
            return self.CONSTANTS[first]
        return self.sized(first)

    def sized(self, first):
        if 0xC4 <= first <= 0xC6:
            return bytes(self.take(self.number(1 << (first - 0xC4))))
        if 0xCC <= first <= 0xCF:
            return self.number(1 << (first - 0xCC))
        if 0xD0 <= first <= 0xD3:
            return self.number(1 << (first - 0xD0), signed=True)
        if 0xD9 <= first <= 0xDB:
            return self.text(self.number(1 << (first - 0xD9)))
        if first in (0xDC, 0xDD):
            return self.array(self.number(2 if first == 0xDC else 4))
        if first in (0xDE, 0xDF):
            return self.map(self.number(2 if first == 0xDE else 4))
        raise ValueError(f"an envelope has no value that starts with 0x{first:02x}")

    def text(self, size):
        return self.take(size).decode("utf-8")

    def array(self, size):
        return [self.value() for _ in range(size)]

    def map(self, size):
        return {self.value(): self.value() for _ in range(size)}


class Channel:
    """The socket to the parent.

    Sending blocks: the parent always reads, so it is short, and a flood of log lines is slowed down at its source.
    Any thread may send; a forked child may not, it would tear the parent's frames.
    """

    def __init__(self, sock):
        self._sock = sock
        self._lock = threading.RLock()  # re-entrant: a finalizer may print while this thread sends
        self._buffer = bytearray()
        self._owner = os.getpid()

    def fileno(self):
        return self._sock.fileno()

    def send(self, kind, call, body):
        """Sends one frame; a parent that is gone is noticed by the reader, not here."""
        if os.getpid() != self._owner:
            return
        envelope = pack([kind, call, body])
        if len(envelope) > FRAME_LIMIT:
            raise ValueError(f"{len(envelope)} bytes do not fit one frame of {FRAME_LIMIT}")
        frame = len(envelope).to_bytes(4, "big") + envelope
        try:
            with self._lock:
                self._sock.sendall(frame)
        except OSError:
            pass

    def receive(self):
        """Waits for one envelope; None at the end of the stream. Only before the loop runs."""
        while True:
            for envelope in self._envelopes(1):
                return envelope
            if not self._fill(0):
                return None

    def arrived(self):
        """Returns the envelopes that can be had without waiting; None at the end of the stream."""
        if os.getpid() != self._owner:
            os._exit(0)  # a forked child that came back into the loop: the frames are its parent's
        if not self._fill(socket.MSG_DONTWAIT):
            return None
        return list(self._envelopes())

    def _fill(self, flags):
        try:
            data = self._sock.recv(READ_SIZE, flags)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    def _envelopes(self, most=None):
        start, found = 0, 0
        try:
            while most is None or found < most:
                size = int.from_bytes(self._buffer[start : start + 4], "big")
                if len(self._buffer) < start + 4 + size or len(self._buffer) < start + 4:
                    return
                data = bytes(self._buffer[start + 4 : start + 4 + size])
                start, found = start + 4 + size, found + 1
                yield unpack(data)
        finally:
            del self._buffer[:start]
