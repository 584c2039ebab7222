"""Measures the pages of the built site in headless Chromium, at several widths of the window.

The script `measure_pages.js` runs in a page that is served with the site. It loads each page of
the site into a frame and sends what it finds to the server.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WIDTHS = (360, 768, 1024, 1440, 2560)
SECONDS = 600

MEASURE = Path(__file__).with_name("measure_pages.js")


def executable() -> str | None:
    """The browser, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def problems(site: Path, pages: list[str]) -> list[str]:
    """What is wrong with some pages of a site.

    Parameters
    ----------
    site : Path
        Folder of the built site.
    pages : list of str
        Names of files in it.

    Returns
    -------
    list of str
        Problems, each with the page and the width at which it was seen.
    """
    browser = executable()
    assert browser, "chromium is not installed"
    script = MEASURE.read_text(encoding="utf-8").replace("WIDTHS", json.dumps(WIDTHS), 1)
    script = script.replace("PAGES", json.dumps([f"/{page}" for page in pages]), 1)
    frame = '<iframe id="frame" style="height: 900px; border: 0"></iframe>'
    own = f"<!DOCTYPE html><meta charset='utf-8'><body>{frame}<script>{script}</script>"
    found: list[dict[str, Any]] = []
    ended = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/-/measure":
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(own.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.extend(json.loads(body))
            self.send_response(204)
            self.end_headers()
            ended.set()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        running = subprocess.Popen(
            [
                browser,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--window-size=2600,1000",
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                f"http://127.0.0.1:{server.server_port}/-/measure",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert ended.wait(SECONDS), f"the browser sent nothing in {SECONDS} seconds"
        finally:
            running.terminate()
            running.wait(30)
            server.shutdown()
            server.server_close()
    return [f"{one['page']}: {one['problem']}" for one in found]
