"""The plain parts that a report is made of, before any page is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from psmacore.errors import UsageError
from psmacore.report.words import watermark_words

Rgb = tuple[int, int, int]


class Align(Enum):
    """How a column's cells stand."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Fact:
    """A label and what is known about it."""

    label: str
    value: str


@dataclass(frozen=True)
class Column:
    """A table column: its heading with the unit, its width in sixteenths of the page's and its alignment."""

    heading: str
    share: float = 1.0
    align: Align = Align.RIGHT


@dataclass(frozen=True)
class Row:
    """Cells in column order; ``rgb`` is the colour of the lesion in the pictures, ``None`` where it has none."""

    cells: tuple[str, ...]
    rgb: Rgb | None = None


PAGE_SHARES = 16.0


@dataclass(frozen=True)
class Table:
    """A table with its caption; ``empty_words`` stand in its place where it has no row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty_words: str

    def __post_init__(self) -> None:
        if any(len(row.cells) != len(self.columns) for row in self.rows):
            raise UsageError(f"table {self.caption!r}: a row does not have {len(self.columns)} cells")

    @property
    def width(self) -> float:
        """Its width as a fraction of the page's, at most 1."""
        return min(1.0, sum(column.share for column in self.columns) / PAGE_SHARES)


@dataclass(frozen=True)
class Section:
    """One heading of the report.

    Parameters
    ----------
    title : str
        Heading.
    summary : str
        The same in one plain line, for the RIS.
    facts : tuple of Fact
        Shown first, two columns.
    notes : tuple of str
        Sentences.
    cautions : tuple of str
        Sentences that must not be overlooked.
    tables : tuple of Table
        Shown last.
    has_mip : bool
        Whether the picture stands here.
    """

    title: str
    summary: str
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    has_mip: bool = False


@dataclass(frozen=True)
class Signature:
    """Who read the study and when; ``signed_at`` is a DICOM DT."""

    reader: str
    signed_at: str


@dataclass(frozen=True)
class ReportDocument:
    """A report as data: what HTML, PDF and plain text show alike.

    Parameters
    ----------
    title : str
        Kind of report.
    patient : tuple of Fact
        ID, sex and birth year; there is no name.
    patient_id, study_date : str
        For the head of each page; the date in words.
    status : str
        Who vouches for the content, in one line.
    is_confirmed, is_simulated : bool
        Whether a reader has confirmed everything; whether the patient is simulated.
    sections : tuple of Section
        In the order of the contract.
    appendix : tuple of Section
        What supports them.
    is_simulation_trained : bool
        Whether weights trained on simulation drew on real images.
    """

    title: str
    patient: tuple[Fact, ...]
    patient_id: str
    study_date: str
    status: str
    is_confirmed: bool
    is_simulated: bool
    sections: tuple[Section, ...]
    appendix: tuple[Section, ...]
    is_simulation_trained: bool = False

    @property
    def watermark(self) -> str:
        """What lies across every page; empty for clinical images read by clinical methods."""
        return watermark_words(is_simulated=self.is_simulated, is_simulation_trained=self.is_simulation_trained)
