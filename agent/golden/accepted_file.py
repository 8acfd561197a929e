"""The accepted run of a golden set in a file, for pipelines: JSON without any text, replaced as a whole."""

import os
import tempfile
from pathlib import Path

import orjson

from agent.errors import InputError, Unavailable
from agent.golden.standing import Standing, standing

_LARGEST = 64 * 2**20


def load(path: Path) -> Standing:
    """Return what a file remembers; nothing where there is no file. Raises InputError for one that is something else."""
    try:
        with path.open("rb") as file:
            body = file.read(_LARGEST)
        return standing(orjson.loads(body))
    except FileNotFoundError:
        return Standing()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path}: is no JSON, so no accepted run of a golden set") from error
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


def save(path: Path, remembered: Standing) -> None:
    """Put it in the file's place, whole or not at all. Raises Unavailable where it cannot be written."""
    write(path, orjson.dumps(remembered.plain(), option=orjson.OPT_INDENT_2))


def write(path: Path, body: bytes) -> None:
    """Put bytes in a file's place, whole or not at all. Raises Unavailable where it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.resolve().parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        # As any file somebody makes: the temporary one is for its owner alone.
        mask = os.umask(0)
        os.umask(mask)
        Path(file.name).chmod(0o666 & ~mask)
        Path(file.name).replace(path)
    except OSError as error:
        raise Unavailable(f"{path}: cannot be written: {error.strerror}") from error
