"""Check links, anchors, figures, weights of the built site: python -m docs.check build/site"""

from __future__ import annotations

import functools
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

HEAVIEST = 500_000  # bytes of a page as it is sent, with styles and scripts, without its figures


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
def sent(path: Path) -> int:
    """Return the bytes of a file as servers send it, compressed."""
    return len(zlib.compress(path.read_bytes())) if path.exists() else 0


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
        weight = sum(map(sent, {path, *parts}))
        if weight > HEAVIEST:
            found.append(f"{where}: weighs {weight:,} bytes")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    print("\n".join(wrong) or "every link, anchor and figure is there")
    sys.exit(bool(wrong))
