"""schema_model.py - the checking half of schema_gen.py: turns a JSON Schema into a tree of nodes.

schemas/README.md says what a schema may hold. One that passes is fully understood; anything else
is a SchemaError with file and place.
"""

import json
import os
import re

COMMON_ID = "urn:cartwright:common"
REF_PREFIX = COMMON_ID + "#/$defs/"
KINDS = ("document", "reply", "event", "notification", "file")
# What only our generator reads. None of it says anything about which values are valid.
OF_FORM = {"x-struct", "x-view-of", "x-members", "x-subject", "x-latest"}
OF_DOCUMENT = {
    "x-collection",
    "x-key",
    "x-indexes",
    "x-cache",
    "x-ledger",
    "x-by-id",
    "x-ids-return",
    "x-generation",
    "x-upgrade",
}
OF_MEMBER = {"x-secret", "x-fallback", "x-member"}
OF_ENUM = {"x-enum", "x-prefix", "x-names"}
EXTENSIONS = OF_FORM | OF_DOCUMENT | OF_MEMBER | OF_ENUM
ANNOTATIONS = {"title", "description", "$comment", "examples", "writeOnly", "format"} | EXTENSIONS
TYPE_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern", "enum"},
    "integer": {"minimum", "maximum"},
    "boolean": {"const"},
}
ROOT_KEYWORDS = {"$schema", "$id", "$defs"}
OWN_KEYWORDS = {"$ref", "type", "oneOf", "allOf"}
KEYWORDS = ROOT_KEYWORDS | ANNOTATIONS | OWN_KEYWORDS | set().union(*TYPE_KEYWORDS.values())
# Keywords that JSON Schema knows and that are refused here, each with the reason.
REFUSED = {
    "default": "the handler decides what absent means",
    "$dynamicRef": "it cannot be resolved at build time",
    "$dynamicAnchor": "it cannot be resolved at build time",
    "unevaluatedProperties": "say additionalProperties",
    "unevaluatedItems": "say items",
}
NULL = {"type": "null"}
MEMBERS_MAX = 64  # SCHEMA_MEMBERS_MAX in schema_node.h
GENERATION_MAX = 1000
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


class Member:
    """A member of an object."""

    def __init__(self, name, node, rules=None, required=True, nullable=False, path=None):
        self.name = name
        self.node = node
        self.rules = rules or {}  # as they stand at the member, without those of a $ref
        self.required = required
        self.nullable = nullable
        self.path = path or self.rules.get("x-member", snake(name))  # its place in the struct

    @property
    def is_given_apart(self):
        """True for three states: missing, null, a value; a bool beside it says which."""
        return self.nullable and not self.required


class Node:
    """One checked schema or subschema. Its $ref is merged into `rules`."""

    def __init__(self, name, rules, where):
        self.name = name  # the C prefix: cart_item_add_quantity
        self.rules = rules
        self.where = where
        self.type = rules["type"]
        self.definition = None  # the $def that it equals; the code generated for that is shared
        self.form = None  # the form of another file that it equals
        self.struct_tag = None  # the tag of its struct; None: the base
        self.kind_of = None  # the $def that it refers to, even when it adds rules of its own
        self.expected = None  # what the pattern asks for, in words
        self.is_stored = False  # its objects may be stored in documents, too
        self.members = []  # of an object
        self.mixin = None  # of an object: the Node whose members it has, too, by allOf
        self.items = None  # of an array: Node
        self.is_written = False  # its tables stand in the file already

    @property
    def base(self):
        if "x-struct" in self.rules:
            return self.rules["x-struct"]
        return "common_" + snake(self.definition) if self.definition else self.name

    @property
    def enum(self):
        """(the name of the C enum, the beginning of its constants)"""
        name = self.rules.get("x-enum", self.base)
        return name, self.rules.get("x-prefix", name.upper())

    @property
    def names(self):
        """The C table with the names of the enum."""
        return self.rules.get("x-names", self.enum[0] + "_names")


class Form:
    """One form but a request: a document, a reply, an event, a notification or a file."""

    def __init__(self, kind, folder, name, path):
        self.kind = kind
        self.folder = folder
        self.name = name
        self.path = path
        self.loaded = None
        self.node = None  # set when it has been compiled
        self.event_of = None  # of an event that is another form: that form

    @property
    def document(self):
        if self.loaded is None:
            self.loaded = load(self.path)
        return self.loaded

    @property
    def base(self):
        ending = {"document": "", "file": "", "reply": "_view", "event": "_data", "notification": "_notice"}
        return self.document.get("x-struct", snake(self.name) + ending[self.kind])

    @property
    def schema(self):
        """The C name of its `struct schema`."""
        return self.base + ("_document_schema" if self.kind == "document" else "_schema")


class Library:
    """All forms below a folder; each is compiled when it is first needed."""

    def __init__(self, folder):
        self.folder = folder
        self.common_path = os.path.join(folder, "common.json")
        self.common = load(self.common_path)
        self.forms = {}
        for domain in self.folders():
            for kind in KINDS:
                for name, path in json_files(os.path.join(folder, domain, kind)):
                    form = Form(kind, domain, name, path)
                    self.forms[f"urn:cartwright:{kind}:{name}"] = form
        self.open = []  # the forms that are being compiled just now, to find circles

    def folders(self):
        return sorted(f for f in os.listdir(self.folder) if os.path.isdir(self.folder + "/" + f))

    def of_folder(self, folder, kind):
        return [f for f in self.forms.values() if f.folder == folder and f.kind == kind]

    def compile(self, form):
        if form in self.open:
            raise SchemaError(f"{form.path}: its $ref leads back to itself at /")
        if form.node is None:
            self.open.append(form)
            FormCompiler(self, form).compile_form()
            self.open.pop()
        return form.node


def json_files(folder):
    """(name without the ending, path) of each schema in a folder, which need not exist."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [(n[: -len(".json")], os.path.join(folder, n)) for n in names if n.endswith(".json")]


class Compiler:
    """Compiles one file: a request or, as FormCompiler, a form."""

    kind = "request"

    def __init__(self, library, path):
        self.library = library
        self.path = path
        self.definitions = library.common.get("$defs", {})
        is_common = path == library.common_path
        self.of_common = self if is_common else Compiler(library, library.common_path)
        if is_common:
            self.kind = "common"

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
            if key in OF_DOCUMENT | OF_MEMBER and self.kind not in ("document", "common"):
                self.fail(f"keyword '{key}' belongs to documents", where)
            if key == "format" and self.kind != "common":
                self.fail("keyword 'format' belongs to common.json", where)
            if key == "allOf" and self.kind == "request":
                self.fail("keyword 'allOf' belongs to forms that stay open", where)

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
        if isinstance(schema, dict) and "oneOf" in schema:
            self.fail("'oneOf' belongs to a member, which it lets be null", where)
        form = self.form_of(schema, where)
        if form:
            return form
        rules, definition, expected = self.resolve(schema, where)
        self.check_type(rules, where)
        node = Node(name, rules, where)
        node.is_stored = self.kind in ("document", "common")
        node.kind_of, node.expected = definition, expected
        if definition and not set(schema) - (ANNOTATIONS | {"$ref"}) and "x-names" not in schema:
            node.definition = definition
            node.where = f"/$defs/{definition}"
            self.of_common.compile_rules(node)
            return node
        if definition and node.type in ("object", "array"):
            self.fail("only a string or an integer may have rules beside its $ref", where)
        self.compile_rules(node)
        return node

    def form_of(self, schema, where):
        """The root of the form that `schema` refers to as a whole; None when it does not."""
        ref = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(ref, str) or ref.startswith(REF_PREFIX):
            return None
        self.check_keywords(schema, where)
        form = self.library.forms.get(ref)
        if self.kind in ("request", "common") or form is None or form.kind != "reply":
            self.fail(f"$ref '{ref}' must begin with {REF_PREFIX} or be the $id of a reply", where)
        if set(schema) - {"$ref", "description"}:
            self.fail("a $ref to a form can only have a description beside it", where)
        return self.library.compile(form)

    def check_type(self, rules, where):
        if not isinstance(rules.get("type"), str) or rules["type"] not in TYPE_KEYWORDS:
            known = ", ".join(TYPE_KEYWORDS)
            self.fail(f"'type' must be one of {known}", where)

    def split_null(self, schema, where):
        """Returns (schema without null, whether null is allowed)."""
        if not isinstance(schema, dict):
            self.fail("a schema must be an object", where)
        types = schema.get("type")
        if isinstance(types, list) and len(types) == 2 and types[1] == "null":
            return {**schema, "type": types[0]}, True
        if "oneOf" not in schema:
            return schema, False
        choices = schema["oneOf"]
        if not isinstance(choices, list) or len(choices) != 2 or choices[1] != NULL:
            self.fail(f"'oneOf' can only be a list of a schema and {json.dumps(NULL)}", where)
        beside = {key: value for key, value in schema.items() if key != "oneOf"}
        if set(beside) - ANNOTATIONS:
            self.fail("only annotations can stand beside 'oneOf'", where)
        return {**choices[0], **beside}, True

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
        self.check_open(node)
        properties, required = node.rules.get("properties", {}), node.rules.get("required", [])
        if len(properties) > MEMBERS_MAX:
            self.fail(f"more than {MEMBERS_MAX} properties", node.where)
        for name in required:
            if name not in properties:
                self.fail(f"'required' names '{name}', which is no property", node.where)
        self.limits(node, "minProperties", "maxProperties")
        for name, schema in properties.items():
            node.members.append(self.compile_member(node, name, schema, name in required))
        if "allOf" in node.rules:
            self.compile_mixin(node)

    def check_open(self, node):
        """Requests say whether they are open; what we write always is."""
        said = node.rules.get("additionalProperties")
        if self.kind == "request" and not isinstance(said, bool):
            self.fail("'additionalProperties' must be true or false", node.where)
        if self.kind in KINDS and said is not None:
            self.fail("'additionalProperties' is for requests; forms stay open", node.where)

    def inner(self, node):
        """What the C names of a node's members begin with."""
        return node.base

    def compile_member(self, node, name, schema, required):
        where = f"{node.where}/properties/{name}"
        if not re.fullmatch(r"[a-z][A-Za-z0-9]*", name) or snake(name) in C_WORDS:
            self.fail(f"'{name}' must be camelCase and no word of C", where)
        plain, nullable = self.split_null(schema, where)
        child = self.compile(plain, f"{self.inner(node)}_{snake(name)}", where)
        if nullable and not required and self.kind == "document":
            self.fail("a member of a document is null or missing, not both", where)
        if "x-fallback" in schema and not required:
            self.fail("only a required member has a fallback", where)
        return Member(name, child, schema, required, nullable)

    def compile_mixin(self, node):
        parts = node.rules["allOf"]
        where = node.where + "/allOf"
        if not isinstance(parts, list) or len(parts) != 1 or set(parts[0]) != {"$ref"}:
            self.fail("'allOf' can only be a list of one $ref", where)
        node.mixin = self.compile(parts[0], "", where)
        if not node.mixin.definition or node.mixin.type != "object":
            self.fail("'allOf' must refer to an object of common.json", where)
        path = snake(node.mixin.definition)
        for member in node.mixin.members:
            if any(member.name == own.name for own in node.members):
                self.fail(f"'{member.name}' stands in 'allOf', too", where)
            node.members.append(
                Member(
                    member.name,
                    member.node,
                    member.rules,
                    member.required,
                    member.nullable,
                    f"{path}.{member.path}",
                )
            )

    def compile_array(self, node):
        self.limits(node, "minItems", "maxItems")
        if "items" not in node.rules:
            self.fail("'items' is missing", node.where)
        where = node.where + "/items"
        plain, nullable = self.split_null(node.rules["items"], where)
        if nullable:
            self.fail("an element cannot be null", where)
        node.items = self.compile(plain, node.base + "_item", where)
        if not node.items.form and "x-struct" not in node.items.rules:
            node.items.struct_tag = node.base
        if node.items.kind_of == "Money" or node.items.type not in ("object", "string"):
            self.fail("an array can only hold objects and strings", where)
        if "enum" in node.items.rules:
            self.fail("an array of enums is not known to fields.h", where)

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


class FormCompiler(Compiler):
    """Compiles any form but a request: a document, a reply, an event, a notification, a file."""

    def __init__(self, library, form):
        self.kind = form.kind
        super().__init__(library, form.path)
        self.form = form

    def compile_form(self):
        form, document = self.form, self.form.document
        urn = f"urn:cartwright:{form.kind}:{form.name}"
        if document.get("$id") != urn:
            self.fail(f"'$id' must be '{urn}'", "")
        rules = {key: value for key, value in document.items() if key not in ROOT_KEYWORDS}
        if form.kind == "event" and "$ref" in rules:
            self.compile_event(rules)
            return
        title = rules.get("title", "")
        if not isinstance(title, str) or not re.fullmatch(r"[A-Z][A-Za-z0-9]*", title):
            self.fail("'title' must be the name of the type, such as 'Order'", "")
        form.node = self.compile_view(rules) if "x-view-of" in rules else self.compile_own(rules)
        form.node.form = form

    def compile_event(self, rules):
        if set(rules) - {"$ref", "title", "description", "x-subject", "x-latest"}:
            self.fail("an event that is another form has only its $ref and a description", "")
        self.form.node = self.form_of({"$ref": rules["$ref"]}, "")
        self.form.event_of = self.form.node.form

    def inner(self, node):
        """A document and a request may have one name: notification.read, and its member read."""
        is_root = self.kind == "document" and not node.where
        return node.base + "_document" * is_root

    def compile_own(self, rules):
        node = self.compile(rules, self.form.base)
        if node.type != "object" or node.kind_of:
            self.fail("a form must be an object of its own", "")
        if self.form.kind == "document":
            self.check_document(rules)
            if not rules.get("x-ledger"):
                node.members = self.head(rules) + node.members
        return node

    def check_document(self, rules):
        for key in ("x-collection",) + (() if rules.get("x-ledger") else ("x-key",)):
            if key not in rules:
                self.fail(f"a document needs '{key}'", "")
        if rules.get("x-key", "Id") not in ("Id", "text"):
            self.fail("'x-key' must be 'Id' or 'text'", "")
        if not isinstance(rules.get("x-ids-return", True), bool):
            self.fail("'x-ids-return' must be true or false", "")
        self.check_generation(rules)
        for index in rules.get("x-indexes", []):
            known = {"name", "keys", "unique", "byLocale", "expireAfterS", "onlyWhen"}
            if set(index) - known or not {"name", "keys"} <= set(index):
                self.fail("an index has a name, keys and what README.md lists", "/x-indexes")

    def check_generation(self, rules):
        generation, upgrade = rules.get("x-generation", 1), rules.get("x-upgrade")
        if type(generation) is not int or not 1 <= generation <= GENERATION_MAX:
            self.fail(f"'x-generation' must be an integer from 1 to {GENERATION_MAX}", "")
        if (generation > 1) != ("x-upgrade" in rules):
            self.fail("'x-upgrade' belongs to an 'x-generation' over 1, and that needs it", "")
        if upgrade is not None and not re.fullmatch(r"[a-z]\w*", str(upgrade)):
            self.fail("'x-upgrade' must be the name of a function in C", "")
        if generation > 1 and rules.get("x-ledger"):
            self.fail("the entries of a ledger have no generations", "")

    def head(self, rules):
        """The members of struct doc_head, which every document has."""
        key = {"$ref": REF_PREFIX + "Id"} if rules["x-key"] == "Id" else {"type": "string"}
        time = {"$ref": REF_PREFIX + "Time"}
        of = {"id": key, "version": {"type": "integer"}, "createdAt": time, "updatedAt": time}
        base = self.form.base + "_document"
        head = [
            Member(name, self.compile(schema, f"{base}_{snake(name)}"), path="head." + snake(name))
            for name, schema in of.items()
        ]
        if rules.get("x-generation", 1) > 1:
            node = self.compile({"type": "integer", "minimum": 1}, f"{base}__generation")
            hidden = {"x-secret": True}
            head.append(Member("_generation", node, hidden, False, path="head.generation"))
        return head

    def compile_view(self, rules):
        known = {"title", "description", "type"} | OF_FORM
        if set(rules) - known:
            self.fail("a view has only a title, a description and its members", "")
        of = self.library.forms.get(rules["x-view-of"])
        if of is None or of.folder != self.form.folder:
            self.fail("'x-view-of' must be the $id of a form in the same folder", "")
        source = self.library.compile(of)
        members = {member.name: member for member in source.members}
        node = Node(self.form.base, {**rules, "type": "object"}, "")
        node.struct_tag, node.low, node.high = of.base, None, None
        for name in rules.get("x-members", []):
            if name not in members:
                self.fail(f"'{rules['x-view-of']}' has no member '{name}'", "/x-members")
            if "x-secret" in members[name].rules:
                self.fail(f"'{name}' is a secret", "/x-members")
            node.members.append(members[name])
        return node


class Source:
    """Writes schemas as they stand in `struct schema` and in bundles: without what only we read,
    each $ref as "#/$defs/<name>"."""

    def __init__(self, library):
        self.library = library

    def of(self, schema):
        if isinstance(schema, list):
            return [self.of(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        plain = {k: v for k, v in schema.items() if k not in EXTENSIONS | ROOT_KEYWORDS}
        return {k: self.ref(v) if k == "$ref" else self.of(v) for k, v in plain.items()}

    def ref(self, ref):
        if ref.startswith(REF_PREFIX):
            return "#/$defs/" + ref[len(REF_PREFIX) :]
        return "#/$defs/" + self.library.forms[ref].document["title"]

    def of_form(self, form):
        node, document = form.node, form.document
        if form.kind != "document" and "x-view-of" not in document:
            return self.of(document)
        if document.get("x-ledger"):
            return self.of(document)
        properties = {m.name: self.of(m.rules) or self.of_head(m.node) for m in node.members}
        return {
            "title": document["title"],
            "description": document.get("description", ""),
            "type": "object",
            "properties": properties,
            "required": [m.name for m in node.members if m.required],
        }

    @staticmethod
    def of_head(node):
        return {"$ref": f"#/$defs/{node.definition}"} if node.definition else {"type": node.type}


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
