"""`agent-run test [PATHS]`: conversations held with agents, and every turn checked."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.exits import Exit
from runner.cli.lines import describe
from runner.cli.output import Output
from runner.cli.screen import visible

if TYPE_CHECKING:
    from runner.cli.testing.holding import Shown
    from runner.cli.testing.writing import Reports
    from runner.conversations.options import Options, Selection, Shard
    from runner.loading.suites import LoadedSuite

_FORMATS = ("auto", "rich", "plain", "json", "github")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as they were given."""

    pattern: str | None
    tags: tuple[str, ...]
    only_failed: bool
    shard: str | None
    jobs: int
    fail_fast: bool
    repeat: int | None
    max_cost: float | None
    timeout: str | None
    model: str | None
    live: bool
    record: Any
    record_tools: bool
    form: str
    junit: str | None
    junit_family: Any
    html: str | None
    json: str | None
    summary: str | None
    lists: bool
    update: bool
    dry_run: bool
    watch: bool
    debug: bool


@click.command("test")
@click.argument("paths", nargs=-1)
@click.option("-k", "pattern", metavar="WORDS", help="Only cases whose name or tags fit: `rain and not slow`.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Only cases with this tag; may be repeated.")
@click.option("--only-failed", is_flag=True, help="Only cases that did not pass when they were run last.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts, such as 2/5; a case stays in its part.")
@click.option("-j", "jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Cases run at once.")
@click.option("--fail-fast", is_flag=True, help="Begin no further case when one did not pass.")
@click.option("--repeat", type=click.IntRange(min=1), help="Run each case so often, whatever its file says.")
@click.option("--max-cost", type=click.FloatRange(min=0, min_open=True), metavar="USD", help="Stop at this cost.")
@click.option("--timeout", metavar="TIME", help="How long one run of a case may take, such as 90s.")
@click.option("--model", metavar="NAME", help="Ask this model instead of the files' and manifests'.")
@click.option("--live", is_flag=True, help="Ask the model itself, also where there is a recording.")
@click.option("--record", type=click.Choice(["once", "all", "new", "none"]), help="Write recordings.")
@click.option("--record-tools", is_flag=True, help="Record the tools' results too, and replay them.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="auto", help="How results are printed.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML.")
@click.option(
    "--junit-family",
    type=click.Choice(["surefire", "extended"]),
    default="surefire",
    help="`surefire` keeps to its schema; `extended` adds what GitLab, CircleCI and Jenkins read: file, line.",
)
@click.option("--html", metavar="FILE", help="Write a page to read.")
@click.option("--json", metavar="FILE", help="Write JSON.")
@click.option("--summary", metavar="FILE", help="Write Markdown; to the job's summary with --format github.")
@click.option("--list", "lists", is_flag=True, help="Show what would be run, and run nothing.")
@click.option("--update", is_flag=True, help="Accept what came in the place of literals that were expected.")
@click.option("--dry-run", is_flag=True, help="With --update: show what would be accepted, and write nothing.")
@click.option("--watch", is_flag=True, help="Stay, and run again what a change of files concerns.")
@click.option("--debug", is_flag=True, help="Log everything to stderr, and show where errors come from.")
def conversations(paths: tuple[str, ...], **given: object) -> Exit:
    """Hold the conversations of PATHS, files or folders, and check every turn.

    Without PATHS all *.conversations.yaml of the project are run. Results go to standard output, progress to standard
    error.
    """
    options = Given(**given)  # type: ignore[arg-type]  # click made them as declared above
    form = _form(options)
    try:
        return _run(paths, options, form)
    except Exception as error:
        if form == "json" and not isinstance(error, click.ClickException):
            from runner.cli.jsonl import error_json, json_line

            Output(sys.stdout).write_now(json_line(error_json(error, describe(error))))
        raise


def _form(given: Given) -> str:
    if given.form == "auto":
        return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "rich"
    return given.form


def _run(paths: tuple[str, ...], given: Given, form: str) -> Exit:
    from runner.cli.door import Loudness
    from runner.cli.loop import run_to_end
    from runner.cli.reports import reports_on_stderr
    from runner.cli.testing.holding import Shown
    from runner.cli.testing.listing import listed
    from runner.cli.testing.suites import root_here, suites_of, warnings_of
    from runner.schemas.project import refresh_beside

    options, reports = _options(given), _reports(given, form)
    if Output(sys.stderr).is_terminal:  # somebody writes these files in an editor
        refresh_beside(root_here())
    suites = suites_of(paths)
    chosen = listed(suites, options, Path.cwd())
    if given.lists:
        Output(sys.stdout).write_now(chosen)
        return Exit.DONE
    reports.check()
    Output(sys.stderr).write_now(visible(warnings_of(suites)))
    shown = Shown(
        out=Output(sys.stdout),
        err=Output(sys.stderr),
        form=form,
        reports=reports,
        accepts=given.update,
        dry=given.dry_run,
    )
    with reports_on_stderr(Loudness(debug=given.debug)):
        if given.watch:
            return run_to_end(_watched(paths, options, shown))
        return run_to_end(_held(suites, options, shown))


# the options


def _options(given: Given) -> Options:
    from runner.conversations.options import Options

    if given.record_tools and given.record in {None, "none"}:
        raise click.UsageError("--record-tools needs --record once, all or new")
    if given.watch and (given.lists or given.update or given.form in {"json", "github"}):
        raise click.UsageError("--watch does not go with --list, --update, --format json or github")
    if given.dry_run and not given.update:
        raise click.UsageError("--dry-run belongs to --update")
    if given.live and given.record is not None:
        raise click.UsageError("--live and --record exclude each other: --record all asks the model anew")
    return Options(
        selection=_selection(given),
        concurrency=given.jobs,
        fail_fast=given.fail_fast,
        timeout=_seconds(given.timeout),
        repeat=given.repeat,
        max_cost=given.max_cost,
        model=given.model,
        record=given.record,
        record_tools=given.record_tools,
        live=given.live,
        goes_on=given.update,
    )


def _selection(given: Given) -> Selection:
    from runner.cli.testing.suites import root_here
    from runner.conversations.last import failed_last
    from runner.conversations.options import Selection

    only = failed_last(root_here()) if given.only_failed else None
    return Selection(pattern=given.pattern, tags=given.tags, only=only, shard=_shard(given.shard))


def _shard(text: str | None) -> Shard | None:
    from runner.conversations.options import Shard

    if text is None:
        return None
    index, slash, count = text.partition("/")
    try:
        return Shard(int(index), int(count) if slash else 0)
    except ValueError as error:
        raise click.BadParameter("write it as 2/5: the second of five parts", param_hint="--shard") from error


def _seconds(text: str | None) -> float | None:
    from runner.durations import seconds

    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise click.BadParameter("write it as 90s, 2m or 1h30m", param_hint="--timeout") from error


def _reports(given: Given, form: str) -> Reports:
    from runner.cli.testing.writing import SUMMARY, Reports

    summary = given.summary or (os.environ.get(SUMMARY) or None if form == "github" else None)
    return Reports(
        junit=given.junit, junit_family=given.junit_family, html=given.html, json=given.json, summary=summary
    )


# the run


async def _held(suites: list[LoadedSuite], options: Options, shown: Shown) -> Exit:
    from runner.cli.signals import Signals

    with Signals() as signals:
        return (await shown.held(suites, options, signals))[0]


async def _watched(paths: tuple[str, ...], options: Options, shown: Shown) -> Exit:
    from runner.cli.signals import Signals
    from runner.cli.testing.watching import Watch

    with Signals() as signals:
        return await Watch(paths, options, shown, signals).run()
