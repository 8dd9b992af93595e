"""CityBase 城基: a city's digital public infrastructure (城市数字公共基础设施) as one program."""
