"""A service account of Google Cloud, and the access tokens that a server would give it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from pathlib import Path


def granted(token: str, seconds: int) -> bytes:
    body = json.dumps({"access_token": token, "expires_in": seconds, "token_type": "Bearer"}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


TOKEN = granted("ya29.token", 3600)
_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(folder: Path, url: str) -> str:
    """A service account's file whose tokens come from `url`."""
    pem = _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "project_id": "own-project", "private_key": pem, "private_key_id": "1"}
    account |= {"client_email": "a@b.example", "token_uri": url, "quota_project_id": "payer"}
    path = folder / "service-account.json"
    path.write_text(json.dumps(account))
    return str(path)
