#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: openapi.sh BUILD_DIR
#
# Other people's validator on our OpenAPI document: it is OpenAPI 3.1, its schemas are JSON Schema 2020-12. The
# validator comes from PyPI, pinned, once into BUILD_DIR/openapi; where that cannot be reached this prints one line
# beginning with SKIPPED and exits 77.
set -eu
build=$(cd "$1" && pwd)
tools=$build/openapi

if [ ! -e "$tools/ready" ]; then
	rm -rf "$tools"
	mkdir -p "$tools"
	if ! python3 -m venv "$tools/venv" >"$tools/log" 2>&1 ||
		! "$tools/venv/bin/pip" install -q "openapi-spec-validator==0.7.1" >>"$tools/log" 2>&1; then
		echo "SKIPPED: openapi-spec-validator cannot be fetched: $tools/log"
		exit 77
	fi
	touch "$tools/ready"
fi
"$tools/venv/bin/python" -B - "$build/server/api/openapi.json" <<'END'
import copy
import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


def judge(document):
    OpenAPIV31SpecValidator(document).validate()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def break_one(document, where, value):
    """A copy with one thing in it made wrong."""
    broken = copy.deepcopy(document)
    thing = broken
    for step in where[:-1]:
        thing = thing[step]
    thing[where[-1]] = value
    return broken


document = json.load(open(sys.argv[1]))
judge(document)
for where, value in ((("info",), {}), (("paths", "/api/v1/info", "get", "responses"), 1),
                     (("components", "schemas", "Time", "type"), "milliseconds")):
    try:
        judge(break_one(document, where, value))
    except Exception:
        continue
    sys.exit(f"the validators let {where} = {value} pass")
print(f"{len(document['paths'])} paths are OpenAPI 3.1")
END
