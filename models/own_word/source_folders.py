"""The folders of what a model learns from: those given, and those spoken."""

from pathlib import Path

from firmware_py.errors import SettingsError
from models.own_word.request import Request
from models.recordings.folder_contents import refuse_folder_without_sound

WORDS, CARRIED, NEAR_BANK, SENTENCES = "words", "carried", "near", "sentences"
"""Folders: the phrase alone, within sentences, phrases near to it, sentences without it."""
TAKES = "takes"


def refuse_unfit_folders(request: Request) -> None:
    """Raise SettingsError for given folders that hold no sound, or have one name."""
    roots(request)
    for folder in request.negatives:
        refuse_folder_without_sound(folder, "negative")
    for folder in request.noise:
        refuse_folder_without_sound(folder, "noise")
    if request.recordings:
        refuse_folder_without_sound(request.recordings, "take of the phrase")


def roots(request: Request) -> tuple[Path, ...]:
    """Return the folders that hold the sources' folders; raises SettingsError for two alike."""
    folders = [folder.resolve() for folder in (*request.negatives, *request.noise)]
    names = [folder.name for folder in folders] + [WORDS, CARRIED, NEAR_BANK, SENTENCES, TAKES]
    for folder in folders:
        if names.count(folder.name) > 1:
            raise SettingsError(
                f"{folder}: another folder is called {folder.name!r} too; rename one, since"
                " configuration and card tell them by their names"
            )
    parents = dict.fromkeys(folder.parent for folder in folders)
    return (request.bank("train", WORDS).parent.resolve(), *parents)
