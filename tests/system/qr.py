# SPDX-License-Identifier: LGPL-2.1-or-later
"""A phone that looks at a QR code drawn with half blocks (ISO/IEC 18004), as far as addresses need it: versions 1 to 5, bytes."""

MASKS = [
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
]
FINDER = ["XXXXXXX", "X     X", "X XXX X", "X XXX X", "X XXX X", "X     X", "XXXXXXX"]


def squares(figure):
    """Rows of booleans: True is dark. A console is dark, and what is drawn on it is light."""
    rows = []
    for line in figure.splitlines():
        rows += [[c not in "▀█" for c in line], [c not in "▄█" for c in line]]
    while all(not row[0] for row in rows) and rows[0]:
        rows = [row[1:] for row in rows]
    rows = [row for row in rows if any(row)]
    width = max(x + 1 for row in rows for x, dark in enumerate(row) if dark and x < len(rows))
    return [row[:width] for row in rows[:width]]


def is_data(n, y, x):
    """Not of a finder, the timing, the format or the one alignment pattern."""
    corner = (y < 9 and (x < 9 or x >= n - 8)) or (y >= n - 8 and x < 9)
    aligned = n > 21 and abs(y - (n - 7)) <= 2 and abs(x - (n - 7)) <= 2
    return not corner and not aligned and y != 6 and x != 6


def bits(rows):
    """In the order of the standard: two columns at a time, from the right, up and down by turns."""
    n = len(rows)
    mask = MASKS[sum(rows[8][2 + i] << 2 - i for i in range(3)) ^ 0b101]
    up = True
    for right in [x for x in range(n - 1, 6, -2)] + [5, 3, 1]:
        for y in range(n - 1, -1, -1) if up else range(n):
            for x in (right, right - 1):
                if is_data(n, y, x):
                    yield rows[y][x] ^ mask(y, x)
        up = not up


def number(stream, n):
    value = 0
    for _ in range(n):
        value = value * 2 + next(stream)
    return value


def read(figure):
    """The text of the code, drawn light on dark."""
    rows = squares(figure)
    n = len(rows)
    assert n in (21, 25, 29, 33, 37) and all(len(row) == n for row in rows), f"{n} squares"
    for y, x in ((0, 0), (0, n - 7), (n - 7, 0)):
        assert ["".join("X" if dark else " " for dark in row[x : x + 7]) for row in rows[y : y + 7]] == FINDER
    stream = bits(rows)
    assert number(stream, 4) == 4, "not bytes"
    return bytes(number(stream, 8) for _ in range(number(stream, 8))).decode()
