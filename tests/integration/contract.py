# SPDX-License-Identifier: Apache-2.0
"""What the server answers against its OpenAPI document: every answer that a test sees is checked.

A checker of the part of JSON Schema 2020-12 that docs/openapi/ uses; a keyword it does not know is an error, so
that nothing is described that is not checked. It is stricter than the standard in one way: an object has no member
that its schema does not name, unless the schema has "additionalProperties".
"""
import functools
import json
import re

TYPES = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}
SILENT = {"description", "title", "examples", "default", "format", "deprecated", "x-note"}


def words(value):
    return value if isinstance(value, list) else [value]


class Contract:
    def __init__(self, path):
        self.document = json.loads(path.read_text())
        self.routes = [(re.compile(self.pattern(p) + "$"), p, item) for p, item in self.document["paths"].items()]
        self.routes.sort(key=lambda route: route[1].count("{"))  # literal paths before those with parameters

    @staticmethod
    def pattern(path):
        """{path} is the rest of a path; each other parameter is one segment."""
        parts = re.split(r"({[^}]+})", path)
        return "".join(".*" if p == "{path}" else "[^/]+" if p.startswith("{") else re.escape(p) for p in parts)

    def operation(self, method, path):
        """(path as the document has it, operation), or None for what is no API."""
        plain = path.partition("?")[0]
        for matches, name, item in self.routes:
            if matches.match(plain):
                return (name, item[method.lower()]) if method.lower() in item else None
        return None

    def resolve(self, thing):
        while "$ref" in thing:
            where = self.document
            for step in thing["$ref"].removeprefix("#/").split("/"):
                where = where[step]
            thing = where
        return thing

    # ---- values against schemas: each returns a list of what is wrong ----

    def members(self, schema, seen=()):
        """Names that an object may have, and whether others may come."""
        schema = self.resolve(schema)
        names, others = set(schema.get("properties", {})), "additionalProperties" in schema
        for part in schema.get("allOf", []):
            more, too = self.members(part)
            names, others = names | more, others or too
        return names, others

    def check(self, schema, value, at="", whole=True):
        schema = self.resolve(schema)
        wrong = []
        for keyword, wants in schema.items():
            if keyword in SILENT:
                continue
            method = getattr(self, "check_" + keyword.lower(), None)
            if method is None:
                raise AssertionError(f"docs/openapi: contract.py does not know the keyword \"{keyword}\"")
            wrong += method(wants, value, at, schema)
        if whole and isinstance(value, dict):
            names, others = self.members(schema)
            object_like = "properties" in schema or "allOf" in schema or schema.get("type") == "object"
            if object_like and not others:
                wrong += [f"{at}/{n}: is not described" for n in value if n not in names]
        return wrong

    def check_type(self, wants, value, at, _):
        return [] if any(TYPES[t](value) for t in words(wants)) else [f"{at}: {value!r} is not of type {wants}"]

    def check_enum(self, wants, value, at, _):
        return [] if value in wants else [f"{at}: {value!r} is none of {wants}"]

    def check_const(self, wants, value, at, _):
        return [] if value == wants else [f"{at}: {value!r} is not {wants!r}"]

    def check_minimum(self, wants, value, at, _):
        return [f"{at}: {value} is below {wants}"] if TYPES["number"](value) and value < wants else []

    def check_maximum(self, wants, value, at, _):
        return [f"{at}: {value} is above {wants}"] if TYPES["number"](value) and value > wants else []

    def check_minlength(self, wants, value, at, _):
        return [f"{at}: shorter than {wants}"] if isinstance(value, str) and len(value) < wants else []

    def check_maxlength(self, wants, value, at, _):
        return [f"{at}: longer than {wants}"] if isinstance(value, str) and len(value) > wants else []

    def check_pattern(self, wants, value, at, _):
        return [f"{at}: {value!r} does not fit {wants}"] if isinstance(value, str) and not re.search(wants, value) else []

    def check_minitems(self, wants, value, at, _):
        return [f"{at}: fewer than {wants} items"] if isinstance(value, list) and len(value) < wants else []

    def check_maxitems(self, wants, value, at, _):
        return [f"{at}: more than {wants} items"] if isinstance(value, list) and len(value) > wants else []

    def check_items(self, wants, value, at, _):
        if not isinstance(value, list):
            return []
        return [w for i, item in enumerate(value) for w in self.check(wants, item, f"{at}/{i}")]

    def check_required(self, wants, value, at, _):
        return [f"{at}/{n}: is missing" for n in wants if n not in value] if isinstance(value, dict) else []

    def check_properties(self, wants, value, at, _):
        if not isinstance(value, dict):
            return []
        return [w for n, schema in wants.items() if n in value for w in self.check(schema, value[n], f"{at}/{n}")]

    def check_additionalproperties(self, wants, value, at, schema):
        if not isinstance(value, dict) or wants is True:
            return []
        others = [n for n in value if n not in schema.get("properties", {})]
        if wants is False:
            return [f"{at}/{n}: is not described" for n in others]
        return [w for n in others for w in self.check(wants, value[n], f"{at}/{n}")]

    def check_oneof(self, wants, value, at, _):
        found = [self.check(schema, value, at) for schema in wants]
        fits = sum(not wrong for wrong in found)
        if fits == 1:
            return []
        return [f"{at}: fits {fits} of the forms"] + (min(found, key=len) if fits == 0 else [])

    def check_anyof(self, wants, value, at, _):
        found = [self.check(schema, value, at) for schema in wants]
        return [] if any(not wrong for wrong in found) else [f"{at}: fits none of the forms"] + min(found, key=len)

    def check_allof(self, wants, value, at, _):
        return [w for schema in wants for w in self.check(schema, value, at, whole=False)]

    # ---- answers ----

    def response(self, operation, status):
        """The description of an answer with this status, or None."""
        answers = operation["responses"]
        found = answers.get(str(status))
        if found is None and status >= 400:
            found = answers.get("default")
        return self.resolve(found) if found is not None else None

    def complaints(self, method, path, answer):
        """What in an answer is not as the document says; [] for what is no API."""
        found = self.operation(method, path)
        if found is None:
            return []
        name, operation = found
        response = self.response(operation, answer.status)
        where = f"{method} {name}: answer {answer.status}"
        if response is None:
            return [f"{where}: is not described"]
        contents = response.get("content", {})
        kind = (answer.headers["Content-Type"] or "").partition(";")[0].strip()
        if not answer.body:
            return []
        if kind not in contents:
            return [f"{where}: content type \"{kind}\" is not described"]
        if not kind.endswith("json") or "schema" not in contents[kind]:
            return []
        return [f"{where}: {w}" for w in self.check(contents[kind]["schema"], json.loads(answer.body))]

    def enforce(self, method, path, answer):
        wrong = self.complaints(method, path, answer)
        if wrong:
            raise AssertionError("not as docs/openapi/ says (mend it there, its README.md says how):\n  "
                                 + "\n  ".join(wrong[:10]))


@functools.cache
def contract(path):
    return Contract(path)
