# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prism between ssprd-net and the stand-in: holds requests and answers against an OpenAPI description, both ways.

service.Service has the client before it and the stand-in behind it, and keeps what it complains of: see "contract mode" there."""

import os

import node

OPENAPI = "/graph/graph-v1.0.openapi.yaml"


def available(openapi=OPENAPI):
    """Whether this world has the description too: it is not the project's."""
    return node.available() and os.path.exists(openapi)


class Prism(node.Node):
    """http://127.0.0.1:port to http://127.0.0.1:upstream."""

    def __init__(self, port, upstream, log, openapi=OPENAPI):
        super().__init__(f"{node.MODULES}/node_modules/@stoplight/prism-cli/dist/index.js",
                         ["proxy", openapi, f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1", "--port", port, "--errors"],
                         port, log, {"NO_COLOR": "1", "FORCE_COLOR": "0"})
