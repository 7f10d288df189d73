"""The screen of a simulated guest: a text terminal drawn in a font of our own.

Does: keep lines of text, draw them as pixels of a small palette, say which rows changed. Does not: send anything (rfb).
"""

WIDTH, HEIGHT = 720, 400
CELL_W, CELL_H = 12, 16  # a glyph of 5x7, twice as large, with space around it
COLUMNS, ROWS = WIDTH // CELL_W, HEIGHT // CELL_H
PALETTE = ((0x10, 0x14, 0x1C), (0xD8, 0xDE, 0xE9), (0x7F, 0xD1, 0x8C))
GROUND, TEXT, ACCENT = range(3)
# Seven rows of five bits; a digit of base 32 is a row.
_FONT = {
    w[0]: w[1:]
    for w in """
    Aehhvhhh Buhhuhhu Cehggghe Duhhhhhu Evgguggv Fvgguggg Gehgnhhf Hhhhvhhh Ie44444e J72222ic Khikokih Lggggggv
    Mhrllhhh Nhpljhhh Oehhhhhe Puhhuggg Qehhhlid Ruhhukih Sfgge11u Tv444444 Uhhhhhhe Vhhhhha4 Whhhllrh Xhha4ahh
    Yhha4444 Zv1248gv 0ehjlphe 14c4444e 2eh1248v 3v2421he 426aiv22 5vgu11he 668guhhe 7v124888 8ehhehhe 9ehhf12c
    -000v000 .00000cc _000000v :0cc0cc0 >8421248 #aavavaa /11248gg =00v0v00 +044v440
""".split()
}
_FONT["\x7f"] = "v" * 7  # the cursor


def _glyph(letter: str) -> list[bytes]:
    """14 rows of 12 marks (0 or 1)."""
    drawn = []
    for digit in _FONT.get(letter.upper(), "0000000"):
        bits = int(digit, 32)
        row = bytes(mark for place in range(4, -1, -1) for mark in ((bits >> place) & 1,) * 2) + b"\0\0"
        drawn += [row, row]
    return drawn


class Screen:
    """A terminal. changed: rises with each change."""

    def __init__(self, title: str) -> None:
        self.lines = [f"SIMULATED GUEST {title}", "", f"{title} login: "]
        self.changed = 1
        self._title = title

    def type(self, key: int) -> None:
        """A key of X's numbering."""
        if key == 0xFF0D:
            self.lines.append(f"{self._title} login: ")
            self.lines = self.lines[-ROWS:]
        elif key == 0xFF08:
            if not self.lines[-1].endswith(": "):
                self.lines[-1] = self.lines[-1][:-1]
        elif 0x20 <= key < 0x7F and len(self.lines[-1]) < COLUMNS - 1:
            self.lines[-1] += chr(key)
        else:
            return
        self.changed += 1

    def pixels(self) -> bytes:
        """Indices into the palette, row by row."""
        out = bytearray(WIDTH * HEIGHT)
        for number, line in enumerate(self.lines[:ROWS]):
            colour = ACCENT if number == 0 else TEXT
            text = line + ("\x7f" if number == len(self.lines) - 1 else "")
            marks = bytes((GROUND, colour)) + bytes(254)
            glyphs = [_glyph(letter) for letter in text[:COLUMNS]]
            for row in range(14):
                strip = b"".join(glyph[row] for glyph in glyphs).translate(marks)
                start = (number * CELL_H + row + 1) * WIDTH
                out[start : start + len(strip)] = strip
        return bytes(out)
