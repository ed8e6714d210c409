"""Passwords are not shown, wherever a value may carry one."""

from __future__ import annotations

import pytest

from runner.graph.hidden import is_secret, shown, shown_under


@pytest.mark.parametrize(
    ("url", "what_is_shown"),
    [
        ("postgresql://ann:s3cret@db/chats", "postgresql://ann:***@db/chats"),
        ("redis://:s3cret@db:6379/0", "redis://:***@db:6379/0"),
        ("postgresql://ann:s3/cr@et@db/chats", "postgresql://ann:***@db/chats"),
        ("postgresql://ann:s3?cr#et@db/chats", "postgresql://ann:***@db/chats"),
        ("mongodb+srv://ann:s3cret@a,b/?w=1", "mongodb+srv://ann:***@a,b/?w=1"),
        ("postgresql://db/chats?user=ann&password=s3cret&ssl=1", "postgresql://db/chats?user=ann&password=***&ssl=1"),
        (
            "hybrid+redis://:s3cret@db/0?database=postgresql%3A%2F%2Fann%3As3cret%40db%2Fchats&x=1",
            "hybrid+redis://:***@db/0?database=postgresql%3A%2F%2Fann%3A***%40db%2Fchats&x=1",
        ),
        ("https://db/?API_KEY=s3cret;auth_token=s3cret", "https://db/?API_KEY=***;auth_token=***"),
        ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
        ("postgresql://db:5432/chats", "postgresql://db:5432/chats"),
        ("memory:", "memory:"),
        ("you: write me at ann@example.org", "you: write me at ann@example.org"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, what_is_shown: str) -> None:
    assert shown(url) == what_is_shown
    assert "s3cret" not in shown(url)


@pytest.mark.parametrize(
    "name", ["password", "db_password", "PASSWD", "pwd", "token", "access_token", "api_key", "key"]
)
def test_a_value_under_a_secret_name_is_not_shown(name: str) -> None:
    assert shown_under(name, "s3cret") == "***"


@pytest.mark.parametrize("name", ["batch_size", "keyspace", "url", "monkey", "max_output_chars", "passes"])
def test_a_value_under_another_name_is_shown(name: str) -> None:
    assert not is_secret(name)
    assert shown_under(name, "5") == "5"
