"""A folder that is foreign, damaged, in use or another run's is refused, by name and with a remedy."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simdyn.errors import InputError
from simdyn.study import Study, report_study, run_study
from simdyn.study.records import DamagedRecordError, read_record, write_record
from simdyn.whole_files import replace_atomically

pytestmark = pytest.mark.usefixtures("one_cell_a_shard")


@pytest.fixture
def finished(toy, tmp_path):
    run_study(toy, tmp_path / "out", size="quick")
    return tmp_path / "out"


def refusal(action):
    with pytest.raises(InputError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_foreign_folder_is_refused_and_left_alone(toy, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "draft.partial").write_text("not ours to remove")
    text = refusal(lambda: run_study(toy, tmp_path, size="quick"))
    assert "draft.partial" in text
    assert "choose another --out" in text
    assert sorted(item.name for item in tmp_path.iterdir()) == ["draft.partial", "thesis.tex"]


def test_a_file_is_no_folder(toy, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in refusal(lambda: run_study(toy, tmp_path / "file", size="quick"))


def test_report_of_a_folder_without_study(toy, tmp_path):
    assert "holds no study" in refusal(lambda: report_study(toy, tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace('"mean": 1', '"mean": 2').replace('"share": 0', '"share": 1'),
        lambda text: "{}",
        lambda text: "[1, 2]",
        lambda text: text.replace('"rate"', '"rat"'),
    ],
    ids=["truncated", "empty", "altered", "other object", "list", "renamed"],
)
def test_damaged_shard_is_named_and_recomputed_once_deleted(toy, finished, outputs, damage):
    before = outputs(finished)
    shard = sorted((finished / "shards").iterdir())[0]
    damaged = damage(shard.read_text())
    assert damaged != shard.read_text()
    shard.write_text(damaged)
    for action in (lambda: run_study(toy, finished, size="quick"), lambda: report_study(toy, finished)):
        text = refusal(action)
        assert str(shard) in text
        assert "delete that file" in text
    shard.unlink()
    assert "8 of 9 cells" in refusal(lambda: report_study(toy, finished))
    run_study(toy, finished, size="quick")
    assert outputs(finished) == before


def test_shard_under_another_cells_name_is_refused(toy, finished):
    first, second = sorted((finished / "shards").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    assert str(first) in refusal(lambda: report_study(toy, finished))


def test_truncated_manifest(toy, finished):
    manifest = finished / "study.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    for action in (lambda: run_study(toy, finished, size="quick"), lambda: report_study(toy, finished)):
        text = refusal(action)
        assert str(manifest) in text
        assert "choose another --out" in text


@pytest.mark.parametrize(
    ("old", "new"), [('"size": "quick"', '"size": "full"'), ('"entropy": "0"', '"entropy": "1"')]
)
def test_manifest_altered_by_hand(toy, finished, old, new):
    manifest = finished / "study.json"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    assert "checksum" in refusal(lambda: run_study(toy, finished, size="quick"))


def test_manifest_says_whose_it_is(finished):
    content = json.loads((finished / "study.json").read_text())["content"]
    assert content["study"] == "toy"
    assert content["entropy"] == "0"
    assert content["settings"] == {"samples": 4000, "rates": [0.5, 1.0, 2.0]}
    assert {"simdyn", "numpy", "numba", "python"} <= set(content["versions"])
    assert content["problem"]["grids"]["means"]["rate"]["unit"] == "1/steps"


def test_another_run_in_the_folder_is_refused(toy, finished):
    other: Study = dataclasses.replace(toy, name="other")
    changed: Study = dataclasses.replace(toy, quick=dataclasses.replace(toy.quick, samples=5))
    assert "holds the study toy, not other" in refusal(lambda: run_study(other, finished, size="quick"))
    assert "--quick" in refusal(lambda: run_study(toy, finished, size="full"))
    assert "--seed 0, not 1" in refusal(lambda: run_study(toy, finished, size="quick", seed=1))
    assert "samples was 4000, now 5" in refusal(lambda: run_study(changed, finished, size="quick"))
    report_study(changed, finished)  # by the settings that the folder was computed with
    assert "not other" in refusal(lambda: report_study(other, finished))


@pytest.mark.parametrize("numbers", [{"seed": -1}, {"threads": 0}])
def test_numbers_out_of_range(toy, tmp_path, numbers):
    assert str(next(iter(numbers.values()))) in refusal(lambda: run_study(toy, tmp_path / "out", **numbers))
    assert not (tmp_path / "out").exists()


def test_folder_locked_by_another_process(toy, finished):
    holder = (
        "import sys; from pathlib import Path; from simdyn.study.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(finished)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        for action in (lambda: run_study(toy, finished, size="quick"), lambda: report_study(toy, finished)):
            assert "another process is working on" in refusal(action)
        process.stdin.close()
        process.wait(10)
    report_study(toy, finished)


def test_leftovers_of_a_killed_run_are_removed_and_ignored(toy, finished, outputs):
    before = outputs(finished)
    leftovers = [finished / "report.html.partial", finished / "shards" / "00.json.partial"]
    for leftover in leftovers:
        leftover.write_text("{half")
    run_study(toy, finished, size="quick")
    assert not any(leftover.exists() for leftover in leftovers)
    assert outputs(finished) == before


def test_folder_of_a_run_killed_before_its_manifest_was_whole(toy, tmp_path):
    (tmp_path / "study.lock").touch()
    killed = "import os, sys; from pathlib import Path; from simdyn.whole_files import replace_atomically\n"
    killed += "replace_atomically(Path(sys.argv[1]), lambda path: (path.write_text('{'), os._exit(9)))"
    subprocess.run([sys.executable, "-c", killed, tmp_path / "study.json"], check=False, capture_output=True)
    (leftover,) = tmp_path.glob("study.json.*")
    run_study(toy, tmp_path, size="quick")
    assert not leftover.exists()


def test_full_disk_keeps_what_is_finished(toy, tmp_path, outputs, monkeypatch):
    replace, left = os.replace, [6]

    def replace_while_space(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_while_space)
    assert "No space left on device" in refusal(lambda: run_study(toy, tmp_path / "a", size="quick"))
    monkeypatch.undo()
    assert len(list((tmp_path / "a" / "shards").iterdir())) == 5  # and one for the manifest
    run_study(toy, tmp_path / "a", size="quick")
    run_study(toy, tmp_path / "b", size="quick")
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


def test_unwritable_folder(toy):
    assert "choose another --out" in refusal(lambda: run_study(toy, Path("/proc/nowhere"), size="quick"))


def test_every_flipped_bit_is_noticed_or_harmless(tmp_path):
    content = {"a": [1.5, float("nan"), -float("inf")], "b": {"c": True}}
    file = tmp_path / "record.json"
    write_record(file, content)
    good, raw = repr(read_record(file)), file.read_bytes()
    harmless = 0
    for place in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        try:
            found = read_record(file)
        except DamagedRecordError:
            continue
        harmless += 1
        assert repr(found) == good
    assert harmless < len(raw)  # white space and the case of exponents
    for length in range(len(raw) - 1):
        file.write_bytes(raw[:length])
        with pytest.raises(DamagedRecordError):
            read_record(file)


def test_full_disk_under_hdf5_is_one_sentence_too(tmp_path):
    # HDF5 tells of a full disk by an OSError or a RuntimeError, without the number where Python looks for it.
    def write(partial):
        partial.write_bytes(b"half")
        raise RuntimeError(f"Can't flush (file write failed: errno = {errno.ENOSPC}, error message = 'No')")

    text = refusal(lambda: replace_atomically(tmp_path / "results.nc", write))
    assert "No space left on device; what was finished before is kept" in text
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="another"):
        replace_atomically(tmp_path / "x", lambda partial: (_ for _ in ()).throw(RuntimeError("another")))


def test_a_shard_of_another_run_is_refused(toy, finished, tmp_path):
    run_study(toy, tmp_path / "other", size="quick", seed=1)
    stranger = next((tmp_path / "other" / "shards").iterdir())
    copy = finished / "shards" / stranger.name
    copy.write_bytes(stranger.read_bytes())
    text = refusal(lambda: report_study(toy, finished))
    assert f"{copy} belongs to another run" in text
