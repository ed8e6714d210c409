"""A storage's URL is shown without its secrets, and read before anything is contacted."""

from __future__ import annotations

import pytest

from runner.errors import ManifestError
from runner.storages.urls import check_url, query_options, without_password

FORM = "redis://user:password@host:6379/0"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://user:secret@host:6379/0", "redis://host:6379/0"),
        ("redis://:secret@host/0?password=secret", "redis://host/0"),
        ("postgresql:///chats?host=/run/postgresql", "postgresql:///chats"),
        ("postgresql://user:sec@ret@host/chats", "postgresql://host/chats"),
        ("mongodb://user:secret@a:1,[::1]:2/chats", "mongodb://a:1,[::1]:2/chats"),
        ("mongodb://user:secret@%2Frun%2Fmongodb.sock/chats", "mongodb://%2Frun%2Fmongodb.sock/chats"),
    ],
)
def test_a_url_is_shown_without_user_password_and_options(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "rest",
    [
        "user:sec/ret@host/chats",
        "user:sec?ret@host/chats",
        "user:sec#ret@host/chats",
        "user:sec@ret?x@host/chats",
        "user:sec@ret/x@host/chats",
        "host/chats?password=sec@ret",
        "user:secret/chats",
        "user:sec[ret@[host/chats",
    ],
)
def test_where_it_is_unclear_what_the_password_is_only_the_scheme_is_shown(rest: str) -> None:
    assert without_password(f"redis://{rest}") == "redis://..."
    with pytest.raises(ManifestError, match="cannot be read as redis://user:password@host") as refused:
        check_url(f"redis://{rest}", ("redis",), FORM)
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://host/0", "redis:host", "redis", "user:secret@host"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ManifestError, match="is not redis://user") as refused:
        check_url(url, ("redis",), FORM)
    assert "secret" not in str(refused.value)


def test_options_are_read_and_an_unknown_one_is_named_with_the_nearest() -> None:
    assert query_options("redis://host/0", ("prefix",)) == {}
    assert query_options("redis://host/0?prefix=a%2Fb", ("prefix",)) == {"prefix": "a/b"}
    with pytest.raises(ManifestError, match='no option "prefx"; did you mean "prefix"'):
        query_options("redis://host/0?prefx=a", ("prefix", "other"))
    with pytest.raises(ManifestError, match='no option "zzz"; its options are: other, prefix'):
        query_options("redis://host/0?zzz=secret", ("prefix", "other"))
    with pytest.raises(ManifestError, match=r"write its options as \?name=value"):
        query_options("redis://host/0?prefix", ("prefix",))
