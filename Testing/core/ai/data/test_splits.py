from __future__ import annotations

import json
from pathlib import Path

import pytest

from psmacore.ai.data.case import CaseRef, Layout, ReferenceTracer
from psmacore.ai.data.splits import (
    W61_COUNTS,
    Split,
    cases_of,
    five_folds,
    published_folds,
    read_splits,
    split_by_patient,
    write_splits,
)
from psmacore.errors import InputRefusedError, UsageError


def refs_of(n_patients: int, n_each: int = 1) -> list[CaseRef]:
    return [
        CaseRef(f"patient-{patient:03d}-{scan}", f"patient-{patient:03d}", Layout.AUTOPET, Path("data"))
        for patient in range(n_patients)
        for scan in range(n_each)
    ]


@pytest.fixture
def pairs() -> list[CaseRef]:
    return [
        CaseRef(f"train_{n:04d}_to_{tracer}", f"train_{n:04d}", Layout.DEEP_PSMA, Path("data"), reference=tracer)
        for n in range(100)
        for tracer in ReferenceTracer
    ]


def test_eighty_ten_ten_by_patient() -> None:
    """W70: 80/10/10, by patient and not by scan."""
    split = split_by_patient(refs_of(200, n_each=2))

    assert [len(part) for part in (split.train, split.validation, split.test)] == [160, 20, 20]
    assert len(split.patients) == 200


def test_the_papers_counts_are_met_with_the_papers_number_of_patients() -> None:
    """W61: 98/15/16 of 129; the text calls 98 of 129 80 %."""
    split = split_by_patient(refs_of(129), parts=W61_COUNTS)

    assert [len(part) for part in (split.train, split.validation, split.test)] == [98, 15, 16]


def test_a_split_depends_on_seed_and_names_alone() -> None:
    refs = refs_of(30)

    assert split_by_patient(refs) == split_by_patient(list(reversed(refs)))
    assert split_by_patient(refs, seed=1) != split_by_patient(refs, seed=2)


def test_the_split_of_three_patients_is_fixed() -> None:
    """Fixed for good: the order is a hash and no random number of a library."""
    split = split_by_patient(refs_of(3))

    assert split == Split(("patient-002",), ("patient-001",), ("patient-000",))


def test_both_copies_of_a_case_are_on_one_side_in_every_fold(pairs: list[CaseRef]) -> None:
    """D07, D16."""
    folds = five_folds(pairs)

    assert len(folds) == 5
    held = [patient for fold in folds for patient in fold.validation]
    assert sorted(held) == sorted({ref.patient_id for ref in pairs})
    for fold in folds:
        assert len(fold.validation) == 20
        train, validation = cases_of(pairs, fold.train), cases_of(pairs, fold.validation)
        assert len(train) == 160
        assert len(validation) == 40
        assert not {ref.patient_id for ref in train} & {ref.patient_id for ref in validation}


def test_a_split_file_is_read_as_written(tmp_path: Path, pairs: list[CaseRef]) -> None:
    folds = five_folds(pairs)

    path = write_splits(tmp_path / "splits.json", folds)

    assert read_splits(path, pairs) == folds


def test_a_split_file_of_other_data_is_refused(tmp_path: Path) -> None:
    path = write_splits(tmp_path / "splits.json", [split_by_patient(refs_of(10))])

    with pytest.raises(InputRefusedError, match="names 1 patients that the data lacks, and does not name 0"):
        read_splits(path, refs_of(9))


def test_a_patient_on_two_sides_is_refused() -> None:
    with pytest.raises(InputRefusedError, match="in train and validation"):
        Split(("a", "b"), ("b",))


@pytest.mark.parametrize("record", [[], {"schema": "other", "folds": []}, {"schema": "psma-splits/1", "folds": []}])
def test_a_file_that_is_no_split_is_refused(tmp_path: Path, record: object) -> None:
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(record))

    with pytest.raises(InputRefusedError, match=r"splits\.json"):
        read_splits(path, refs_of(3))


def test_the_data_sets_own_folds_are_kept(tmp_path: Path) -> None:
    """AutoPET III's splits_final.json lists cases; those of the other tracer are passed over."""
    refs = [CaseRef(f"psma_{p}_2018-0{s}", f"psma_{p}", Layout.AUTOPET, tmp_path) for p in "ab" for s in (1, 2)]
    cases = {patient: [ref.case_id for ref in refs if ref.patient_id == f"psma_{patient}"] for patient in "ab"}
    record = [{"train": [*cases["a"], "fdg_x_1"], "val": cases["b"]}, {"train": cases["b"], "val": cases["a"]}]
    (tmp_path / "splits_final.json").write_text(json.dumps(record))

    folds = published_folds(tmp_path, refs)

    assert folds == (Split(("psma_a",), ("psma_b",)), Split(("psma_b",), ("psma_a",)))


def test_a_published_fold_that_tears_a_patient_apart_is_refused(tmp_path: Path) -> None:
    refs = [CaseRef(f"psma_a_{s}", "psma_a", Layout.AUTOPET, tmp_path) for s in (1, 2)]
    (tmp_path / "splits_final.json").write_text(json.dumps([{"train": ["psma_a_1"], "val": ["psma_a_2"]}]))

    with pytest.raises(InputRefusedError, match="in train and validation"):
        published_folds(tmp_path, refs)


def test_without_published_folds_there_are_none(tmp_path: Path) -> None:
    assert published_folds(tmp_path, refs_of(2)) is None


def test_four_patients_make_no_five_folds() -> None:
    with pytest.raises(UsageError, match="the data has 4"):
        five_folds(refs_of(4))


def test_one_patient_makes_no_split() -> None:
    with pytest.raises(UsageError, match="the data has 1"):
        split_by_patient(refs_of(1, n_each=5))
