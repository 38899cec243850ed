"""``psma suv``: every PET series of a folder to SUVbw, its factor, and the derivation in words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psmacore.cli.options import Subparsers
    from psmacore.dicom.scan import SeriesFiles, StudyContents
    from psmacore.model.suv import Override, SuvDerivation, SuvFactors
    from psmacore.model.volumes import PetVolume, SuvVolume

REFUSED = 3
_SUFFIX = "_suvbw.nii.gz"


def add_parser(subparsers: Subparsers) -> None:
    """Add ``psma suv``."""
    parser = subparsers.add_parser(
        "suv",
        help="SUV factors of every PET series in a folder, and how they were derived",
        description="Derive SUVbw of every PET series in a folder. Exit code 0 if one series is accepted, 3 if none.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with DICOM files")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write each accepted series as SERIES_UID{_SUFFIX}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="value in place of the header's, for example weight_kg=81; recorded in the derivation",
    )


def run(arguments: argparse.Namespace) -> int:
    """Derive, print and, with ``--out``, write.

    Returns
    -------
    int
        0 if one series is accepted, 3 if none.

    Raises
    ------
    UsageError
        If the folder does not exist or an override is unknown.
    InputRefusedError
        If the folder holds no DICOM study, or several patients.
    """
    from psmacore.cli.options import reader_name, write_json
    from psmacore.errors import InputRefusedError, UsageError
    from psmacore.suv.overrides import entries_of, parse_override

    overrides = tuple(parse_override(text, reader=reader_name()) for text in arguments.override)
    entries_of(overrides)
    if not arguments.folder.is_dir():
        raise UsageError(f"no such folder: {arguments.folder}")
    if arguments.out is not None and arguments.out.exists() and not arguments.out.is_dir():
        raise UsageError(f"--out is no folder: {arguments.out}")
    try:
        series = [one for study in _studies(arguments.folder) for one in study.of_modality("PT")]
    except InputRefusedError:
        if arguments.json:
            write_json({"series": []})
        raise
    entries = [_entry(one, overrides, arguments.out) for one in series]
    if not entries:
        sys.stderr.write("psma suv: the folder holds no PET series\n")
    for entry in entries:
        if entry["refused"] is not None:
            sys.stderr.write(f"psma suv: series {entry['series_uid']} refused: {entry['refused']}\n")
    if arguments.json:
        write_json({"series": entries})
    else:
        _print_table(entries)
    return 0 if any(entry["refused"] is None for entry in entries) else REFUSED


def _studies(folder: Path) -> list[StudyContents]:
    """Return every study of a folder that belongs to one patient, by date."""
    from psmacore.dicom.files import each_file, read_header
    from psmacore.dicom.headers import text
    from psmacore.dicom.scan import scan_folder
    from psmacore.errors import StudyContentError

    try:
        return [scan_folder(folder)]
    except StudyContentError:
        found = [header.dataset for header in map(read_header, each_file(folder)) if header is not None]
        study_uids = sorted({uid for uid in (text(dataset, 0x0020000D) for dataset in found) if uid})
        patients = {(text(one, 0x00100020), text(one, 0x00100021)) for one in found if text(one, 0x0020000D)}
        if len(study_uids) < 2 or len(patients) > 1:
            raise
        studies = [scan_folder(folder, study_uid=uid) for uid in study_uids]
        return sorted(studies, key=lambda one: (one.study.date, one.study.time, one.study.study_uid))


def _entry(series: SeriesFiles, overrides: Sequence[Override], out: Path | None) -> dict[str, object]:
    """Return the JSON entry of one PET series, and write its SUV where ``out`` is given."""
    from psmacore.dicom.read_pet import read_pet_series
    from psmacore.errors import InputRefusedError
    from psmacore.suv.convert import to_suv

    pet: PetVolume | None = None
    try:
        pet = read_pet_series(series.paths)
        suv = to_suv(pet, overrides)
    except InputRefusedError as error:
        return _refused(series, pet, str(error))
    nifti = None if out is None else str(_write_nifti(suv, out))
    return _accepted(suv.derivation, pet.header.findings, nifti)


def _accepted(derivation: SuvDerivation, findings: Sequence[str], nifti: str | None) -> dict[str, object]:
    return {
        "series_uid": derivation.series_uid,
        "units": derivation.units_stored,
        "suv_type_stored": derivation.suv_type_stored,
        "decay_correction": derivation.decay_correction,
        "factor_g_per_bq": derivation.factor_g_per_bq,
        "factors": _factors(derivation.factors),
        "nifti": nifti,
        "derivation": [*derivation.steps, *(_override_words(one) for one in derivation.overrides)],
        "warnings": [*findings, *derivation.warnings],
        "refused": None,
    }


def _refused(series: SeriesFiles, pet: PetVolume | None, reason: str) -> dict[str, object]:
    return {
        "series_uid": series.ref.series_uid,
        "units": series.units if pet is None else pet.acquisition.units,
        "suv_type_stored": None if pet is None else pet.acquisition.suv_type or None,
        "decay_correction": "" if pet is None else pet.acquisition.decay_correction,
        "factor_g_per_bq": None,
        "factors": _factors(None),
        "nifti": None,
        "derivation": [],
        "warnings": [] if pet is None else list(pet.header.findings),
        "refused": reason,
    }


def _factors(factors: SuvFactors | None) -> dict[str, float | None]:
    return {
        name: None if factors is None else getattr(factors, name)
        for name in ("bw", "lbm", "lbm_james128", "lbm_janma", "bsa", "ibw")
    }


def _override_words(override: Override) -> str:
    by = f" by {override.reader}" if override.reader else ""
    return f"Override{by}: {override.key} = {override.value} in place of {override.old_value or 'nothing'}."


def _write_nifti(suv: SuvVolume, out: Path) -> Path:
    """Write SUVbw, float32, as NIfTI (SimpleITK takes LPS and writes NIfTI's RAS); aside first, then renamed."""
    import os
    import re

    import SimpleITK as sitk

    from psmacore.errors import DicomInputError

    uid = suv.derivation.series_uid
    if re.fullmatch(r"[0-9.]{1,64}", uid) is None:
        raise DicomInputError("is no UID", tag=0x0020000E, keyword="Series Instance UID", value=uid)
    image: Any = sitk.GetImageFromArray(suv.values)
    image.SetOrigin([float(value) for value in suv.geometry.origin_lps_mm])
    image.SetSpacing([float(value) for value in suv.geometry.spacing_ijk_mm])
    image.SetDirection([float(value) for value in suv.geometry.directions_lps.ravel()])
    out.mkdir(parents=True, exist_ok=True)
    aside = out / f".{os.getpid()}_{uid}{_SUFFIX}"
    final = out / f"{uid}{_SUFFIX}"
    try:
        sitk.WriteImage(image, str(aside), useCompression=True)
        aside.replace(final)
    finally:
        aside.unlink(missing_ok=True)
    return final


def _print_table(entries: Sequence[dict[str, object]]) -> None:
    for entry in entries:
        print(f"PET series {entry['series_uid']}")
        print(f"  units {entry['units'] or 'absent'}, decay correction {entry['decay_correction'] or 'absent'}")
        if entry["refused"] is not None:
            print(f"  REFUSED: {entry['refused']}\n")
            continue
        factor = entry["factor_g_per_bq"]
        print(f"  SUVbw factor: {'see derivation' if factor is None else f'{factor:.9g} g/Bq'}")
        factors = entry["factors"]
        if isinstance(factors, dict):
            words = (f"{name} {'-' if value is None else f'{value:.6g}'}" for name, value in factors.items())
            print(f"  from SUVbw to: {', '.join(words)}")
        for title in ("derivation", "warnings"):
            lines = entry[title]
            if isinstance(lines, list) and lines:
                print(f"  {title}:", *lines, sep="\n    - ")
        if entry["nifti"] is not None:
            print(f"  written: {entry['nifti']}")
        print()
