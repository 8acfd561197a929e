"""One process a state folder."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from agent.errors import Unavailable
from agent.lock import Lock

HOLD = "import sys; from pathlib import Path; from agent.lock import Lock\nwith Lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    """The sentence names process and folder; the lock ends with the process, though it is killed."""
    folder = tmp_path / "state"
    with subprocess.Popen([sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable, match=f"{folder} is in use by process {holder.pid}"), Lock(folder):
            pass
        holder.kill()
    with Lock(folder):
        assert int((folder / "lock").read_text()) == os.getpid()
        with pytest.raises(Unavailable, match=f"process {os.getpid()}"), Lock(folder):
            pass
    with Lock(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "lock").stat().st_mode) == 0o600


def test_an_agent_waits_for_a_command_to_end(tmp_path: Path) -> None:
    """Whoever has patience gets the folder once it is free, and is refused with the same sentence where it stays taken."""
    folder = tmp_path / "state"
    with subprocess.Popen([sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable, match=f"in use by process {holder.pid}"), Lock(folder, 0.2):
            pass
        Timer(0.3, holder.stdin.close).start()
        with Lock(folder, 30.0):
            assert int((folder / "lock").read_text()) == os.getpid()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A sentence and exit code 4, no traceback of the file system."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"), Lock(tmp_path / "file" / "state"):
        pass
    assert Unavailable.exit_code == 4
