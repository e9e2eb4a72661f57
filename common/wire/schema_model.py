"""schema_model.py - the checking half of schema_gen.py: turns a JSON Schema into a tree of nodes.

A schema that passes is fully understood; anything else is a SchemaError with file and place.
"""

import json
import re

COMMON_ID = "urn:cartwright:common"
REF_PREFIX = COMMON_ID + "#/$defs/"
ANNOTATIONS = {"title", "description", "$comment", "examples", "writeOnly"}
TYPE_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern", "enum"},
    "integer": {"minimum", "maximum"},
    "boolean": {"const"},
}
ROOT_KEYWORDS = {"$schema", "$id", "$defs"}
KEYWORDS = ROOT_KEYWORDS | ANNOTATIONS | {"$ref", "type"} | set().union(*TYPE_KEYWORDS.values())
# Keywords that JSON Schema knows and that are refused here, each with the reason.
REFUSED = {
    "default": "the handler decides what absent means",
    "$dynamicRef": "it cannot be resolved at build time",
    "$dynamicAnchor": "it cannot be resolved at build time",
    "unevaluatedProperties": "say additionalProperties",
    "unevaluatedItems": "say items",
}
# The only pair of types that is allowed, for members of a patch: absent keeps the value, null
# clears it, a text sets it.
NULLABLE = ["string", "null"]
MEMBERS_MAX = 64  # SCHEMA_MEMBERS_MAX in schema_node.h
INT64 = (-(2**63), 2**63 - 1)
C_WORDS = set(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while bool true false""".split()
)


class SchemaError(Exception):
    """Its text: "schemas/cart/item.add.json: unknown keyword 'maxLenght' at /properties/name"."""


def no_duplicates(pairs):
    seen = dict(pairs)
    if len(seen) != len(pairs):
        raise ValueError("the same key stands twice in " + ", ".join(key for key, _ in pairs))
    return seen


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=no_duplicates)
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path}: {error}") from error


def snake(name):
    return re.sub(r"[^A-Za-z0-9]", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name)).lower()


class Node:
    """One checked schema or subschema. Its $ref is merged into `rules`."""

    def __init__(self, name, rules, where):
        self.name = name  # the C prefix: cart_item_add_quantity
        self.rules = rules
        self.where = where
        self.nullable = isinstance(rules["type"], list)
        self.type = rules["type"][0] if self.nullable else rules["type"]
        self.definition = None  # the $def that it equals; the code generated for that is shared
        self.struct_tag = None  # the tag of its struct; None: the base
        self.kind_of = None  # the $def that it refers to, even when it adds rules of its own
        self.expected = None  # what the pattern asks for, in words
        self.is_stored = False  # a $def: its objects may be stored in documents, too
        self.members = []  # of an object: (name, required, Node)
        self.items = None  # of an array: Node

    @property
    def base(self):
        return "common_" + snake(self.definition) if self.definition else self.name


class Compiler:
    def __init__(self, path, common_path, common):
        self.path = path
        self.definitions = common.get("$defs", {})
        self.of_common = self if path == common_path else Compiler(common_path, common_path, common)

    def fail(self, message, where):
        raise SchemaError(f"{self.path}: {message} at {where or '/'}")

    def check_keywords(self, schema, where):
        if not isinstance(schema, dict):
            self.fail("a schema must be an object", where)
        for key in schema:
            if key in REFUSED:
                self.fail(f"keyword '{key}' is refused ({REFUSED[key]})", where)
            if key not in KEYWORDS:
                self.fail(f"unknown keyword '{key}'", where)
            if key in ROOT_KEYWORDS and where:
                self.fail(f"keyword '{key}' belongs to the top", where)

    def definition(self, ref, where):
        if not isinstance(ref, str) or not ref.startswith(REF_PREFIX):
            self.fail(f"$ref '{ref}' must begin with {REF_PREFIX}", where)
        name = ref[len(REF_PREFIX) :]
        if name not in self.definitions:
            self.fail(f"$ref '{ref}' points to nothing", where)
        return name

    def resolve(self, schema, where, seen=()):
        """Returns (rules, $def or None, what a pattern asks for). Keywords beside a $ref apply,
        too; a rule that stands in both places would be hard to read and is refused."""
        self.check_keywords(schema, where)
        expected = schema.get("description") if "pattern" in schema else None
        if "$ref" not in schema:
            return schema, None, expected
        name = self.definition(schema["$ref"], where)
        if name in seen:
            self.fail(f"$ref '{schema['$ref']}' leads back to itself", where)
        target, _, inner = self.of_common.resolve(
            self.definitions[name], f"/$defs/{name}", seen + (name,)
        )
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        for key in beside:
            if key in target and key not in ANNOTATIONS:
                self.fail(f"'{key}' stands beside a $ref that has it too", where)
        return {**target, **beside}, name, expected or inner

    def compile(self, schema, name, where=""):
        rules, definition, expected = self.resolve(schema, where)
        self.check_type(rules, where)
        node = Node(name, rules, where)
        node.kind_of, node.expected = definition, expected
        if definition and not any(k not in ANNOTATIONS | {"$ref"} for k in schema):
            node.definition = definition
            node.where = f"/$defs/{definition}"
            self.of_common.compile_rules(node)
            return node
        if definition and node.type in ("object", "array"):
            self.fail("only a string or an integer may have rules beside its $ref", where)
        self.compile_rules(node)
        return node

    def check_type(self, rules, where):
        if rules.get("type") == NULLABLE:
            if "enum" in rules:
                self.fail("an enum cannot be null", where)
        elif not isinstance(rules.get("type"), str) or rules["type"] not in TYPE_KEYWORDS:
            known = ", ".join(TYPE_KEYWORDS)
            self.fail(f"'type' must be one of {known}, or {json.dumps(NULLABLE)}", where)

    def compile_rules(self, node):
        self.check_type_keywords(node)
        getattr(self, "compile_" + node.type)(node)

    def check_type_keywords(self, node):
        other = set().union(*(TYPE_KEYWORDS[t] for t in TYPE_KEYWORDS if t != node.type))
        for key in node.rules:
            if key in other - TYPE_KEYWORDS[node.type]:
                self.fail(f"keyword '{key}' says nothing about type '{node.type}'", node.where)
        if node.rules.get("writeOnly", True) is not True:
            self.fail("'writeOnly' can only be true", node.where)

    def number(self, node, key, fallback, lowest, highest):
        value = node.rules.get(key, fallback)
        if type(value) is not int or not lowest <= value <= highest:
            if value is not None:
                self.fail(f"'{key}' must be an integer from {lowest} to {highest}", node.where)
        return value

    def limits(self, node, low_key, high_key, lowest=0, highest=2**31):
        low = self.number(node, low_key, None, lowest, highest)
        high = self.number(node, high_key, None, lowest, highest)
        if low is not None and high is not None and low > high:
            self.fail(f"'{low_key}' is above '{high_key}'", node.where)
        node.low, node.high = low, high

    def compile_object(self, node):
        rules = node.rules
        if not isinstance(rules.get("additionalProperties"), bool):
            self.fail("'additionalProperties' must be true or false", node.where)
        properties, required = rules.get("properties", {}), rules.get("required", [])
        if len(properties) > MEMBERS_MAX:
            self.fail(f"more than {MEMBERS_MAX} properties", node.where)
        for name in required:
            if name not in properties:
                self.fail(f"'required' names '{name}', which is no property", node.where)
        self.limits(node, "minProperties", "maxProperties")
        for name, schema in properties.items():
            where = f"{node.where}/properties/{name}"
            if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name) or snake(name) in C_WORDS:
                self.fail(f"'{name}' must be camelCase and no word of C", where)
            child = self.compile(schema, f"{node.base}_{snake(name)}", where)
            if child.nullable and name in required:
                self.fail("null clears and absence keeps, so it cannot be required", where)
            node.members.append((name, name in required, child))

    def compile_array(self, node):
        self.limits(node, "minItems", "maxItems")
        if "items" not in node.rules:
            self.fail("'items' is missing", node.where)
        where = node.where + "/items"
        node.items = self.compile(node.rules["items"], node.base + "_item", where)
        node.items.struct_tag = node.base
        if node.items.kind_of == "Money" or node.items.type not in ("object", "string"):
            self.fail("an array can only hold objects and strings", where)
        if "enum" in node.items.rules:
            self.fail("an array of enums is not known to fields.h", where)
        if node.items.nullable:
            self.fail("an element cannot be null", where)

    def compile_string(self, node):
        self.limits(node, "minLength", "maxLength")
        if "pattern" in node.rules:
            self.check_pattern(node)
        if "enum" in node.rules:
            names = node.rules["enum"]
            if not isinstance(names, list) or not names or len(set(names)) < len(names):
                self.fail("'enum' must be a list of different strings", node.where)
            if not all(isinstance(n, str) and re.fullmatch(r"[A-Za-z][\w]*", n) for n in names):
                self.fail("'enum' must be a list of words", node.where)

    def compile_integer(self, node):
        self.limits(node, "minimum", "maximum", *INT64)

    def compile_boolean(self, node):
        if not isinstance(node.rules.get("const", True), bool):
            self.fail("'const' must be true or false", node.where)

    def check_pattern(self, node):
        pattern = node.rules["pattern"]
        try:
            re.compile(pattern)
        except re.error as error:
            self.fail(f"pattern '{pattern}' does not compile: {error}", node.where)
        if not is_anchored(pattern):
            self.fail(f"pattern '{pattern}' must be anchored with ^ and $", node.where)
        if not node.expected:
            self.fail("a pattern needs a description: clients read 'must be ...'", node.where)

    def inline(self, schema, where=""):
        """Returns the schema for people: every $ref is replaced by what it points to."""
        rules, _, _ = self.resolve(schema, where)
        out = dict(rules)
        if "properties" in rules:
            out["properties"] = {n: self.inline(s, "/") for n, s in rules["properties"].items()}
        if "items" in rules:
            out["items"] = self.inline(rules["items"], "/")
        return out


def is_anchored(pattern):
    """True with ^ at the start, $ at the end and no alternative outside parentheses (^a|b$)."""
    plain = re.sub(r"\\.", "__", pattern)
    plain = re.sub(r"\[\^?\]?[^\]]*\]", lambda m: "_" * len(m.group()), plain)
    depth = 0
    for char in plain:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "|" and depth == 0:
            return False
    return plain.startswith("^") and plain.endswith("$")
