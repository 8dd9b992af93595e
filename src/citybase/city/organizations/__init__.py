"""Organization 部门: who owns, answers for, handles. A tree: city › district, department › street, branch."""
