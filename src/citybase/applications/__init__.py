"""横5 智慧应用层: operations centre, grid, hotline, services."""
