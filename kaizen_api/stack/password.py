"""Flower's password: the one that is set, else one that is drawn once and kept where only its user can read it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from kaizen_api.config import KaizenConfig

FLOWER_USER = "kaizen"


def password_file(folder: Path) -> Path:
    """Where a password that was drawn is kept."""
    return folder / "flower-password"


def flower_password(config: KaizenConfig, folder: Path) -> str:
    """The password; the same for all who ask at once.

    Raises:
        OSError: it can be neither read nor written.
    """
    if config.flower_password is not None:
        return config.flower_password.get_secret_value()
    file = password_file(folder)
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(18))
        with suppress(FileExistsError):  # somebody was faster: theirs holds
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text()
