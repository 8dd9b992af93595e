"""Ask a running city from a terminal: `python ask.py GET /cases items.0.number`. Standard library only.

Arguments: method, path below `/api/v1`, the place of the answer to print (`items.0.number`; none: all of it), and for
POST a JSON body before it. The city and the account are in `CITY`, `CITY_USER` and `CITY_PASSWORD`.
"""

import json
import os
import sys
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

OPENER = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))


def ask(method: str, path: str, body: Any = None) -> Any:
    """Send one request; the answer's JSON. A refusal is told in the city's words."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "accept-language": "en"}
    request = Request(f"{os.environ['CITY']}/api/v1{path}", data, headers, method=method)  # noqa: S310
    try:
        with OPENER.open(request) as answer:
            return json.loads(answer.read() or b"null")
    except HTTPError as error:
        problem = json.loads(error.read())
        sys.exit(f"{method} {path}: {problem['title']}: {problem['detail']} {problem['remedy']}")


def main(method: str, path: str, *rest: str) -> None:
    """Sign in, ask, print."""
    account = {"username": os.environ["CITY_USER"], "password": os.environ["CITY_PASSWORD"]}
    ask("POST", "/session", account)
    body, places = (json.loads(rest[0]), rest[1:]) if method != "GET" else (None, rest)
    found = ask(method, path, body)
    for key in places[0].split(".") if places else ():
        found = found[int(key)] if isinstance(found, list) else found[key]
    print(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=2))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
