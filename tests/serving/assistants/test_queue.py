from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable
from serving.assistants.queue import Jobs, JobState


def test_what_was_queued_is_found_by_whoever_comes_next_oldest_first(tmp_path: Path) -> None:
    made = [Jobs(tmp_path).add(["ft_1", "ft_2"]), Jobs(tmp_path).add(["ft_3"])]
    assert Jobs(tmp_path).list() == made
    assert all(job.open and job.state is JobState.QUEUED for job in made)


def test_a_job_is_replaced_whole(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    done = replace(jobs.add(["ft_1"]), state=JobState.TRAINED, share=1.0, assistant="a" * 64)
    jobs.save(done)
    assert jobs.list() == [done]
    assert not done.open
    assert [path.name for path in tmp_path.iterdir()] == [f"{done.id}.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"state": "other"}'])
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, text: str) -> None:
    job = Jobs(tmp_path).add(["ft_1"])
    (tmp_path / f"{job.id}.json").write_text(text)
    with pytest.raises(StoreUnavailable, match=job.id):
        Jobs(tmp_path).list()


def test_a_disk_that_refuses_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        Jobs(tmp_path / "queue").add(["ft_1"])
