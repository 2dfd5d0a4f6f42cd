# SPDX-License-Identifier: LGPL-2.1-or-later
"""POST /$batch: up to 20 requests in one, answered one by one, in any order."""

import base64
import json
import random
import re

from transport import Answer

WRITES = ("POST", "PATCH", "PUT")
# Headers of an answer that belong to the connection, not to an item.
OUTER = {"strict-transport-security", "request-id", "client-request-id", "x-ms-ags-diagnostic", "date", "transfer-encoding", "connection",
         "content-length", "vary", "keep-alive"}


def malformed(message):
    from graph import bad

    return bad(message, "BadRequest")


def answer(graph, r):
    requests = read(r)
    done = {}
    order = sequence(requests)
    for item in order:
        failed = [id for id in item.get("dependsOn") or () if done[id.lower()][0].status >= 400]
        done[item["id"].lower()] = (dependent() if failed else ask(graph, r, item)), item["id"]
    parts = [part(id, one) for one, id in done.values()]
    random.shuffle(parts)
    from graph import GOOD

    return Answer(200, b'{"responses":[' + b",".join(parts) + b"]}", {**GOOD, "Content-Type": "application/json"})


def read(r):
    """The items; what is no batch is refused as a whole."""
    try:
        body = json.loads(r.body)
        requests = body["requests"]
    except (ValueError, KeyError, TypeError) as e:
        raise malformed("Invalid batch payload format.") from e
    if not r.headers.get("content-type", "").lower().startswith("application/json") or not isinstance(requests, list) or not requests:
        raise malformed("Invalid batch payload format.")
    if len(requests) > 20:
        raise malformed("Number of batch request steps exceeds the maximum value of 20.")
    for item in requests:
        check(item)
    ids = {item["id"].lower() for item in requests}
    if len(ids) < len(requests):
        raise malformed("Duplicate request id in batch.")
    if any(id.lower() not in ids for item in requests for id in item.get("dependsOn") or ()):
        raise malformed("dependsOn names a request that is not in the batch.")
    return requests


def check(item):
    if not isinstance(item, dict):
        raise malformed("Invalid batch payload format.")
    for key, kind in (("id", str), ("method", str), ("url", str)):
        if not isinstance(item.get(key), kind) or not item[key]:
            raise malformed(f"Invalid batch payload format: {key} is missing.")
    headers = item.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise malformed("Invalid batch payload format: headers.")
    depends = item.get("dependsOn") or []
    if not isinstance(depends, list) or not all(isinstance(id, str) for id in depends):
        raise malformed("Invalid batch payload format: dependsOn.")
    typed = any(key.lower() == "content-type" for key in headers)
    if (item["method"].upper() in WRITES or "body" in item) and not ("body" in item and typed):
        raise malformed(f"Write request id : {item['id']} does not contain Content-Type header or body.")


def sequence(requests):
    """Each after what it depends on."""
    waiting, order, done = list(requests), [], set()
    while waiting:
        ready = [item for item in waiting if {id.lower() for id in item.get("dependsOn") or ()} <= done]
        if not ready:
            raise malformed("The dependencies of the batch go round in a circle.")
        order += ready
        done |= {item["id"].lower() for item in ready}
        waiting = [item for item in waiting if item not in ready]
    return order


def dependent():
    text = json.dumps({"error": {"code": "FailedDependency", "message": "A request that this one depends on has failed."}})
    return Answer(424, text.encode(), {"Content-Type": "application/json"})


def ask(graph, r, item):
    url = item["url"]
    if re.match(r"\w+://", url):
        text = json.dumps({"error": {"code": "BadRequest", "message": "Invalid URL: it must be relative to the version."}})
        return Answer(400, text.encode(), {"Content-Type": "application/json"})
    headers = {key.lower(): value for key, value in (item.get("headers") or {}).items()}
    body = item.get("body")
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body else b""  # {} stands for no body
    return graph.service.answer_item(r, item["method"].upper(), "/v1.0/" + url.lstrip("/"), headers, data)


def part(id, one):
    """One answer as a member of the list; its body is the JSON it is, or base64 of what is no JSON, or absent."""
    headers = {key: value for key, value in one.headers.items() if key.lower() not in OUTER}
    head = json.dumps({"id": id, "status": one.status, "headers": headers}, separators=(",", ":")).encode()
    if not one.body:
        return head
    typed = next((value for key, value in headers.items() if key.lower() == "content-type"), "")
    body = one.body if "json" in typed else json.dumps(base64.b64encode(one.body).decode()).encode()
    return head[:-1] + b',"body":' + body + b"}"
