"""Certificates for TLS between libvirtd and its clients, made with openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def authority(folder: Path) -> Path:
    """Make a certificate authority; `folder` then holds its key and `cacert.pem`."""
    folder.mkdir(mode=0o700)
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=test {folder.name}"]
    _openssl(*words, "-keyout", folder / "cakey.pem", "-out", folder / "cacert.pem")
    return folder


def certify(authority: Path, name: str, subject: str, purpose: str, address: str = "") -> None:
    """Put `NAMEkey.pem` and `NAMEcert.pem` beside the authority; `purpose` is serverAuth or clientAuth."""
    key, request, extensions = (authority / f"{name}{end}" for end in ("key.pem", ".csr", ".ext"))
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}", "-keyout", key, "-out", request)
    alternative = f"subjectAltName=IP:{address}\n" if address else ""
    extensions.write_text(f"basicConstraints=CA:FALSE\nextendedKeyUsage={purpose}\n{alternative}")
    sign = ["x509", "-req", "-CAcreateserial", "-days", "2", "-in", request, "-extfile", extensions]
    signer = ["-CA", authority / "cacert.pem", "-CAkey", authority / "cakey.pem"]
    _openssl(*sign, *signer, "-out", authority / f"{name}cert.pem")


def _openssl(*words: str | Path) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
