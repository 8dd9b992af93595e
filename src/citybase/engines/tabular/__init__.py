"""Tables out of files as people send them: CSV in whatever encoding, workbooks in whatever shape.

`read_table` gives text cells and says what it recognised: encoding, delimiter, sheet. It never guesses silently and
never trusts the file: workbooks are opened in a process of their own with limits on memory and time.
"""

from citybase.engines.tabular.encodings import Decoded, decode
from citybase.engines.tabular.isolated import read_workbook
from citybase.engines.tabular.reading import read_table
from citybase.engines.tabular.table import MAX_CELLS, MAX_ROWS, Row, Table

__all__ = ["MAX_CELLS", "MAX_ROWS", "Decoded", "Row", "Table", "decode", "read_table", "read_workbook"]
