"""Scan: cut a JSON container into its parts by its strings and brackets alone, so that a poisoned part spoils no other.

A strict parser refuses a whole body for one NaN, half a character, a raw control character, a byte that is not UTF-8,
or brackets a thousand deep. This one understands none of that and minds none of it: it only finds where each part of a
list or an object begins and ends. One pass, no recursion, time in proportion to the bytes; the parts come out as they
were written.
"""

import re

MOST_SCANNED = 1024 * 1024  # bytes: twice what a batch may have, some tenths of a second at worst

_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])|(,)', re.DOTALL)
_OPENS, _CLOSES, _PARTS = 1, 2, 3  # its groups; none of them: a text, which may hold any mark
_NAME = re.compile(rb'\s*"((?:[^"\\]++|\\.)*+)"\s*:\s*', re.DOTALL)


def parts(container: bytes) -> list[bytes] | None:
    """The parts of a list, or the members of an object, as written; None when it never ends, or is neither."""
    container = container.strip()
    if container[:1] not in {b"[", b"{"} or len(container) > MOST_SCANNED:
        return None
    depth, began, found = 0, 1, []
    for mark in _MARK.finditer(container):
        which = mark.lastindex
        if which == _OPENS:
            depth += 1
        elif which == _PARTS and depth == 1:
            found.append(container[began : mark.start()])
            began = mark.end()
        elif which == _CLOSES:
            depth -= 1
            if depth == 0:
                return _whole(container, mark.end(), [*found, container[began : mark.start()]])
    return None


def _whole(container: bytes, end: int, found: list[bytes]) -> list[bytes] | None:
    """The parts, unless something follows the container; an empty one has none."""
    if container[end:].strip():
        return None
    return [] if len(found) == 1 and not found[0].strip() else found


def members(container: bytes) -> dict[bytes, bytes] | None:
    """The members of an object by their names, as written; of a doubled name the last; None when it is no object."""
    found = parts(container) if container.lstrip()[:1] == b"{" else None
    if found is None:
        return None
    named = [(_NAME.match(part), part) for part in found]
    return {match[1]: part[match.end() :] for match, part in named if match is not None}
