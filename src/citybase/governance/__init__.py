"""政策法规和管理制度: plans, tasks, assessments, standards."""
