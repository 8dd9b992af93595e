"""Table files as people really send them."""

import contextlib
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from citybase.engines.tabular import decode, delimited, read_table
from citybase.engines.tabular.workbook import MAX_UNPACKED
from citybase.kernel.errors import Problem

pytestmark = pytest.mark.anyio
CHINESE = "编码,名称,地址\n610113001,小寨路街道,雁塔区长安南路\n610113002,大雁塔街道,雁塔区雁塔西路\n"
TRADITIONAL = "編號,名稱,地址\n1,臺北市政府環境保護局,臺北市信義區市府路一號\n2,高雄市政府,高雄市苓雅區四維三路\n"


def workbook(rows: list[list[object]], sheet: str = "数据") -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    page = book.add_worksheet(sheet)
    for number, cells in enumerate(rows):
        page.write_row(number, 0, cells)
    book.close()
    return buffer.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("text", "written", "recognised"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE.replace("小寨", "\U00020000㐀"), "gb18030", "gb18030"),
        (CHINESE, "utf-16", "utf-16-le"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (TRADITIONAL, "big5", "big5"),
        (TRADITIONAL, "utf-8", "utf-8"),
        ("a,b\n1,2\n", "ascii", "utf-8"),
        ("", "ascii", "utf-8"),
    ],
)
def test_an_encoding_is_recognised_and_named(text: str, written: str, recognised: str) -> None:
    decoded = decode(text.encode(written))
    assert (decoded.text, decoded.encoding) == (text, recognised)


@pytest.mark.parametrize(
    "content", [b"\xff\xff\x81\xff,1\n", "名,值\n".encode() + b"\xe9\x9b\n", b"caf\xe9,na\xefve\n"]
)
def test_what_cannot_be_told_is_not_guessed(content: bytes) -> None:
    with pytest.raises(Problem) as raised:
        decode(content)
    assert raised.value.code == "unknown_encoding"
    assert "第" in str(raised.value.params["reason"])


def test_an_encoding_that_was_named_is_used_or_refused() -> None:
    assert decode(TRADITIONAL.encode("big5"), "big5").text == TRADITIONAL
    for content, named in ((CHINESE.encode(), "klingon"), (b"\x81", "gb18030")):
        with pytest.raises(Problem):
            decode(content, named)


@given(st.text(st.characters(codec="gb18030", min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1))
def test_whatever_is_recognised_was_decoded_without_loss(text: str) -> None:
    """Rare characters alone may be refused or taken for another encoding, but never decoded with replacement."""
    content = text.encode("gb18030")
    with contextlib.suppress(Problem):
        decoded = decode(content)
        codec = {"big5": "big5hkscs"}.get(decoded.encoding, decoded.encoding)
        assert decoded.text.encode(codec) == content


@pytest.mark.parametrize("delimiter", delimited.DELIMITERS)
async def test_a_delimiter_is_recognised(delimiter: str) -> None:
    found = await read_table(f'a{delimiter}b\n1{delimiter}"x, y; z"\n'.encode())
    assert (found.delimiter, found.rows[1].cells) == (delimiter, ["1", "x, y; z"])


async def test_a_quoted_line_end_stays_in_its_cell_and_rows_are_counted_as_a_spreadsheet_does() -> None:
    found = await read_table(b'a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert [(row.number, row.cells) for row in found.rows] == [(1, ["a", "b"]), (2, ["1", "x\r\ny"]), (4, ["2", "z"])]


@pytest.mark.parametrize(
    "content", [b'a,b\n1,"never closed\n2,3\n', b'a,b\n1,"x"y\n', b"a,b\n1," + b"x" * 200_000 + b"\n"]
)
async def test_a_broken_csv_names_the_line_and_swallows_nothing(content: bytes) -> None:
    with pytest.raises(Problem) as raised:
        await read_table(content)
    assert raised.value.code == "unreadable_table"
    assert "行" in str(raised.value.params["reason"])


async def test_a_zero_byte_is_kept_for_the_row_that_has_it() -> None:
    found = await read_table(b"a,b\n1,x\0y\n")
    assert found.rows[1].cells == ["1", "x\0y"]


async def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_ROWS", 3)
    with pytest.raises(Problem) as raised:
        await read_table(b"a\n1\n2\n3\n4\n5\n")
    assert raised.value.code == "too_many_rows"


async def test_a_workbook_gives_text_as_people_see_it() -> None:
    found = await read_table(workbook([["编码", "日期", "数"], [610113001, date(2026, 11, 20), 1.5], ["x", True, ""]]))
    assert (found.format, found.sheet) == ("xlsx", "数据")
    assert [row.cells for row in found.rows[1:]] == [["610113001", "2026-11-20", "1.5"], ["x", "true", ""]]


async def test_a_formula_is_its_value_and_a_merged_cell_holds_for_its_rows() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    page = book.add_worksheet()
    page.write_row(0, 0, ["部门", "编码"])
    page.merge_range(1, 0, 2, 0, "市数据局")
    page.write_row(1, 1, ["A"])
    page.write_formula(2, 1, "=1+1", None, 2)
    book.close()
    found = await read_table(buffer.getvalue())
    assert [row.cells for row in found.rows[1:]] == [["市数据局", "A"], ["市数据局", "2"]]


async def test_one_of_several_sheets_is_read_and_named() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.add_worksheet("空的")
    book.add_worksheet("一")
    book.get_worksheet_by_name("一").write_row(0, 0, ["a"])
    book.add_worksheet("二").write_row(4, 2, ["b"])
    book.close()
    first = await read_table(buffer.getvalue())
    assert (first.sheet, first.sheets) == ("一", ["空的", "一", "二"])
    second = await read_table(buffer.getvalue(), sheet="二")
    assert (second.rows[0].number, [cell for cell in second.rows[0].cells if cell]) == (5, ["b"])
    with pytest.raises(Problem):
        await read_table(buffer.getvalue(), sheet="三")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 not a zip at all",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not a workbook",
        zipped({"readme.txt": b"hello"}),
        zipped({"xl/workbook.xml": b"<broken"}),
        workbook([["a"]])[:-200],
        b"<html><table><tr><td>1</td></tr></table></html>",
    ],
)
async def test_a_file_that_is_no_table_says_so(content: bytes) -> None:
    with pytest.raises(Problem) as raised:
        await read_table(content)
    assert raised.value.code == "unreadable_table"


async def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b"\0" * (MAX_UNPACKED + 1)})
    assert len(bomb) < 1_000_000
    with pytest.raises(Problem) as raised:
        await read_table(bomb)
    assert "MiB" in str(raised.value.params["reason"])


async def test_one_cell_at_the_far_corner_does_not_take_the_memory_of_a_whole_sheet() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    page = book.add_worksheet()
    page.write(0, 0, "a")
    page.write(1_048_575, 16_383, "b")
    book.close()
    with pytest.raises(Problem) as raised:
        await read_table(buffer.getvalue())
    assert raised.value.code in {"unreadable_table", "too_many_rows"}


async def test_derived_chinese_files_are_read_as_their_manifest_says(shared_data: Path) -> None:
    folder = shared_data / "09_bad_inputs" / "derived_cn"
    for name, facts in json.loads((folder / "manifest.json").read_text(encoding="utf-8")).items():
        found = await read_table((folder / name).read_bytes())
        assert len(found.rows) - 1 == facts["rows"], name
        assert found.delimiter == facts["delimiter"].replace("\\t", "\t"), name
        assert found.rows[0].cells[:2] == ["区划代码", "街道名称"], name
        family = {"gbk": "gb18030", "utf-16 (LE, BOM)": "utf-16-le"}.get(facts["encoding"], facts["encoding"])
        assert found.encoding == family, name


async def test_every_bad_file_is_read_or_refused_clearly(shared_data: Path) -> None:
    for path in sorted((shared_data / "09_bad_inputs").rglob("*")):
        if not path.is_file():
            continue
        refused = ""
        try:
            await read_table(path.read_bytes())
        except Problem as problem:
            refused = problem.code
        assert refused in {"", "unreadable_table", "unknown_encoding"}, path


async def test_big5_and_messy_tables_keep_every_row(shared_data: Path) -> None:
    horror = shared_data / "09_bad_inputs" / "messytables_horror"
    characters = await read_table((horror / "characters.csv").read_bytes())
    assert (characters.encoding, characters.rows[0].cells[2]) == ("big5", "景點中文名稱")
    assert len((await read_table((horror / "long.csv").read_bytes())).rows) == 4000
    assert (await read_table((horror / "complex.csv").read_bytes())).rows[3].cells[2] == "6,000,000"
    assert (await read_table((horror / "simple.ods").read_bytes())).rows[1].cells == ["Bob", "20", "2010-10-10"]
    assert (await read_table((horror / "unicode_sheet_name.xls").read_bytes())).sheet == "mês"
