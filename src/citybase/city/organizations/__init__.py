"""Organization 部门: who owns, answers for, handles. A tree: city › district, department › street, branch.

Divisions follow GB/T 2260 (county level and above) and the statistical codes of the National Bureau of Statistics
below it; zones that no national list holds are marked `local`.
"""
