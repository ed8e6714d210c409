"""The table of `agent-run chats`."""

from __future__ import annotations

from runner.cli.main import Entry, LazyGroup

COMMANDS: dict[str, Entry] = {
    "list": Entry("runner.cli.chats.listing:list_", "List chats, the one written to last first."),
    "show": Entry("runner.cli.chats.showing:show", "Show what was said and done in a chat."),
    "export": Entry("runner.cli.chats.exporting:export", "Write chats as JSON Lines, or one as Gemini's own JSON."),
    "import": Entry("runner.cli.chats.importing:import_", "Store exported chats, once the whole file is checked."),
    "fork": Entry("runner.cli.chats.forking:fork", "Copy a chat, or its first turns, under a new id."),
    "delete": Entry("runner.cli.chats.deleting:delete", "Delete chats."),
    "repair": Entry("runner.cli.chats.repairing:repair", "Close what a crash left open, and say what it was."),
    "vacuum": Entry("runner.cli.chats.vacuuming:vacuum", "Delete chats older than `retention`, give room back."),
}

chats = LazyGroup(
    table=COMMANDS,
    name="chats",
    help="Look at the chats that are kept, move and mend them.\n\nWhich chats: those of the agent in --agent FILE, or "
    "all in --storage URL, or those of --name AGENT in it. Without any, those in this project's own database.",
)
