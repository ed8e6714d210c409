"""Which certificates are trusted: those httpx2, the SDK's client, would trust."""

from __future__ import annotations

import os
import re
import ssl
import sys
from pathlib import Path

_BUNDLES = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where distributions keep their certificates, for a Python whose OpenSSL was built elsewhere."""


def ssl_context() -> ssl.SSLContext:
    """A context that trusts SSL_CERT_FILE, else SSL_CERT_DIR, else what the operating system trusts.

    Reads files, which takes up to 40 ms where the certificates are one bundle. Raises OSError where they cannot be
    read.
    """
    context = _context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context() -> ssl.SSLContext:
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    if sys.platform in {"win32", "darwin"}:
        return _system_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cafile, capath = _compiled_in()
    if cafile or capath:
        context.load_verify_locations(cafile, capath)
    return context


def _system_context() -> ssl.SSLContext:
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _compiled_in() -> tuple[str | None, str | None]:
    """OpenSSL's own file and folder, where they hold anything; else a distribution's file."""
    paths = ssl.get_default_verify_paths()
    cafile = paths.openssl_cafile if Path(paths.openssl_cafile).is_file() else None
    capath = paths.openssl_capath if _holds_certificates(Path(paths.openssl_capath)) else None
    if cafile or capath:
        return cafile, capath
    return next((path for path in _BUNDLES if Path(path).is_file()), None), None


def _holds_certificates(folder: Path) -> bool:
    return folder.is_dir() and any(re.fullmatch(r"[0-9a-fA-F]{8}\.\d", path.name) for path in folder.iterdir())
