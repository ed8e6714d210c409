"""The local Open-Meteo is as strict as its documentation, so that a wrong request does not pass a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.servers.open_meteo import OpenMeteoServer

PLACE = {"latitude": 48.85, "longitude": 2.35, "timezone": "auto"}


@pytest.mark.parametrize(
    ("path", "params", "reason"),
    [
        ("/v1/forecast", {**PLACE, "daily": "tempeture_2m"}, "invalid String value tempeture_2m for key daily"),
        ("/v1/forecast", {**PLACE, "latitude": 91}, "Latitude must be in range of -90 to 90°. Given: 91.0."),
        ("/v1/forecast", {**PLACE, "forecast_days": 17}, "Forecast days is invalid. Allowed range 0 to 16. Given 17."),
        ("/v1/forecast", {**PLACE, "units": "celsius"}, "Unknown parameter units"),
        ("/v1/forecast", {"latitude": 1}, "must have the same number of elements"),
        ("/v1/search", {}, "name"),
        ("/v1/search", {"name": "Paris", "count": 101}, "Parameter count must be between 1 and 100."),
    ],
)
def test_a_wrong_request_is_refused_with_a_reason(path: str, params: dict[str, str], reason: str) -> None:
    with OpenMeteoServer() as server, httpx2.Client(trust_env=False) as client:
        reply = client.get(server.url + path, params=params)
    assert reply.status_code == 400
    assert reply.json()["error"] is True
    assert reason in reply.json()["reason"]


def test_a_search_without_results_has_no_results() -> None:
    with OpenMeteoServer() as server, httpx2.Client(trust_env=False) as client:
        assert set(client.get(f"{server.url}/v1/search", params={"name": "Xyzzy"}).json()) == {"generationtime_ms"}
        paris = client.get(f"{server.url}/v1/search", params={"name": "Pari", "count": 2}).json()["results"]
    assert [place["admin1"] for place in paris] == ["Île-de-France", "Texas"]


def test_it_runs_by_hand_and_tells_its_url_first() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.servers.open_meteo", "--port", "0", "--fail", "503"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        try:
            with httpx2.Client(trust_env=False) as client:
                assert client.get(f"{url}/v1/search", params={"name": "Paris"}).status_code == 503
        finally:
            process.terminate()
