"""Calendar 工作日历: the statutory calendar of the kernel with the city's own working days and days off on top.

Follows the State Council's yearly notices on holidays (国务院办公厅关于节假日安排的通知), kept by `chinesecalendar`.
"""

from citybase.city.calendar.actions import set_day
from citybase.city.calendar.queries import load_calendar, read_year

__all__ = ["load_calendar", "read_year", "set_day"]
