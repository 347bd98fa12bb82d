"""The browser: Debian's Chromium, headless."""

from __future__ import annotations

CHROMIUM = "/usr/bin/chromium"
#: --no-sandbox because containers have none; the others keep it from asking anybody for anything on its own.
OPTIONS = ["--no-sandbox", "--no-proxy-server", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
