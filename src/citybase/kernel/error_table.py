"""The one table of error codes. Each row: status, title, detail, remedy; Chinese first, English second."""

from dataclasses import dataclass

__all__ = ["ERRORS", "ErrorDefinition", "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ErrorDefinition:
    status: int
    title: Words
    detail: Words
    remedy: Words


def _row(status: int, title: tuple[str, str], detail: tuple[str, str], remedy: tuple[str, str]) -> ErrorDefinition:
    return ErrorDefinition(status, Words(*title), Words(*detail), Words(*remedy))


ERRORS: dict[str, ErrorDefinition] = {
    # --- every interface -------------------------------------------------------------------------------------
    "invalid_input": _row(
        400,
        ("输入有误", "Invalid input"),
        ("{reason}", "{reason}"),
        ("按提示的位置改正后重新提交。", "Correct the places named and send it again."),
    ),
    "not_found": _row(
        404,
        ("没有找到", "Not found"),
        (
            "没有这一项,或它不在您的权限范围内:{what}",
            "There is no such item, or it is outside your scope: {what}",
        ),
        ("核对编号;确需查看时向所属部门申请权限。", "Check the id, or ask the owning department for access."),
    ),
    "method_not_allowed": _row(
        405,
        ("不支持的操作", "Method not allowed"),
        ("这个地址不支持该方法。", "This address does not support that method."),
        ("查看接口文档 /schema。", "See the API document at /schema."),
    ),
    "unauthenticated": _row(
        401,
        ("尚未登录", "Not signed in"),
        ("需要登录或有效的令牌。", "A session or a valid token is needed."),
        ("请登录后重试。", "Sign in and try again."),
    ),
    "forbidden": _row(
        403,
        ("没有权限", "Not permitted"),
        ("当前身份不能执行“{action}”。", "You may not perform “{action}”."),
        ("向管理员申请相应角色。", "Ask an administrator for a role that may."),
    ),
    "conflict": _row(
        409,
        ("状态冲突", "Conflict"),
        ("{reason}", "{reason}"),
        ("刷新后按最新状态重试。", "Refresh and try again on the current state."),
    ),
    "version_conflict": _row(
        412,
        ("已被他人修改", "Changed by somebody else"),
        (
            "提交的版本是 {given},当前版本是 {current}。",
            "You sent version {given}; the current one is {current}.",
        ),
        ("刷新后在最新内容上重新修改。", "Refresh and redo the change on the current content."),
    ),
    "too_large": _row(
        413,
        ("内容过大", "Too large"),
        ("超过上限 {limit} 字节。", "The limit is {limit} bytes."),
        ("分批发送。", "Send it in parts."),
    ),
    "unsupported_media_type": _row(
        415,
        ("格式不支持", "Unsupported format"),
        ("不支持的内容类型:{given}", "Unsupported content type: {given}"),
        ("使用 {expected}。", "Use {expected}."),
    ),
    "too_many_requests": _row(
        429,
        ("过于频繁", "Too many requests"),
        ("请在 {seconds} 秒后再试。", "Try again in {seconds} seconds."),
        ("稍候重试。", "Wait, then retry."),
    ),
    "internal": _row(
        500,
        ("系统内部错误", "Internal error"),
        ("处理时出现未预料的错误,编号 {reference}。", "An unexpected error happened, reference {reference}."),
        (
            "把编号告诉管理员;已保存的数据不受影响。",
            "Give the reference to an administrator; saved data is unaffected.",
        ),
    ),
    "audit_log_damaged": _row(
        503,
        ("审计日志受损", "Audit log damaged"),
        ("{file}:{reason}", "{file}: {reason}"),
        (
            "运行 citybase audit verify 查明位置,并从备份恢复。",
            "Run citybase audit verify to find the place, and restore it from a backup.",
        ),
    ),
    "engine_unavailable": _row(
        503,
        ("服务正在恢复", "Recovering"),
        ("{engine} 暂时不可用。", "{engine} is unavailable for the moment."),
        ("系统会自动恢复,请稍候重试。", "It recovers by itself; retry shortly."),
    ),
    # --- starting up -------------------------------------------------------------------------------------------
    "data_folder_busy": _row(
        409,
        ("数据目录正在使用", "Data folder in use"),
        (
            "{folder} 已被另一个 CityBase 使用(进程 {pid})。",
            "{folder} is used by another CityBase (process {pid}).",
        ),
        ("先停止它,或用 --data 指定另一个目录。", "Stop that one first, or name another folder with --data."),
    ),
    "port_busy": _row(
        409,
        ("端口被占用", "Port in use"),
        ("端口 {port} 已被占用。", "Port {port} is in use."),
        ("换一个端口:{option}。", "Choose another one: {option}."),
    ),
    "bad_setting": _row(
        400,
        ("设置有误", "Bad setting"),
        ("{name}:{reason}", "{name}: {reason}"),
        ("修改 {source}。", "Mend it in {source}."),
    ),
    # --- identity ----------------------------------------------------------------------------------------------
    "wrong_credentials": _row(
        401,
        ("用户名或密码不正确", "Wrong user name or password"),
        ("用户名或密码不正确。", "The user name or the password is wrong."),
        ("核对后重试;多次失败会暂时锁定。", "Check both; repeated failures lock the account for a while."),
    ),
    "locked_out": _row(
        429,
        ("账号暂时锁定", "Locked for a while"),
        ("连续失败次数过多,{minutes} 分钟后可重试。", "Too many failures; try again in {minutes} minutes."),
        ("等待解锁,或请管理员重置密码。", "Wait, or ask an administrator to reset the password."),
    ),
    "weak_password": _row(
        400,
        ("密码不符合要求", "Password too weak"),
        (
            "密码至少 {minimum} 个字符,且不能与用户名或旧密码相同。",
            "At least {minimum} characters, and neither the user name nor the old one.",
        ),
        ("换一个更长的密码。", "Choose a longer one."),
    ),
    "password_change_required": _row(
        403,
        ("请先修改初始密码", "Change the first password"),
        ("初始密码只能用于首次登录。", "The first password serves only for the first sign-in."),
        ("在登录页设置新密码。", "Set a new one on the sign-in page."),
    ),
    # --- the ledger --------------------------------------------------------------------------------------------
    "unknown_kind": _row(
        400,
        ("没有这一类资源", "Unknown kind"),
        ("没有资源类别“{kind}”。", "There is no resource kind “{kind}”."),
        ("在 /kinds 查看可用类别,或安装定义它的场景包。", "See /kinds, or apply the pack that defines it."),
    ),
    "version_required": _row(
        428,
        ("缺少版本号", "Version required"),
        ("修改时须用 If-Match 给出所依据的版本。", "A change must name the version it is based on in If-Match."),
        ("先读取该资源,把 ETag 原样放进 If-Match。", "Read the entry and send its ETag as If-Match."),
    ),
    "too_many_rows": _row(
        413,
        ("行数过多", "Too many rows"),
        ("超过上限 {limit} 行。", "The limit is {limit} rows."),
        ("缩小范围、分批处理,或导出为 CSV。", "Narrow the list, work in parts, or export CSV."),
    ),
    # --- reading tables ----------------------------------------------------------------------------------------
    "unreadable_table": _row(
        400,
        ("文件无法读取", "The file cannot be read"),
        ("{reason}", "{reason}"),
        (
            "另存为 XLSX 或 UTF-8 编码的 CSV 后重新上传。",
            "Save it as XLSX or as CSV in UTF-8 and upload it again.",
        ),
    ),
    "unknown_encoding": _row(
        400,
        ("无法识别文件编码", "Unknown encoding"),
        ("{reason}", "{reason}"),
        (
            "另存为 UTF-8,或在上传时指明编码(如 gb18030、big5)。",
            "Save it as UTF-8, or name the encoding when uploading (gb18030, big5 …).",
        ),
    ),
    "bad_rows": _row(
        422,
        ("有错误的行", "There are bad rows"),
        (
            "{bad} 行有错误,{good} 行可以导入;没有导入任何一行。",
            "{bad} rows are wrong, {good} are good; nothing was imported.",
        ),
        (
            "改正后重新上传,或明确选择只导入正确的行。",
            "Mend them and upload again, or say that only the good rows are wanted.",
        ),
    ),
    # --- packs -------------------------------------------------------------------------------------------------
    "unknown_pack": _row(
        404,
        ("没有这个场景包", "No such pack"),
        ("没有找到场景包“{pack}”。", "There is no pack “{pack}”."),
        (
            "写随附场景包的标识,或含 pack.toml 的文件夹路径。",
            "Give the id of a shipped pack or a folder with pack.toml.",
        ),
    ),
    "bad_pack": _row(
        400,
        ("场景包有误", "The pack has errors"),
        ("场景包“{pack}”有 {count} 处错误,没有应用。", "Pack “{pack}” has {count} errors; nothing was applied."),
        ("运行 citybase pack check 查看每一处的文件和行。", "Run `citybase pack check` for the file and line of each."),
    ),
    # --- cases -------------------------------------------------------------------------------------------------
    "case_action_unavailable": _row(
        409,
        ("当前不能执行此操作", "Not possible now"),
        (
            "事项处于“{state}”,不能“{action}”。",
            "The case is in “{state_en}”: “{action_en}” is not possible.",
        ),
        ("刷新后按可执行的操作办理。", "Refresh and choose one of the actions offered."),
    ),
    "case_without_body": _row(
        409,
        ("没有可承接的部门", "No body to take it"),
        (
            "区域 {area} 没有对应的承接部门(已查找:{code})。",
            "No organisation answers for area {area} (looked for: {code}).",
        ),
        (
            "手工指定承接部门,或补全派遣规则与组织机构。",
            "Name the organisation by hand, or complete the dispatch rules and the organisation tree.",
        ),
    ),
    # --- indicators --------------------------------------------------------------------------------------------
    "indicator_refused": _row(
        400,
        ("指标语句不被允许", "Indicator SQL refused"),
        ("{reason}", "{reason}"),
        (
            "只能用一条 SELECT,查询列出的关系;观测必须限定起始时间。",
            "Use one SELECT over the relations listed; observations need a lower bound in time.",
        ),
    ),
    "indicator_failed": _row(
        422,
        ("指标计算失败", "Indicator failed"),
        ("{reason}", "{reason}"),
        ("检查指标定义;缩小时间范围后重试。", "Check the definition; narrow its time range and try again."),
    ),
    # --- replay ------------------------------------------------------------------------------------------------
    "bad_recording": _row(
        400,
        ("记录文件不可用", "Recording cannot be used"),
        ("{file}:{reason}", "{file}: {reason}"),
        (
            "核对文件与列名(见 docs/how-to/replay-a-recording.md)。",
            "Check the file and its columns (docs/how-to/replay-a-recording.md).",
        ),
    ),
    "city_refused": _row(
        502,
        ("城市拒绝了请求", "The city refused a request"),
        ("{request}:{reason}", "{request}: {reason}"),
        (
            "核对地址与令牌;令牌需要 resource.read 与 credential.issue。",
            "Check the address and the token, which needs resource.read and credential.issue.",
        ),
    ),
    # --- sign-in for other systems (OpenID Connect) --------------------------------------------------------------
    "oidc_client_refused": _row(
        400,
        ("不认识请求登录的系统", "The system that asks is not known here"),
        (
            "该系统没有登记、已停用,或返回地址与登记的不一致。",
            "It is not registered, is disabled, or names an address that is not registered for it.",
        ),
        (
            "请该系统的管理员核对 client_id 与 redirect_uri。",
            "Ask the administrator of that system to check its client_id and redirect_uri.",
        ),
    ),
    "insecure_issuer": _row(
        400,
        ("需要加密连接", "An encrypted connection is needed"),
        ("不能经 {address} 提供统一登录。", "Sign-in for other systems is not served at {address}."),
        (
            "在前面设置 HTTPS,并把对外地址写入 public_url。",
            "Put HTTPS in front and set public_url to the address people use.",
        ),
    ),
}
