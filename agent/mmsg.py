"""sendmmsg and recvmmsg through ctypes: one system call for many datagrams, over buffers made once.

The buffers are flat with a fixed stride, so that a whole batch is read or rewritten by one call into C.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
MSG_DONTWAIT = 0x40
MSG_ERRQUEUE = 0x2000


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint32))


_HDR = ctypes.sizeof(_Mmsghdr)
_WORD = ctypes.sizeof(ctypes.c_size_t)
_CONTROLLEN = _Msghdr.controllen.offset // _WORD
_LENGTH = _Mmsghdr.length.offset // 4


def _pinned(data: bytearray) -> tuple[Any, int]:
    pin = (ctypes.c_char * len(data)).from_buffer(data)
    return pin, ctypes.addressof(pin)


class Outbox:
    """``count`` datagrams of ``size`` bytes in ``packets``, each with an address of 16 bytes in ``names``."""

    def __init__(self, count: int, size: int) -> None:
        self.packets = bytearray(count * size)
        self.names = bytearray(count * 16)
        self._pins = (_pinned(self.packets), _pinned(self.names))
        (_, packets), (_, names) = self._pins
        self._iovecs = (_Iovec * count)()
        self._headers = (_Mmsghdr * count)()
        iovecs = ctypes.addressof(self._iovecs)
        for index in range(count):
            self._iovecs[index].base = packets + index * size
            self._iovecs[index].length = size
            header = self._headers[index].header
            header.name, header.namelen = names + index * 16, 16
            header.iov, header.iovlen = iovecs + index * ctypes.sizeof(_Iovec), 1
        self._at = ctypes.addressof(self._headers)

    def send(self, descriptor: int, first: int, count: int) -> int:
        """Sends datagrams ``first`` onwards; how many went. Raises OSError where the first of them fails."""
        sent: int = _libc.sendmmsg(
            ctypes.c_int(descriptor), ctypes.c_void_p(self._at + first * _HDR), ctypes.c_uint(count), MSG_DONTWAIT
        )
        if sent < 0:
            fault = ctypes.get_errno()
            raise OSError(fault, os.strerror(fault))
        return sent


class Inbox:
    """Room for ``count`` datagrams. ``skip`` leaves bytes free before each one; the sender's address is then put at
    ``name_at`` of the same stride (its first 8 bytes), so that one layout reads raw and datagram sockets alike."""

    def __init__(self, count: int, stride: int, control_stride: int, skip: int = 0, name_at: int | None = None) -> None:
        self.count = count
        self.stride = stride
        self.control_stride = control_stride
        self.data = bytearray(count * stride)
        self.control = bytearray(count * control_stride)
        self._pins = (_pinned(self.data), _pinned(self.control))
        (_, data), (_, control) = self._pins
        self._iovecs = (_Iovec * count)()
        self._headers = (_Mmsghdr * count)()
        iovecs = ctypes.addressof(self._iovecs)
        for index in range(count):
            self._iovecs[index].base = data + index * stride + skip
            self._iovecs[index].length = stride - skip
            header = self._headers[index].header
            if name_at is not None:
                header.name, header.namelen = data + index * stride + name_at, 8
            header.iov, header.iovlen = iovecs + index * ctypes.sizeof(_Iovec), 1
            header.control, header.controllen = control + index * control_stride, control_stride
        self._at = ctypes.c_void_p(ctypes.addressof(self._headers))
        # The kernel overwrites the lengths; the fresh headers are put back before every call.
        self._fresh = bytes(self._headers)
        self._size = len(self._fresh)
        flat = memoryview(self._headers).cast("B")
        self._lengths = flat.cast("I")[_LENGTH :: _HDR // 4]
        self._controllens = flat.cast("L")[_CONTROLLEN :: _HDR // _WORD]

    def receive(self, descriptor: int, flags: int) -> int:
        """Takes what is there without waiting; how many datagrams. Raises OSError for anything but an empty queue."""
        ctypes.memmove(self._at, self._fresh, self._size)
        got: int = _libc.recvmmsg(
            ctypes.c_int(descriptor), self._at, ctypes.c_uint(self.count), flags | MSG_DONTWAIT, None
        )
        if got < 0:
            fault = ctypes.get_errno()
            if fault in (11, 4):  # EAGAIN, EINTR
                return 0
            raise OSError(fault, os.strerror(fault))
        return got

    def lengths(self, got: int) -> list[int]:
        return self._lengths[:got].tolist()

    def control_lengths(self, got: int) -> list[int]:
        return self._controllens[:got].tolist()
