"""Operations centre 城市运行管理中心: the situation on one screen, live, every number a way down.

Serves 002-101 (态势感知、监测预警、事件管理). What it shows is declared by packs (`views/*.yaml`).
"""
