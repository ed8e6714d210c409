"""`files`: what is uploaded to the server in the resumable protocol, and named by its uri in requests."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass
from typing import Any

from .gemini_caches import Clock, stamp
from .gemini_models import rules_of
from .refusals import Refusal, error_body

JSON = dict[str, Any]
LIFE = 48 * 3600
MOST = 2 * 1024**3
MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
OURS = re.compile(r"https?://[^/]+/(?:v1|v1beta)/files/([\w-]+)")
TEXTS = ("plain", "html", "css", "csv", "xml", "rtf", "javascript", "x-typescript", "md")
READABLE = frozenset(
    [f"image/{kind}" for kind in ("png", "jpeg", "webp", "heic", "heif")]
    + [f"audio/{kind}" for kind in ("wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac", "m4a")]
    + [f"video/{kind}" for kind in ("mp4", "mpeg", "quicktime", "x-msvideo", "x-flv", "webm", "x-ms-wmv", "3gpp")]
    + [f"text/{kind}" for kind in TEXTS]
    + ["application/pdf"]
)
"""What a model can be shown; everything else is refused when it is used, not when it is uploaded."""
TOKENS = 258
"""What a picture or a page is counted as."""
RESULTS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})


@dataclass
class File:
    """One uploaded file. `looks` are those it still takes until it is ready."""

    name: str
    uri: str
    mime_type: str
    display_name: str
    content: bytes
    created: float
    expires: float
    looks: int = 0
    fails: bool = False

    @property
    def state(self) -> str:
        return "PROCESSING" if self.looks else "FAILED" if self.fails else "ACTIVE"

    def resource(self) -> JSON:
        made: JSON = {
            "name": self.name,
            "mimeType": self.mime_type,
            "sizeBytes": str(len(self.content)),
            "createTime": stamp(self.created),
            "updateTime": stamp(self.created),
            "expirationTime": stamp(self.expires),
            "sha256Hash": base64.b64encode(hashlib.sha256(self.content).hexdigest().encode()).decode(),
            "uri": self.uri,
            "state": self.state,
            "source": "UPLOADED",
        }
        if self.display_name:
            made["displayName"] = self.display_name
        if self.state == "FAILED":
            made["error"] = {"code": 3, "message": "The file could not be processed."}
        return made


@dataclass
class Session:
    """An upload under way."""

    mime_type: str
    display_name: str
    size: int
    content: bytearray


class Files:
    """All files by name. `looks`: how often a film or sound is told to be in processing; `fails`: then it failed."""

    def __init__(self, clock: Clock, *, looks: int = 0, fails: bool = False, life: float = LIFE) -> None:
        self._clock = clock
        self.looks, self.fails, self.life = looks, fails, life
        self._numbers = itertools.count(1)
        self._sessions: dict[str, Session] = {}
        self.by_name: dict[str, File] = {}
        self.bytes_received = 0

    def start(self, headers: dict[str, str], body: JSON) -> str:
        """Begin an upload and return its id, or raise the 400."""
        told = body.get("file", {})
        mime_type = told.get("mimeType") or told.get("mime_type") or headers.get("x-goog-upload-header-content-type")
        size = headers.get("x-goog-upload-header-content-length", "")
        if (headers.get("x-goog-upload-protocol"), headers.get("x-goog-upload-command")) != ("resumable", "start"):
            raise Refusal("tests.servers: an upload begins with the protocol resumable and the command start.")
        if not mime_type or not MIME_TYPE.fullmatch(mime_type):
            raise Refusal("* CreateFileRequest.file.mime_type: MIME type must be in a valid type/subtype format.\n")
        if not size.isdigit() or not 0 < int(size) <= MOST:
            raise Refusal(f"* CreateFileRequest.file.size_bytes: must be between 1 and {MOST}.\n")
        upload = f"upload-{next(self._numbers)}"
        name = told.get("displayName") or told.get("display_name") or ""
        self._sessions[upload] = Session(mime_type, name, int(size), bytearray())
        return upload

    def receive(self, upload: str, headers: dict[str, str], data: bytes, host: str) -> File | None:
        """Take one piece; the file when it was the last one."""
        session = self._sessions.get(upload)
        commands = headers.get("x-goog-upload-command", "").replace(" ", "").split(",")
        if session is None or commands not in (["upload"], ["upload", "finalize"]):
            raise Refusal("tests.servers: there is no such upload under way.", code=404)
        if headers.get("x-goog-upload-offset") != str(len(session.content)):
            raise Refusal(f"tests.servers: {len(session.content)} bytes have arrived so far.", code=412)
        session.content += data
        self.bytes_received += len(data)
        if commands == ["upload"]:
            return None
        if len(session.content) != session.size:
            raise Refusal(f"tests.servers: {session.size} bytes were announced, {len(session.content)} came.")
        del self._sessions[upload]
        return self._made(session, host)

    def _made(self, session: Session, host: str) -> File:
        now, key = self._clock.now(), f"f{next(self._numbers):06d}"
        is_moving = session.mime_type.startswith(("audio/", "video/"))
        self.by_name[f"files/{key}"] = made = File(
            f"files/{key}",
            f"http://{host}/v1beta/files/{key}",
            session.mime_type,
            session.display_name,
            bytes(session.content),
            now,
            now + self.life,
            self.looks if is_moving else 0,
            self.fails and is_moving,
        )
        return made

    def get(self, name: str) -> File:
        """Return a file that has not expired, or raise what the API says of unknown ones."""
        file = self.by_name.get(name)
        if file is None or file.expires <= self._clock.now():
            self.by_name.pop(name, None)
            key = name.removeprefix("files/")
            raise Refusal(f"You do not have permission to access the File {key} or it may not exist.", code=403)
        return file

    def looked_at(self, name: str) -> File:
        """The same, one look nearer to being ready."""
        file = self.get(name)
        file.looks = max(0, file.looks - 1)
        return file

    def delete(self, name: str) -> None:
        self.get(name)
        del self.by_name[name]

    def page(self, size: str) -> JSON:
        """Return the living files, all on one page."""
        if not re.fullmatch(r"[1-9]\d{0,2}", size):
            raise Refusal("* ListFilesRequest.page_size: must be between 1 and 100.\n")
        living = [each for each in self.by_name.values() if each.expires > self._clock.now()]
        return {"files": [each.resource() for each in living]} if living else {}

    def check(self, model: str, contents: list[JSON]) -> None:
        """Raise when the normalised contents show what cannot be looked at, or name a file that is not there."""
        for content in contents:
            for part in content.get("parts", ()):
                if "inlineData" in part:
                    _check_type(part["inlineData"].get("mimeType"))
                elif "fileData" in part:
                    self._check_stored(part["fileData"])
                elif media := part.get("functionResponse", {}).get("parts"):
                    _check_result(model, part["functionResponse"]["response"], media)

    def _check_stored(self, stored: JSON) -> None:
        uri = stored.get("fileUri", "")
        found = OURS.fullmatch(uri)
        if found is None:
            if not uri.startswith("https://"):
                raise Refusal(f"Invalid or unsupported file uri: {uri}")
            return
        file = self.get(f"files/{found[1]}")
        if file.state != "ACTIVE":
            refusal = Refusal(f"The File {found[1]} is not in an ACTIVE state and usage is not allowed.")
            refusal.body = error_body(400, refusal.message, status="FAILED_PRECONDITION")
            raise refusal
        _check_type(stored.get("mimeType", file.mime_type))


def inline_data(contents: list[JSON]) -> list[str]:
    """Return the base64 texts of all that the contents carry inline."""
    parts = [part for content in contents for part in content.get("parts", ())]
    parts += [each for part in parts for each in part.get("functionResponse", {}).get("parts", ())]
    return [part["inlineData"].get("data", "") for part in parts if "inlineData" in part]


def _check_type(mime_type: str | None) -> None:
    if mime_type not in READABLE:
        raise Refusal(f"Unsupported MIME type: {mime_type}")


def _check_result(model: str, response: JSON, media: list[JSON]) -> None:
    """A function response refers to each of its parts at most once, by its display name."""
    if not rules_of(model).media_results:
        raise Refusal("Multimodal function responses are not supported for this model")
    names = [part.get("inlineData", {}).get("displayName") for part in media]
    if len(set(names)) != len(names):
        raise Refusal("The display_name of each of the function_response.parts must be unique.")
    for part in media:
        if part.get("inlineData", {}).get("mimeType") not in RESULTS:
            raise Refusal(f"Unsupported MIME type: {part.get('inlineData', {}).get('mimeType')}")
    for name in _references(response):
        if name not in names:
            raise Refusal(
                f"The referenced name {name} in function_response.response does not match to a display_name in the "
                "function_response.parts."
            )


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            return [value["$ref"]]
        return [name for each in value.values() for name in _references(each)]
    return [name for each in value for name in _references(each)] if isinstance(value, list) else []
