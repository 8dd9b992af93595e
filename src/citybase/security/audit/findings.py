"""What a verification can find, in words: one table, Chinese first, each with a remedy."""

from typing import NamedTuple

import msgspec

__all__ = ["Finding", "finding"]


class _Words(NamedTuple):
    what: str
    what_en: str
    remedy: str
    remedy_en: str


_RESTORE = (
    "保留现场并报告安全负责人；从备份恢复该文件后重新校验。",
    "Keep the folder as evidence and tell the security officer; restore the file from a backup and verify again.",
)
_FORGED = (
    "日志内容在签名之后被替换：保留现场并报告安全负责人，与异地备份逐条比对。",
    "The log was replaced after it was signed: keep it as evidence, tell the security officer, compare with a backup.",
)

_WORDS: dict[str, _Words] = {
    "key_differs": _Words(
        "文件夹中的公钥与校验所用公钥不同",
        "The public key in the folder is not the key used for this verification",
        "用独立保管的公钥校验；若确已更换密钥，用旧公钥校验旧日志。",
        "Verify with the key that was kept elsewhere; a log signed by an older key is verified with that key.",
    ),
    "checkpoint": _Words("当前检查点无效：{reason}", "The newest checkpoint is not valid: {reason}", *_RESTORE),
    "history_note": _Words("历史检查点无效：{reason}", "A historical checkpoint is not valid: {reason}", *_RESTORE),
    "history_order": _Words(
        "历史检查点的大小、散列算法或顺序不对",
        "A historical checkpoint is out of order, or names another hash",
        *_RESTORE,
    ),
    "history_end": _Words(
        "历史的最后一个检查点不是当前检查点",
        "The history does not end with the newest checkpoint",
        "若刚发生过断电或强制结束，启动系统一次即可自行修复；否则从备份恢复。",
        "After a crash, start CityBase once and it mends this; otherwise restore the file from a backup.",
    ),
    "missing": _Words("缺少文件", "The file is missing", *_RESTORE),
    "stray": _Words(
        "日志中不应有的文件",
        "The file does not belong to the log",
        "查明来源后移出该文件夹。",
        "Find out where it came from, then move it out of the folder.",
    ),
    "unfinished": _Words(
        "上一次追加没有完成",
        "The last append did not end",
        "启动系统一次，它会自行完成或撤销，然后重新校验。",
        "Start CityBase once: it finishes or discards the append by itself; then verify again.",
    ),
    "malformed": _Words("文件内容不完整：{reason}", "The file is not whole: {reason}", *_RESTORE),
    "tile_hash": _Words(
        "第 {index} 个散列与其下的内容不符，记录本身未见改动",
        "Hash {index} does not follow from what is below it; the entries themselves look untouched",
        *_RESTORE,
    ),
    "entry": _Words("第 {index} 条记录与记入时不同", "Entry {index} is not what was logged", *_FORGED),
    "rewritten": _Words(
        "该文件与其下的内容被一并改写", "The file was rewritten together with what is below it", *_FORGED
    ),
    "root": _Words(
        "第 {first} 至 {last} 条记录不是当时签名的内容",
        "Entries {first} to {last} are not what was signed at that time",
        *_FORGED,
    ),
    "rolled_back": _Words(
        "日志只有 {size} 条，而您保存的检查点有 {known} 条：日志被回退",
        "The log has {size} entries where the checkpoint you kept has {known}: it was rolled back",
        *_FORGED,
    ),
    "not_included": _Words(
        "无法证明第 {index} 条记录在日志中：{reason}",
        "Entry {index} cannot be proved to be in the log: {reason}",
        *_RESTORE,
    ),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: in which file, at which byte, with which entry or hash, and what to do."""

    code: str
    file: str
    offset: int | None = None
    index: int | None = None
    what: str
    what_en: str
    remedy: str
    remedy_en: str


def finding(code: str, file: str, *, offset: int | None = None, index: int | None = None, **params: object) -> Finding:
    """The finding of a code, its words filled with `index` and `params`."""
    words = _WORDS[code]
    filled = {**params, "index": index}
    return Finding(
        code=code,
        file=file,
        offset=offset,
        index=index,
        what=words.what.format(**filled),
        what_en=words.what_en.format(**filled),
        remedy=words.remedy,
        remedy_en=words.remedy_en,
    )
