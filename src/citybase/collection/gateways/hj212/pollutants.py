"""Codes of HJ 212 in city terms: pollutants, statistics, data flags.

The code tables of appendix B were checked against one open implementation, not against the standard's own
text; codes of the 2005 edition stand beside those of 2017. A code that is not here keeps its own name,
lower-cased.
"""

import re

__all__ = ["CODES", "COMMANDS", "PROPERTIES", "QUALITY", "STATISTICS", "property_of", "quality_of"]

# property → code of 2017, then other codes for it: those of 2005, then names that careless senders use.
CODES: dict[str, tuple[str, ...]] = {
    "pm25": ("a34004", "PM2.5", "PM25"),
    "pm10": ("a34002",),
    "pm1": ("a34005",),
    "tsp": ("a34001",),
    "so2": ("a21026", "02"),
    "no2": ("a21004",),
    "co": ("a21005", "04"),
    "o3": ("a05024",),
    "nox": ("a21002", "03"),
    "nitric_oxide": ("a21003",),
    "ammonia": ("a21001", "10"),
    "smoke": ("a34013", "01"),
    "temperature": ("a01001",),
    "humidity": ("a01002",),
    "pressure": ("a01006",),
    "wind_speed": ("a01007",),
    "wind_direction": ("a01008",),
    "flow": ("w00000", "B01"),
    "gas_flow": ("a00000", "B02"),
    "ph": ("w01001", "001"),
    "dissolved_oxygen": ("w01009",),
    "water_temperature": ("w01010",),
    "conductivity": ("w01014",),
    "cod": ("w01018", "011"),
    "ammonia_nitrogen": ("w21003", "060"),
    "total_nitrogen": ("w21001", "065"),
    "total_phosphorus": ("w21011", "101"),
}
PROPERTIES = {code.lower(): name for name, codes in CODES.items() for code in codes}

# CN of the uploads that carry measurements: real time, minutes, hour, day.
COMMANDS = {"2011": "real_time", "2051": "minute", "2061": "hour", "2031": "day"}

# Fields that hold a measured number. Zs… is the value converted to standard conditions (折算).
STATISTICS = frozenset(
    {
        *("Rtd", "Avg", "Min", "Max", "Cou"),
        *("ZsRtd", "ZsAvg", "ZsMin", "ZsMax"),
        *("Data", "DayData", "NightData"),
    }
)

# Data flag (数据标记) → quality of the observation; 0 is good. An item without a flag counts as good: the
# 2005 edition leaves it out. Digits are the 2005 edition's flags of ambient air stations; they and P could
# not be checked.
QUALITY = {
    "N": 0,  # normal 正常
    "F": 10,  # stopped 停运
    "M": 11,  # maintenance 维护
    "S": 12,  # value set by hand 手工输入
    "D": 13,  # fault 故障
    "C": 14,  # calibration 校准
    "T": 15,  # out of range 超测量上限
    "B": 16,  # communication fault 通讯异常
    "P": 17,  # power failure 电源故障
    "0": 14,  # calibration data 校准数据
    "1": 0,  # weather parameter 气象参数
    "2": 13,  # abnormal data 异常数据
    "3": 0,  # normal data 正常数据
}
UNKNOWN_FLAG = 19

_NAME = re.compile(r"[a-z0-9_]{1,32}")


def property_of(code: str) -> str | None:
    """The property a pollutant code stands for; None where the code could name none."""
    name = PROPERTIES.get(code.lower(), code.lower())
    return name if _NAME.fullmatch(name) else None


def quality_of(flag: str | None) -> int:
    """The quality number of a data flag; an unknown flag is not good."""
    return 0 if not flag else QUALITY.get(flag.strip().upper(), UNKNOWN_FLAG)
