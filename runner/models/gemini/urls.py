"""Where Gemini is, and as whom it is asked: google-genai's rules, read off its client, without importing it.

What is given beats the environment. Two oddities of the SDK are kept, for both transports must ask the same address:
GOOGLE_VERTEX_BASE_URL counts only where `enterprise=True` is given, not where the environment switches it on (there
GOOGLE_GEMINI_BASE_URL does); and behind an enterprise gateway (a base URL that is not Google's, no key or project
given) the base URL is the whole URL.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from runner.errors import GeminiClientError
from runner.models.gemini.http.connecting import Origin
from runner.models.gemini.http.proxies import PORTS, proxy_url, read_proxy
from runner.models.gemini.wording import no_key, refused_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.models.gemini.options import SdkOptions

logger = logging.getLogger("agent_run")

_GEMINI = "https://generativelanguage.googleapis.com/"
_VERSION, _ENTERPRISE_VERSION = "v1", "v1beta1"
_SWITCHES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
_MULTI_REGIONS = {"us", "eu"}
_PATH_SAFE = "/:@!$'()*+,;=~%"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. `location` and `project` belong to the enterprise platform; `is_whole`: no path is added."""

    base_url: str
    version: str
    api_key: str | None = field(default=None, repr=False)
    is_enterprise: bool = False
    project: str | None = None
    location: str | None = None
    is_whole: bool = False

    @property
    def needs_google_credentials(self) -> bool:
        """Whether requests carry an access token of Google's application default credentials."""
        return self.is_enterprise and bool(self.project or self.location) and not self.api_key

    def url(self, model: str) -> str:
        """The URL that streams the model's replies; raises GeminiClientError for an impossible name."""
        base = urlsplit(self.base_url)
        if self.is_whole:
            return self.base_url
        resource = self._resource(model)
        if self.is_enterprise and not resource.startswith("projects/") and (self.project or self.location):
            resource = f"projects/{self.project}/locations/{self.location}/{resource}"
        steps = [base.path.removesuffix("/"), *([self.version] if self.version else []), resource]
        path = quote("/".join(steps), safe=_PATH_SAFE)
        query = f"&{base.query}" if base.query else ""
        return f"{base.scheme}://{base.netloc}{path}:streamGenerateContent?alt=sse{query}"

    def _resource(self, model: str) -> str:
        if not model:
            raise refused_request("model is required.")
        if ".." in model or "?" in model or "&" in model:
            raise refused_request("invalid model parameter.")
        if not self.is_enterprise:
            return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
        if model.startswith(("projects/", "models/", "publishers/")):
            return model
        publisher, slash, name = model.partition("/")
        return f"publishers/{publisher}/models/{name}" if slash else f"publishers/google/models/{model}"


def endpoint(options: SdkOptions, env: Mapping[str, str], default_project: Callable[[], str]) -> Endpoint:
    """The endpoint for what is given and what the environment says.

    `default_project` finds the project of the application default credentials, where one is needed and not named.
    Raises MissingKeyError and GeminiClientError where google-genai's client refuses to be built.
    """
    is_enterprise = is_enterprise_asked(options, env)
    if (options.project or options.location) and not is_enterprise:
        raise refused_request("Gemini API does not support project/location.")
    base_url = options.base_url or env.get("GOOGLE_VERTEX_BASE_URL" if options.enterprise else "GOOGLE_GEMINI_BASE_URL")
    version = env.get("GOOGLE_GENAI_API_VERSION")
    if is_enterprise:
        default = _ENTERPRISE_VERSION if version in {None, "", "beta"} else version
    else:
        default = "v1beta" if version == "beta" else version or _VERSION
    version = options.api_version if options.api_version is not None else str(default)
    if is_enterprise:
        return _enterprise(options, env, base_url or "", version, default_project)
    key = (options.api_key or _environment_key(env) or "").strip()
    if not key:
        raise no_key()
    return Endpoint(base_url or _GEMINI, version, _usable(key))


def _enterprise(
    options: SdkOptions, env: Mapping[str, str], base_url: str, version: str, default_project: Callable[[], str]
) -> Endpoint:
    """Given credentials beat those of the environment, and there a project beats a key."""
    is_named = bool(options.project or options.location)
    project = options.project or env.get("GOOGLE_CLOUD_PROJECT")
    location = options.location or env.get("GOOGLE_CLOUD_LOCATION")
    key = options.api_key or _environment_key(env)
    if options.api_key and not is_named:
        project = location = None
    elif not options.api_key and (project or location):
        key = None
    is_foreign = bool(base_url) and not base_url.endswith(".googleapis.com")
    if not location and not key and not is_foreign:
        location = "global"
    if is_foreign and not ((options.project and options.location) or options.api_key):
        project = location = None  # a gateway, which knows them
    elif not project and not key:
        project = default_project()
    is_whole = bool(base_url) and not (project and location) and not key
    base_url = base_url or _enterprise_host(location)
    return Endpoint(base_url, version, _usable(key.strip()) if key else None, True, project, location, is_whole)


def _enterprise_host(location: str | None) -> str:
    if not location or location == "global":
        return "https://aiplatform.googleapis.com/"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com/"
    return f"https://{location}-aiplatform.googleapis.com/"


def is_enterprise_asked(options: SdkOptions, env: Mapping[str, str]) -> bool:
    """Whether the enterprise platform is to be asked, and not the Gemini API."""
    return _is_switched_on(env) if options.enterprise is None else options.enterprise


def _is_switched_on(env: Mapping[str, str]) -> bool:
    said = {name: env[name].lower() in {"true", "1"} for name in _SWITCHES if name in env}
    if len(set(said.values())) > 1:
        logger.warning("%s and %s contradict each other; the first counts", *_SWITCHES)
    return next(iter(said.values()), False)


def _environment_key(env: Mapping[str, str]) -> str | None:
    return env.get("GOOGLE_API_KEY") or env.get("GEMINI_API_KEY") or None


def _usable(key: str) -> str:
    if key.startswith("auth_tokens/"):
        raise refused_request("Ephemeral tokens can only be used with the live API.")
    return key


def origin(base_url: str) -> Origin:
    """The host to connect to, and the proxy of the environment; raises GeminiClientError."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise GeminiClientError(f"the base URL of Gemini is not usable: {error}") from error
    if parts.scheme not in PORTS or not host:
        raise GeminiClientError("the base URL of Gemini is not usable: it begins with https:// or http://, then a host")
    port = PORTS[parts.scheme] if port is None else port
    proxy = proxy_url(parts.scheme, host, port)
    return Origin(parts.scheme, host, port, read_proxy(proxy) if proxy else None)
