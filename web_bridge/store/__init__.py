"""DICOM instances as files with a SQLite index: what is received is kept byte for byte and found fast."""

from web_bridge.store.archive import Archive, Outcome, Received
from web_bridge.store.index import Match, StoredInstance
from web_bridge.store.levels import Level
from web_bridge.store.query import Filter, Order, Query

__all__ = ["Archive", "Filter", "Level", "Match", "Order", "Outcome", "Query", "Received", "StoredInstance"]
