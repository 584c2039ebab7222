"""The built site: no sideways scrolling, no raw TeX, no broken link, and every image loads."""

from __future__ import annotations

import posixpath
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from support import browser

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "_build" / "html"

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the site is not built: run make docs"
)


class Page(HTMLParser):
    """What a page refers to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name in {"id", "name"}:
                self.anchors.add(value)
            if name in {"href", "src"} and tag in {"a", "img", "iframe", "link", "script"}:
                self.targets.append(value)


def names() -> list[str]:
    """Pages of the site, without those that only list others."""
    found = [path.relative_to(SITE).as_posix() for path in sorted(SITE.rglob("*.html"))]
    return [name for name in found if not name.startswith("_modules/")]


@cache
def page(name: str) -> Page:
    return Page((SITE / name).read_text(encoding="utf-8"))


def test_the_site_has_pages() -> None:
    found = names()
    assert {"index.html", "install.html", "sharp-bits.html", "api/Lamb.html"} <= set(found)
    assert len(found) > 60


def test_links_within_the_site_lead_to_pages_and_anchors() -> None:
    broken = []
    for name in names():
        for target in page(name).targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or target == "#":
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            if not parts.path:
                path = name
            anchor = unquote(parts.fragment)
            there = (SITE / path).is_file() and (not anchor or anchor in page(path).anchors)
            if not there:
                broken.append(f"{name}: {target}")
    assert not broken, "\n".join(broken)


@pytest.mark.skipif(browser.executable() is None, reason="Debian's package chromium is missing")
def test_pages_in_a_browser() -> None:
    """At 360, 768, 1440 and 2560 px: nothing scrolls sideways, no raw TeX, every image loads."""
    found = browser.problems(SITE, names())
    assert not found, f"{len(found)} problems\n" + "\n".join(found)
