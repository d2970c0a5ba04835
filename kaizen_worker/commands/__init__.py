"""The commands that need the engine; they join `kaizen` by name and are loaded when they run."""

import click

from kaizen_api.cli.lazy import LazyGroup
from kaizen_api.cli.options import shared

_GROUPS = {
    "kb": (
        "Search and keep the knowledge base.",
        {
            "search": "Find entries as the assistant would.",
            "show": "Show one entry in full.",
            "add": "Add documents from JSONL files.",
            "export": "Write every entry as JSONL.",
            "expire": "Take entries out of sight.",
            "activate": "Let the assistant find entries.",
            "rollback": "Take out what a batch, a source or a gap brought.",
            "rotate": "Archive it as it is now, and clean up.",
            "archives": "List its archives.",
            "verify": "Check archives to the last byte.",
            "restore": "Bring an archive's entries back.",
        },
    ),
    "breaker": (
        "See and move circuit breakers.",
        {
            "list": "Show every breaker.",
            "open": "Reject every call.",
            "close": "Admit every call.",
            "auto": "Let it move by itself again.",
        },
    ),
    "schedule": (
        "See and set when Kaizen does what by itself.",
        {
            "list": "Show every job.",
            "set": "Set when a job is due.",
            "reset": "Go back to the configuration.",
            "run": "Have a job run now.",
        },
    ),
    "dead-letters": (
        "See what could not be processed.",
        {"list": "Show it with the reasons.", "replay": "Put it back into the stream.", "drop": "Delete it for good."},
    ),
}
_STEPS = {
    "insights": {
        "apply": "Let an insight take effect.",
        "dismiss": "Put an insight aside for good.",
        "revert": "Take back what applying it did.",
    },
    "topics": {
        "rename": "Call a topic so from now on.",
        "merge": "Have topics count to another one.",
        "split": "Undo the merge of a topic.",
    },
}


def commands(root: click.Group) -> None:
    """Add them to the tree; the entry point of the group `kaizen.commands`."""
    for name, (help_line, members) in _GROUPS.items():
        root.add_command(_group(name, help_line, members))
    for kind, steps in _STEPS.items():
        group = root.commands[kind]
        if isinstance(group, LazyGroup):
            for name, line in steps.items():
                group.lazy(name, f"{__name__}.{kind}:{name}", line)
    if isinstance(root, LazyGroup):
        root.lazy("demo", f"{__name__}.demo:demo", "Play the whole loop on a help desk for Python programmers.")


def _group(name: str, help_line: str, members: dict[str, str]) -> LazyGroup:
    module = f"{__name__}.{name.replace('-', '_')}"
    targets = {member: (f"{module}:{member}_command", line) for member, line in members.items()}
    default = "list" if "list" in members else None

    @click.group(cls=LazyGroup, name=name, help=help_line, members=targets, default=default)
    @shared
    def group() -> None: ...

    return group
