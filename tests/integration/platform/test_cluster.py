"""Started by root: which user the server gets, and binaries that user can read."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from service.errors import StartRefused
from service.store import cluster
from service.store.cluster import Account, binaries_for, unprivileged


def test_binaries_are_copied_once_for_another_user_and_run_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_SHARED", tmp_path / "shared")
    other = Account(os.geteuid(), os.getegid(), switch=True)
    folder = binaries_for(other)
    assert folder.is_relative_to(tmp_path / "shared")
    assert [path.name for path in (tmp_path / "shared").iterdir()] == [folder.parents[2].name]
    told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("postgres (PostgreSQL) 18")
    assert (folder / "initdb").stat().st_mode & 0o555 == 0o555
    before = (folder / "postgres").stat().st_mtime_ns
    assert binaries_for(other) == folder
    assert (folder / "postgres").stat().st_mtime_ns == before


def test_without_a_system_user_one_is_made_or_the_operator_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    useradd = tmp_path / "useradd"
    useradd.write_text(f'#!/bin/sh\nprintf "%s" "$*" > {made}\n')
    useradd.chmod(0o755)
    me = pwd.getpwuid(os.geteuid())

    def known(name: str) -> pwd.struct_passwd:
        if name == "consentry-pg" and made.exists():
            return me
        raise KeyError(name)

    monkeypatch.setattr(cluster.pwd, "getpwnam", known)
    monkeypatch.setattr(cluster.shutil, "which", lambda name: str(useradd))
    account = unprivileged()
    assert (account.uid, account.switch) == (me.pw_uid, True)
    assert "--system" in made.read_text()
    assert made.read_text().endswith("consentry-pg")

    made.unlink()
    useradd.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(StartRefused, match="does not run as root"):
        unprivileged()
