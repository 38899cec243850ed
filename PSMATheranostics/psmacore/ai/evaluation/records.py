"""An evaluation to its files: evaluation.json, cases.csv, lesions.csv and report.md."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from psmacore.ai.evaluation.figures import CaseResult
from psmacore.ai.evaluation.report import Evaluation, RuleReport, method_words
from psmacore.ai.evaluation.summary import Group, Summary, case_figures, figures_of
from psmacore.pipeline.evaluate_request import RESULT_FILE

SIMULATED = "Measured on simulated patients: no figure here is clinical."
RESEARCH = "Research use only; a reader must confirm every result."


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json, cases.csv, report.md and, for lesions, lesions.csv into ``folder``."""
    text = json.dumps(to_record(evaluation), indent=1, allow_nan=False)
    (folder / RESULT_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / "report.md").write_text(to_markdown(evaluation), encoding="utf-8")
    _write_cases(evaluation.cases, folder / "cases.csv")
    if evaluation.sizes:
        _write_lesions(evaluation.cases, folder / "lesions.csv")


def to_record(evaluation: Evaluation) -> dict[str, object]:
    """Return evaluation.json as an object: what is not a number is null."""
    record: dict[str, object] = {
        "model": evaluation.model,
        "version": evaluation.version,
        "weights_sha256": evaluation.weights_sha256,
        "data": evaluation.data,
        "is_simulated": evaluation.is_simulated,
        "n_cases": len(evaluation.cases),
        "n_patients": len({case.patient_id for case in evaluation.cases}),
        "cases": [_case(case) for case in evaluation.cases],
        "summary": {name: _summary(summary) for name, summary in evaluation.summary.items()},
        "groups": {
            name: [{"name": group.name, "n_cases": group.n_cases, "dsc": _summary(group.dsc)} for group in groups]
            for name, groups in evaluation.groups.items()
        },
        "device": evaluation.device,
        "commit": evaluation.commit,
        "operating_point": None if evaluation.by_own_labels else evaluation.operating_point,
        "postprocessing": evaluation.postprocessing or None,
        "method": list(method_words(evaluation)),
        "warnings": list(evaluation.warnings),
    }
    if evaluation.sizes:
        record["lesions_by_size"] = [
            {
                "name": size.name,
                "n_lesions": size.n_lesions,
                "n_found": size.n_found,
                "sensitivity": _number(size.sensitivity),
                "part_found": _number(size.part_found),
            }
            for size in evaluation.sizes
        ]
    if evaluation.rules:
        record["rules"] = [_rule(rule) for rule in evaluation.rules]
        record["best_rules"] = [_rule(rule) for rule in evaluation.best_rules]
    if evaluation.answers is not None:
        record |= _answers(evaluation)
    return record


def to_markdown(evaluation: Evaluation) -> str:
    """Return the report as Markdown tables that also read as plain text."""
    lines = [f"# {evaluation.model} {evaluation.version}", "", f"Data: {evaluation.data}.", ""]
    lines += [SIMULATED if evaluation.is_simulated else RESEARCH, ""]
    lines += [f"- {warning}" for warning in evaluation.warnings]
    lines += [
        "",
        "## Figures",
        "",
        *_table(("figure", "n", "mean", "median", "95 % interval"), _figure_rows(evaluation)),
    ]
    if evaluation.answers is not None:
        matrix = evaluation.answers.matrix
        rows: list[Sequence[str]] = [
            ("called positive", str(matrix.n_true_positive), str(matrix.n_false_positive)),
            ("called negative", str(matrix.n_false_negative), str(matrix.n_true_negative)),
        ]
        lines += [
            "",
            f"## Confusion matrix at {evaluation.operating_point:g}",
            "",
            *_table(("", "lesion", "no lesion"), rows),
        ]
    if evaluation.sizes:
        header = ("lesions of the truth", "n", "found", "sensitivity", "part of the voxels")
        rows_of_sizes = [
            (size.name, str(size.n_lesions), str(size.n_found), _words(size.sensitivity), _words(size.part_found))
            for size in evaluation.sizes
        ]
        lines += ["", "## Lesions by size", "", *_table(header, rows_of_sizes)]
    for name, groups in evaluation.groups.items():
        if groups:
            title = f"## DSC by {name.replace('_', ' ')}"
            lines += ["", title, "", *_table(("cases", "n", "mean", "median", "95 % interval"), _group_rows(groups))]
    if evaluation.rules:
        lines += ["", "## Rules on the same cases, the best first", "", *_best_rules(evaluation)]
        lines += _rule_table(evaluation)
    lines += ["", "## Cases", "", *_case_table(evaluation)]
    lines += ["", *(f"- {sentence}" for sentence in method_words(evaluation)), f"- Device: {evaluation.device}.", ""]
    return "\n".join(lines)


def _figure_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    return [_summary_row(name, summary) for name, summary in evaluation.summary.items()]


def _group_rows(groups: Sequence[Group]) -> list[tuple[str, ...]]:
    return [_summary_row(group.name, group.dsc) for group in groups]


def _summary_row(name: str, summary: Summary) -> tuple[str, ...]:
    interval = "-" if summary.ci95 is None else f"{_words(summary.ci95[0])} to {_words(summary.ci95[1])}"
    return name, str(summary.n), _words(summary.mean), _words(summary.median), interval


def _best_rules(evaluation: Evaluation) -> list[str]:
    lines = [
        f"- {best.structure}: the best of threshold and predicted organs is '{best.rule.name}', "
        f"DSC {_words(best.dsc)}; the model's DSC minus it {_words(best.margin.mean)}."
        for best in evaluation.best_rules
    ]
    return [*lines, "- It was chosen on these very cases, which favours the rule.", ""]


def _rule_table(evaluation: Evaluation) -> list[str]:
    header = ("structure", "rule", "DSC mean", "DSC median", "FPV ml", "FNV ml", "model's DSC minus rule's")
    rows = []
    for rule in evaluation.rules:
        dsc, fpv, fnv = (rule.summary[name] for name in ("dsc", "fpv_ml", "fnv_ml"))
        _, _, margin, _, interval = _summary_row("", rule.margin)
        figures = map(_words, (dsc.mean, dsc.median, fpv.mean, fnv.mean))
        rows.append((rule.structure, rule.rule.name, *figures, f"{margin} ({interval})"))
    return _table(header, rows)


def _case_table(evaluation: Evaluation) -> list[str]:
    if evaluation.answers is not None:
        header = ("case", "lesion", "probability")
        return _table(
            header,
            [
                (case.case_id, "yes" if case.is_positive else "no", _words(case.probability))
                for case in evaluation.cases
            ],
        )
    names = [name for name in _SHOWN if name in evaluation.summary]
    rows = []
    for case in evaluation.cases:
        figures = figures_of(case)
        rows.append((case.case_id, case.scan_range, *(_words(figures.get(name)) for name in names)))
    return _table(("case", "scan range", *names), rows)


_SHOWN = tuple(
    f"{prefix}{name}"
    for prefix in ("", "psma_", "fdg_")
    for name in ("dsc", "surface_dsc", "fpv_ml", "fnv_ml", "delta_mtv_percent", "delta_suv_mean_percent")
)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]


def _write_cases(cases: Sequence[CaseResult], path: Path) -> None:
    figures = case_figures(cases)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "tracer", "scan_range", "seconds", "is_positive", "probability", *figures])
        for row, case in enumerate(cases):
            answer = ["" if case.is_positive is None else int(case.is_positive), _cell(case.probability)]
            values = [_cell(float(values[row])) for values in figures.values()]
            writer.writerow([case.case_id, case.tracer, case.scan_range, _cell(case.seconds), *answer, *values])


def _write_lesions(cases: Sequence[CaseResult], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "structure", "volume_ml", "part_found"])
        for case in cases:
            for structure in case.structures:
                for lesion in structure.lesions:
                    writer.writerow(
                        [case.case_id, structure.structure, _cell(lesion.volume_ml), _cell(lesion.part_found)]
                    )


def _case(case: CaseResult) -> dict[str, object]:
    record: dict[str, object] = {
        "case_id": case.case_id,
        "tracer": case.tracer or None,
        "scan_range": case.scan_range,
        "seconds": _number(case.seconds),
    }
    if case.is_positive is not None:
        return record | {"is_positive": case.is_positive, "probability": _number(case.probability)}
    return record | {
        **{name: _number(value) for name, value in figures_of(case).items()},
        "volumes_ml": {
            structure.structure: {"true": _number(structure.true_ml), "predicted": _number(structure.predicted_ml)}
            for structure in case.structures
        },
    }


def _summary(summary: Summary) -> dict[str, object]:
    interval = None if summary.ci95 is None else list(summary.ci95)
    return {"mean": _number(summary.mean), "median": _number(summary.median), "ci95": interval, "n": summary.n}


def _rule(rule: RuleReport) -> dict[str, object]:
    return {
        "structure": rule.structure,
        "name": rule.rule.name,
        "is_plain": rule.rule.is_plain,
        "summary": {name: _summary(summary) for name, summary in rule.summary.items()},
        "model_dsc_minus_rule": _summary(rule.margin),
    }


def _answers(evaluation: Evaluation) -> Mapping[str, object]:
    found = evaluation.answers
    if found is None:
        return {}
    matrix, roc = found.matrix, found.roc
    return {
        "confusion_matrix": {
            "true_positive": matrix.n_true_positive,
            "false_positive": matrix.n_false_positive,
            "false_negative": matrix.n_false_negative,
            "true_negative": matrix.n_true_negative,
        },
        "roc": {
            "thresholds": [_number(value) for value in roc.thresholds],
            "sensitivity": [_number(value) for value in roc.sensitivity],
            "false_positive_rate": [_number(value) for value in roc.false_positive_rate],
        },
    }


def _number(value: float | np.floating | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _cell(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"


def _words(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"
