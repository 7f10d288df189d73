"""What a canvas of the page shows, as bytes."""

import base64
from typing import Any

from ovis.agent.simulated.screen import PALETTE, Screen

_READ = """canvas => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [width, height, btoa(text)];
}"""


def pixels(canvas: Any) -> tuple[int, int, bytes]:
    """Width, height, and four bytes a pixel of a canvas (a locator)."""
    width, height, data = canvas.evaluate(_READ)
    return width, height, base64.b64decode(data)


def drawn(screen: Screen) -> bytes:
    """What a simulated guest's screen looks like."""
    marks = screen.pixels()
    out = bytearray(b"\xff" * (4 * len(marks)))
    for colour in range(3):
        out[colour::4] = marks.translate(bytes(p[colour] for p in PALETTE) + bytes(256 - len(PALETTE)))
    return bytes(out)


def unlike(one: bytes, other: bytes) -> float:
    """Which part of the pixels is not the same; 1 if the sizes differ."""
    if one == other:
        return 0.0
    if len(one) != len(other):
        return 1.0
    count = len(one) // 4
    return sum(one[4 * i : 4 * i + 3] != other[4 * i : 4 * i + 3] for i in range(count)) / count
