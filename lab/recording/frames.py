"""A file that only grows: a first line that tells what it is, then frames, each with its length and checksum.

Whatever happens to the process that writes it, every frame that was flushed can be read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lab.kube.errors import LabError

MAGIC = b"service-lab recording\n"
_HEAD = struct.Struct(">II")
"""Length of the payload in bytes, and its CRC-32."""
MOST_BYTES = 256 * 1024 * 1024
"""The longest payload that is believed."""


class FrameWriter:
    """Appends frames to a new file. Raises `LabError` when it cannot be written."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            self._file: BinaryIO = self._path.open("wb")
        except OSError as error:
            raise LabError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._write(MAGIC)
        except LabError:
            with suppress(OSError):
                self._file.close()
            raise

    def append(self, payload: bytes) -> None:
        """Add one frame, and give it to the operating system: a killed process does not take it along."""
        self._write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise LabError(f"{self._path}: cannot be written: {error.strerror}") from None


class Frames(NamedTuple):
    """What a file holds."""

    payloads: tuple[bytes, ...]
    torn: str
    """Why reading ended before the end of the file; empty when it did not."""


def read_frames(path: str | Path) -> Frames:
    """Every whole frame of a file. Raises `LabError` for one that is no recording or cannot be read."""
    try:
        data = Path(path).read_bytes()
    except IsADirectoryError:
        raise LabError(f"{path}: this is a folder, not a recording") from None
    except OSError as error:
        raise LabError(f"{path}: cannot be read: {error.strerror}") from None
    if not data.startswith(MAGIC):
        raise LabError(f"{path}: this is not a recording of Service Lab")
    payloads: list[bytes] = []
    torn = ""
    for payload, why in _frames(data):
        if why:
            torn = why
            break
        payloads.append(payload)
    return Frames(tuple(payloads), torn)


def _frames(data: bytes) -> Iterator[tuple[bytes, str]]:
    at = len(MAGIC)
    while at < len(data):
        if at + _HEAD.size > len(data):
            yield b"", f"it breaks off at byte {at}"
            return
        length, checksum = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size
        payload = data[begin : begin + length]
        if length > MOST_BYTES or len(payload) < length:
            yield b"", f"it breaks off at byte {at}"
            return
        if zlib.crc32(payload) != checksum:
            yield b"", f"it is damaged at byte {at}"
            return
        yield payload, ""
        at = begin + length
