"""Check links, anchors, figures, weights, colours of the site: python -m docs.check build/site"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HEAVIEST = 1_000_000  # bytes of a page, uncompressed, with styles and scripts, without its figures
FAINTEST = 4.5  # contrast of text and its ground, at least (WCAG 2.2, criterion 1.4.3, level AA)
TEXTS = ("text-base", "text-muted", "primary", "secondary", "inline-code")  # colours of the theme
GROUNDS = ("background", "surface")


class Page(HTMLParser):
    """What a page has: its anchors, its links, its figures, its scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.images: list[tuple[str, str]] = []
        self.parts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.anchors |= {has[key] for key in ("id", "name") if key in has}
        if tag == "a" and "href" in has:
            self.links.append(has["href"])
        elif tag == "img":
            self.images.append((has["src"], has.get("alt", "")))
        elif tag == "script" and "src" in has:
            self.parts.append(has["src"])
        elif tag == "link" and has.get("rel") == "stylesheet":
            self.parts.append(has["href"])


def target(page: Page, link: str) -> tuple[Path, str] | None:
    """Return the file and the anchor that a link leads to, or None if it leaves the site."""
    url = urlsplit(link)
    if url.scheme or url.netloc:
        return None
    path = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
    return path, unquote(url.fragment)


@functools.cache
def weight(path: Path) -> int:
    """Return the bytes of a file, and of the styles that it imports."""
    if not path.exists():
        return 0
    imported = re.findall(r'@import "(.*?)"', path.read_text()) if path.suffix == ".css" else []
    return path.stat().st_size + sum(weight(path.parent / other) for other in imported)


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours, from 1 to 21.

    >>> contrast("#fff", "#000000")
    21.0
    """
    light = []
    for colour in (a, b):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
        parts = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


def pairs(theme: str, code: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a text is, its colour and its ground, from the styles of the theme and of code."""
    for mode in ("light", "dark"):
        blocks = re.findall(rf'html\[data-theme="?{mode}"?\] ?\{{(.*?)\}}', theme)
        of = dict(re.findall(r"--pst-color-([\w-]+): ?(#\w+)", "".join(blocks)))
        yield from ((f"{mode} {n}", of[n], of[ground]) for n in TEXTS for ground in GROUNDS)
        rule = rf'data-theme="{mode}"\] \.highlight (\.\w+) {{ color: (#\w+)'
        yield from ((f"{mode} code {n}", c, of["surface"]) for n, c in re.findall(rule, code))


def faint(site: Path) -> list[str]:
    """Return the colours of text that are too faint, a line each."""
    files = ("styles/pydata-sphinx-theme.css", "site.css", "pygments.css")
    theme, own, code = ((site / "_static" / f).read_text(encoding="utf-8") for f in files)
    low = [(p, contrast(*p[1:])) for p in pairs(theme + own, code)]
    return [f"{p[0]}: {p[1]} on {p[2]} has contrast {c:.1f}" for p, c in low if c < FAINTEST]


def faults(site: Path) -> list[str]:
    """Return what is wrong with a site, a line each."""
    pages = {
        path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts
    }
    found: list[str] = []
    for path, page in pages.items():
        where = path.relative_to(site)
        for link in page.links:
            to = target(page, link)
            if to and not to[0].exists():
                found.append(f"{where}: {link} leads nowhere")
            elif to and to[1] and to[0] in pages and to[1] not in pages[to[0]].anchors:
                found.append(f"{where}: {link} has no such anchor")
        for source, alt in page.images:
            to = target(page, source)
            if to and not to[0].exists():
                found.append(f"{where}: the figure {source} is missing")
            if not alt and "_thumb" not in source:  # beside the title that says it
                found.append(f"{where}: the figure {source} has no alt text")
        parts = {to[0] for part in page.parts if (to := target(page, part))}
        total = sum(map(weight, {path, *parts}))
        if total > HEAVIEST:
            found.append(f"{where}: weighs {total:,} bytes")
    return found


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve()
    wrong = faults(site) + faint(site)
    print("\n".join(wrong) or "every link, anchor and figure is there, light enough and not faint")
    sys.exit(bool(wrong))
