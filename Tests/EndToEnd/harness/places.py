"""Where things are, and free ports."""

import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GAPURA = Path(os.environ.get("E2E_GAPURA", ROOT / ".build/debug/gapura"))
E_KINERJA = Path(os.environ.get("E2E_E_KINERJA", ROOT / ".build-e-kinerja/debug/e-kinerja"))
SCREENSHOTS = Path(os.environ.get("E2E_SCREENSHOTS", ROOT / ".build/screenshots"))
EXAMPLES = ROOT / "examples"

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on and that no other test of this run was given."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
