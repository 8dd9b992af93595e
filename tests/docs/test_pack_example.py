"""The pack that `write-a-pack` writes is a pack."""

import re
from pathlib import Path

from citybase.city.packs import check_pack

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"^## [^\n]*`(?:packs/noise/)?([^`\n]+)`\n\n```(?:toml|yaml)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_example_of_the_guide_has_no_errors(tmp_path: Path) -> None:
    guide = (ROOT / "docs/how-to/write-a-pack.md").read_text("utf-8")
    files = dict(_FILE.findall(guide))
    # The guide says of this one: take that of the air pack and change the words.
    model = (ROOT / "packs/air/case-types/air-pollution.yaml").read_text("utf-8")
    files["case-types/noise-complaint.yaml"] = model.replace("air-pollution", "noise-complaint")
    assert set(files) >= {"pack.toml", "kinds/noise-station.yaml", "rules/noise-high.yaml"}
    for name, content in files.items():
        path = tmp_path / "noise" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    assert check_pack(tmp_path / "noise") == []
