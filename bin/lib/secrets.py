"""Looks for secrets among the files that git has or would take: private keys, one-time links, client secrets, passwords in URLs."""

import re
import subprocess
import sys
from pathlib import Path

_BASE64URL = rb"[A-Za-z0-9_-]"
PATTERNS = {
    "a private key": rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{60,}",
    "a one-time link": rb"kode=" + _BASE64URL + rb"{43}(?!" + _BASE64URL + rb")",
    "a client secret": rb"client_?secret[\"']?\s*[:=]\s*[\"']?" + _BASE64URL + rb"{43,}",
    "a password in a URL": rb"(?:postgres(?:ql)?|mysql|ldap)s?://[^\s:/@\"'`]+:[A-Za-z0-9_.!-]{12,}@",
    "a cloud key": rb"\bAKIA[0-9A-Z]{16}\b",
}


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True).stdout
    return [Path(name.decode()) for name in listed.split(b"\0") if name]


def main() -> int:
    found = 0
    for file in files():
        if not file.is_file():
            continue
        data = file.read_bytes()
        if file.name.endswith((".key", ".pem", ".sqlite")) or file.parts[0] in (".run", "data"):
            print(f"{file}: a file of this kind is never committed")
            found += 1
        for what, pattern in PATTERNS.items():
            for match in re.finditer(pattern, data, re.I):
                print(f"{file}:{data[: match.start()].count(10) + 1}: looks like {what}")
                found += 1
    return 1 if found else 0


sys.exit(main())
