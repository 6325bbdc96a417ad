"""NAS-Bench-201: 15,625 cells of six operations, all trained and published (Dong and Yang, 2020)."""

from automl.searchspaces.nasbench201.cell import EDGES, OPERATIONS, Cell
from automl.searchspaces.nasbench201.space import NasBench201

__all__ = ["EDGES", "OPERATIONS", "Cell", "NasBench201"]
