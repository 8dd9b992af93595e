"""How the pages' files travel: compressed by the build, kept by the browser, and nothing beside them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.testing import TestClient

from citybase.server import pages
from citybase.server.problems import EXCEPTION_HANDLERS

SCRIPT = b"export const city = 'Xi\\'an'\n" * 200


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Litestar]]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "secret.txt").write_text("not a page")
    (tmp_path / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (tmp_path / "assets" / "index-1a2b.js.br").write_bytes(b"brotli")
    monkeypatch.setattr(pages, "PAGES", tmp_path)
    application = Litestar(
        pages.page_routes(),
        exception_handlers=EXCEPTION_HANDLERS,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1024, exclude=pages.PACKED),
        openapi_config=None,
    )
    with TestClient(application) as opened:
        yield opened


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("", None),
    ],
)
def test_a_file_travels_as_the_browser_can_read_it(
    client: TestClient[Litestar], accepted: str, encoding: str | None
) -> None:
    with client.stream("GET", "/assets/index-1a2b.js", headers={"accept-encoding": accepted}) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert body == {"br": b"brotli", "gzip": gzip.compress(SCRIPT, mtime=0), None: SCRIPT}[encoding]
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/assets/..%2Fsecret.txt", "/assets/none.js", "/assets/%2e%2e", "/assets/"])
def test_nothing_beside_the_files_is_served(client: TestClient[Litestar], path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_icon_is_a_picture(client: TestClient[Litestar]) -> None:
    answer = client.get("/favicon.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
