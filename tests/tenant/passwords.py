# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which passwords a tenant takes: Microsoft's complexity rules and Password Protection, as their pages describe them.

Where the pages leave it open: a banned term at edit distance 1 rejects only as the whole password, a term inside it counts a point;
of overlapping terms the cover with the fewest points counts; a blank is allowed but is none of the four classes."""

import string

SYMBOLS = "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<>"
CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, SYMBOLS)
ALLOWED = set("".join(CLASSES) + " ")
SUBSTITUTED = str.maketrans("01$@", "olsa")
ENOUGH = 5

# The real global list is not published; this is a taste of it.
GLOBAL = ("password", "welcome", "qwerty", "letmein", "iloveyou", "administrator", "admin", "abcdef", "blank", "monkey", "dragon",
          "football", "sunshine", "princess", "changeme", "summer", "winter", "spring", "autumn", "l23456", "l2345678")


def normalise(text):
    return text.lower().translate(SUBSTITUTED)


def within_one_edit(a, b):
    """Whether one insertion, deletion or replacement, or none, makes a of b."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    same = 0
    while same < len(a) and a[same] == b[same]:
        same += 1
    return a[same:] == b[same + 1 :] or a[same + 1 :] == b[same + 1 :] and len(a) == len(b)


def score(normalised, banned):
    """A point for each banned term found and for each character left, in the cover with the fewest."""
    points = [0] * (len(normalised) + 1)
    for at in range(len(normalised) - 1, -1, -1):
        ends = [at + 1] + [at + len(term) for term in banned if normalised.startswith(term, at)]
        points[at] = 1 + min(points[end] for end in ends)
    return points[0]


def is_complex(password, strong=True):
    if not 8 <= len(password) <= 256 or not set(password) <= ALLOWED:
        return False
    return not strong or sum(any(c in kind for c in password) for kind in CLASSES) >= 3


def is_banned(password, names=(), custom=()):
    """Password Protection; names are the user's and the tenant's, custom is the tenant's own list."""
    normalised = normalise(password)
    banned = {normalise(term) for term in (*GLOBAL, *custom)}
    words = {normalise(word) for name in names if name for word in (name, *name.split()) if len(word) >= 4}
    if any(word in normalised for word in words):
        return True
    if any(within_one_edit(normalised, term) for term in banned):
        return True
    return score(normalised, banned) < ENOUGH


def accepts(password, names=(), custom=(), strong=True):
    return is_complex(password, strong) and not is_banned(password, names, custom)
