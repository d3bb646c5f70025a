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
import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

document = json.load(open(sys.argv[1]))
OpenAPIV31SpecValidator(document).validate()
broken = json.loads(json.dumps(document))
broken["components"]["schemas"]["Device"]["properties"] = []
try:
    OpenAPIV31SpecValidator(broken).validate()
except OpenAPIValidationError:
    print(f"{len(document['paths'])} paths are OpenAPI 3.1; a broken schema is refused")
else:
    sys.exit("the validator let a broken schema pass")
END
