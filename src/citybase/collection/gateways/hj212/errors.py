"""The one error of the HJ 212 codec, as data: a stable code, a detail, and its text in two languages."""

__all__ = ["MESSAGES", "FrameError"]

MESSAGES: dict[str, tuple[str, str]] = {
    "bad_header": ("报文不以 ## 开头", "the frame does not start with ##"),
    "bad_length": ("## 之后不是四位十进制长度", "## is not followed by a four-digit length"),
    "length_mismatch": ("数据段长度与声明不符", "the data segment is not as long as declared"),
    "no_crc": (
        "数据段之后没有四位十六进制校验码",
        "no four-digit hexadecimal checksum after the data segment",
    ),
    "bad_crc": ("校验码不符", "the checksum does not match the content"),
    "trailing_data": ("校验码之后还有多余内容", "there is more text after the checksum"),
    "no_cp": ("没有指令参数 CP", "the frame has no CP field"),
    "bad_encoding": ("既不是 UTF-8 也不是 GB18030 编码", "neither UTF-8 nor GB18030 text"),
    "too_long": ("报文过长", "the frame is too long"),
    "no_device": ("没有设备标识 MN", "the frame has no device id (MN)"),
    "bad_time": ("没有可用的数据时间 DataTime", "no usable data time (DataTime)"),
}


class FrameError(ValueError):
    """A frame that cannot be taken. `code` is one of `MESSAGES` and never changes its meaning."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(self.message("en"))

    def message(self, language: str = "zh") -> str:
        """The text for a person, `zh` or `en`, with the detail where there is one."""
        text = MESSAGES[self.code][0 if language == "zh" else 1]
        return f"{text}: {self.detail}" if self.detail else text
