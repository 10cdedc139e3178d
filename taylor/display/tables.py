"""Tables of texts as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

ENDS = (24, 8)  # rows at the beginning and at the end of a long table that are shown
TITLE = "text-align:left;white-space:nowrap"
STYLE = "text-align:left;font-family:monospace;white-space:pre;padding:0 1em 0 0"


def long(
    count: int, row: Callable[[int], list[str]], ends: tuple[int, int] = ENDS
) -> list[list[str]]:
    """Return the rows of a table of that length; of those between the ends only the number.

    >>> long(9, lambda i: [str(i)], (2, 1))
    [['0'], ['1'], ['… 6 more'], ['8']]
    """
    first, last = ends
    if count <= first + last + 1:
        return [row(i) for i in range(count)]
    rest = [f"… {count - first - last} more"]
    return [*map(row, range(first)), rest, *map(row, range(count - last, count))]


def html(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return a table; a row of one text goes over all columns.

    >>> html(["a"], [["1 < 2"]])  # doctest: +ELLIPSIS
    '<table>...<th ...>a</th>...<td ...>1 &lt; 2</td></tr></tbody></table>'
    """

    def row(cells: Sequence[str], tag: str) -> str:
        wide = f' colspan="{len(header)}"' if len(cells) < len(header) else ""
        made = (f'<{tag}{wide} style="{STYLE}">{escape(c)}</{tag}>' for c in cells)
        return f"<tr>{''.join(made)}</tr>"

    title = f'<caption style="{TITLE}">{escape(caption)}</caption>' if caption else ""
    body = "".join(row(cells, "td") for cells in rows)
    return f"<table>{title}<thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"
