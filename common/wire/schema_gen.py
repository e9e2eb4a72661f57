#!/usr/bin/env python3
"""schema_gen.py - turns schemas/<folder>/ into build/gen/schemas/<folder>.h and .c.

Each schema becomes a C struct, the table of its fields (base/fields.h), which all codecs use, and
the constant tables of common/wire/schema_node.h, which schema_decode() interprets; schemas/README.md
says what becomes what. The folder "common" is schemas/common.json: its $defs become shared types.
The folder "all" is the list of all other folders. The promise: the tables mean exactly what the
schema says. Whatever this program does not understand is a build error with file and place, and is
never silently ignored.
"""

import argparse
import json
import os
import re
import sys

sys.dont_write_bytecode = True  # a build leaves nothing among the sources
from schema_model import (
    COMMON_ID,
    INT64,
    KINDS,
    REF_PREFIX,
    Compiler,
    Library,
    SchemaError,
    Source,
    json_files,
    load,
    snake,
)

# $defs with a C type of their own (base/fields.h) instead of the one that their schema implies.
KIND_OF_DEF = {
    "Id": "FIELD_ID",
    "Date": "FIELD_DATE",
    "Time": "FIELD_TIME",
    "Money": "FIELD_MONEY",
    "Data": "FIELD_RAW",
}
TYPE_OF_KIND = {"FIELD_TIME": "int64_t", "FIELD_MONEY": "struct money"}
STRUCT_OF_DEF = {"Money": "schema_money"}


def c_string(text):
    """A C literal of the UTF-8 bytes, with octal escapes: a hex one would swallow what follows."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def c_int(value):
    return "INT64_MIN" if value == INT64[0] else f"INT64_C({value})"


class Writer:
    """Collects the header and the tables of one folder. Children come before their users."""

    def __init__(self, library, folder, linkage):
        self.library = library
        self.folder = folder
        self.linkage = linkage  # "static " for tables that only the generated file uses
        self.header = []
        self.source = []
        self.schemas = []
        self.events = []
        self.others = set()  # the folders whose headers are needed
        self.knows_jobs = False  # the header has events, or documents that handlers load
        self.knows_store = False  # the header has documents

    # --- structs ----------------------------------------------------------------------------

    @staticmethod
    def tag(node):
        if node.kind_of in STRUCT_OF_DEF:
            return STRUCT_OF_DEF[node.kind_of]
        return node.base if node.definition else node.struct_tag or node.base

    def field_type(self, member):
        """Returns (kind, C type, shape, names) of a member."""
        node = member.node
        if node.kind_of in KIND_OF_DEF:
            kind = KIND_OF_DEF[node.kind_of]
            return kind, TYPE_OF_KIND.get(kind, "struct str"), None, None
        if node.type == "object":
            shape = node.base + "_shape"
            if member.required and not member.nullable:
                return "FIELD_EMBED", f"struct {self.tag(node)}", shape, None
            return "FIELD_STRUCT", f"const struct {self.tag(node)} *", shape, None
        if node.type == "array":
            return self.list_type(node.items)
        if node.type == "string":
            if "enum" in node.rules:
                return "FIELD_ENUM", "int", None, node.names
            return "FIELD_STR", "struct str", None, None
        kind, plain, optional = {
            "integer": ("INT", "int64_t", "struct opt_int"),
            "boolean": ("BOOL", "bool", "struct opt_bool"),
        }[node.type]
        if member.required and not member.nullable:
            return "FIELD_" + kind, plain, None, None
        return "FIELD_OPT_" + kind, optional, None, None

    def list_type(self, items):
        if items.type == "object":
            return "FIELD_LIST", f"LIST(struct {self.tag(items)})", items.base + "_shape", None
        kind = "FIELD_IDS" if items.kind_of == "Id" else "FIELD_STRS"
        return kind, "LIST(struct str)", None, None

    def children(self, node):
        for child in [member.node for member in node.members] + [node.items, node.mixin]:
            if child is None or child.definition:
                continue
            if child.form and child is not node:
                self.need(child.form)
            elif not child.is_written:
                self.write(child)

    def need(self, form):
        """Makes sure that another form's struct stands before what uses it."""
        if form.folder != self.folder:
            self.others.add(form.folder)
        elif not form.node.is_written:
            write_form(self, form)

    def write(self, node):
        node.is_written = True
        self.children(node)
        if "enum" in node.rules and "x-names" not in node.rules:
            self.write_enum(node)
        if node.type == "object":
            self.write_struct(node)
            self.write_object_tables(node)
        self.write_node(node)

    def write_enum(self, node):
        name, prefix = node.enum
        names = node.rules["enum"]
        self.header += [f"enum {name} {{"]
        self.header += [f"    {prefix}_{snake(one).upper()}," for one in names]
        self.header += ["};", f"#define {name.upper()}_COUNT {len(names)}"]
        self.header += [f"extern const char *const {node.names}[];", ""]
        values = "".join(f"    {c_string(one)},\n" for one in names)
        self.source += [f"const char *const {node.names}[] = {{\n{values}    NULL,\n}};", ""]

    def write_struct(self, node):
        if node.kind_of in STRUCT_OF_DEF or "x-view-of" in node.rules:
            return
        self.header += [f"struct {self.tag(node)} {{"]
        if self.is_document(node):
            self.header += ["    struct doc_head head;"]
        for member in node.members:
            if "." not in member.path:
                self.write_struct_member(member)
        if node.mixin:
            path = snake(node.mixin.definition)
            self.header += [f"    struct {self.tag(node.mixin)} {path};"]
        if not node.members:
            self.header += ["    char none; /* it has no members */"]
        if self.is_kept(node) and not self.is_document(node):
            self.header += ["    struct str kept; /* base/fields.h */"]
        self.header += ["};", ""]

    def write_struct_member(self, member):
        _, c_type, _, names = self.field_type(member)
        notes = [member.rules["description"]] if "description" in member.rules else []
        if names:
            notes += [f"enum {names.removesuffix('_names')}" + ", -1 absent" * (not member.required)]
        note = f" /* {'; '.join(notes)} */".replace("*/ */", "*/") if notes else ""
        space = "" if c_type.endswith("*") else " "
        self.header += [f"    {c_type}{space}{member.path};{note}"]
        if member.is_given_apart:
            self.header += [f"    bool {member.path}_given;"]

    @staticmethod
    def is_document(node):
        return bool(node.form and node.form.kind == "document" and "x-key" in node.rules)

    def is_kept(self, node):
        if "x-view-of" in node.rules:
            return False
        return bool(node.is_stored and node.members and node.kind_of not in STRUCT_OF_DEF)

    # --- tables -----------------------------------------------------------------------------

    def write_object_tables(self, node):
        base, tag = node.base, self.tag(node)
        if node.members:
            fields = "".join(self.field_row(tag, member) for member in node.members)
            members = "".join(self.member_row(member) for member in node.members)
            self.source += [
                f"static const struct field {base}_fields[] = {{\n{fields}}};",
                "",
                f"static const struct schema_member {base}_members[] = {{\n{members}}};",
                "",
            ]
        table = f"{base}_fields" if node.members else "NULL"
        kept = "head.kept" if self.is_document(node) else "kept"
        self.source += [
            f"{self.linkage_of(node)}const struct shape {base}_shape = {{\n"
            f"    .name = {c_string(node.label)},\n"
            f"    .size = sizeof(struct {tag}),\n"
            f"    .fields = {table},\n"
            f"    .field_count = {len(node.members)},\n"
            + (f"    .kept = offsetof(struct {tag}, {kept}),\n" if self.is_kept(node) else "")
            + "};",
            "",
        ]

    def linkage_of(self, node):
        """Other folders use the forms of this one."""
        return "" if node.form else self.linkage

    def field_row(self, tag, member):
        kind, _, shape, names = self.field_type(member)
        flags = ["FIELD_KEY"] * (member.path == "head.id")
        flags += ["FIELD_OPTIONAL"] * (not member.required)
        flags += ["FIELD_NULLABLE"] * member.nullable
        is_secret = "writeOnly" in member.node.rules or "x-secret" in member.rules
        flags += ["FIELD_SECRET"] * is_secret
        given = f"offsetof(struct {tag}, {member.path}_given)" if member.is_given_apart else None
        columns = [
            ("name", c_string(member.name)),
            ("kind", kind),
            ("flags", " | ".join(flags)),
            ("offset", f"offsetof(struct {tag}, {member.path})"),
            ("given", given),
            ("shape", shape and "&" + shape),
            ("names", names),
            ("fallback", self.fallback(member)),
        ]
        row = ", ".join(f".{column} = {value}" for column, value in columns if value)
        return f"    {{{row}}},\n"

    @staticmethod
    def fallback(member):
        if "x-fallback" not in member.rules:
            return None
        value = member.rules["x-fallback"]
        text = json.dumps(value) if isinstance(value, (bool, int)) else value or ""
        return c_string(text)

    def member_row(self, member):
        name, required = c_string(member.name), "true" if member.required else "false"
        nullable = "true" if member.nullable else "false"
        node = f"&{member.node.base}_node"
        return f"    {{{{{name}, {len(member.name)}}}, {required}, {nullable}, {node}}},\n"

    def write_node(self, node):
        rows = [f".type = {NODE_TYPES[node.type]}"] + getattr(self, "rows_" + node.type)(node)
        rows += [f".title = {c_string(title)}" for title in [self.title(node)] if title]
        body = "".join(f"    {row},\n" for row in rows)
        self.source += [
            f"{self.linkage_of(node)}const struct schema_node {node.base}_node = {{\n{body}}};",
            "",
        ]
        if node.form:
            self.header += [f"extern const struct schema_node {node.base}_node;"]

    def title(self, node):
        if self.folder == "common":
            return node.kind_of
        return node.rules.get("title") if node.form or "x-struct" in node.rules else None

    def count_rows(self, node):
        high = "SIZE_MAX" if node.high is None else node.high
        return ([f".min_count = {node.low}"] if node.low else []) + [f".max_count = {high}"]

    def rows_object(self, node):
        rows = self.count_rows(node) + [f".shape = &{node.base}_shape"]
        if node.members:
            rows += [f".members = {node.base}_members"]
        return rows + [".open = true"] * node.rules.get("additionalProperties", True)

    def rows_array(self, node):
        rows = self.count_rows(node) + [f".items = &{node.items.base}_node"]
        if node.items.type == "object":
            rows += [f".shape = &{node.items.base}_shape"]
        return rows

    def rows_string(self, node):
        rows = self.count_rows(node)
        if "pattern" in node.rules:
            rows += [f".pattern = {c_string(node.rules['pattern'])}"]
            rows += [f".expected = {c_string(node.expected)}"]
        if "enum" in node.rules:
            rows += [f".names = {node.names}"]
        return rows

    def rows_integer(self, node):
        low = INT64[0] if node.low is None else node.low
        high = INT64[1] if node.high is None else node.high
        return [f".min = {c_int(low)}", f".max = {c_int(high)}"]

    def rows_boolean(self, node):
        if "const" not in node.rules:
            return []
        return [".only_true = true" if node.rules["const"] else ".only_false = true"]

    def write_schema(self, symbol, kind, name, node, source):
        """The `struct schema` of a root."""
        self.schemas.append(symbol)
        self.header += [f"extern const struct schema {symbol};", ""]
        self.source += [
            f"const struct schema {symbol} = {{\n    .name = {c_string(name)},\n"
            f"    .kind = SCHEMA_{kind.upper()},\n"
            f"    .root = &{node.base}_node,\n    .shape = &{node.base}_shape,\n"
            f"    .source =\n{source_lines(source)},\n}};",
            "",
        ]


NODE_TYPES = {
    "object": "SCHEMA_OBJECT",
    "array": "SCHEMA_LIST",
    "string": "SCHEMA_STR",
    "integer": "SCHEMA_INT",
    "boolean": "SCHEMA_BOOL",
}


def source_lines(schema):
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    return "\n".join(f"        {c_string(line + chr(10))}" for line in text.split("\n"))


def label(node, text):
    """Gives `node` and the shapes below it their names for people."""
    if hasattr(node, "label"):
        return
    node.label = text
    for member in node.members:
        label(member.node, f"{text}/{member.name}")
    if node.items:
        label(node.items, text)


def opening(writer, name, description):
    writer.header += [f"/* {name}: {description} */".replace("*/ */", "*/")]
    writer.source += [f"/* --- {name} --- */", ""]


def write_request(writer, domain, rest, path):
    document = load(path)
    compiler = Compiler(writer.library, path)
    name = f"{domain}.{rest}"
    if document.get("$id") != f"urn:cartwright:request:{name}":
        compiler.fail(f"'$id' must be 'urn:cartwright:request:{name}'", "")
    base = snake(name)
    node = compiler.compile(document, base)
    if node.type != "object" or node.kind_of:
        compiler.fail("a request must be an object of its own", "")
    node.struct_tag = base + "_request"
    label(node, name)
    opening(writer, name, document.get("description", ""))
    writer.write(node)
    source = Source(writer.library).of(document)
    writer.write_schema(f"{base}_schema", "request", name, node, source)


def write_form(writer, form):
    node = writer.library.compile(form)
    if form.event_of:
        writer.need(form.event_of)
        write_event(writer, form, form.event_of)
        return
    if node.is_written:
        return
    title = form.document["title"]
    label(node, title)
    of = form.document.get("x-view-of")
    if of:
        writer.need(writer.library.forms[of])
    opening(writer, f"the {form.kind} {form.name}", form.document.get("description", ""))
    writer.write(node)
    writer.header += [f"extern const struct shape {node.base}_shape;"]
    writer.write_schema(form.schema, form.kind, title, node, Source(writer.library).of_form(form))
    if form.kind == "document":
        write_document(writer, form)
    elif form.kind == "event":
        write_event(writer, form, form)


def write_event(writer, form, data):
    writer.knows_jobs = True
    symbol = snake(form.name)
    subject = form.document.get("x-subject", "id")
    members = {member.name: member for member in data.node.members}
    if subject not in members:
        raise SchemaError(f"{form.path}: its data has no member '{subject}' at /x-subject")
    tag = writer.tag(data.node)
    summary = form.document.get("description", "")
    writer.events.append(symbol)
    writer.header += [f"/* {form.name}: {summary} */", f"extern const struct event_type {symbol};", ""]
    writer.source += [
        f"const struct event_type {symbol} = {{\n    .name = {c_string(form.name)},\n"
        f"    .summary = {c_string(summary)},\n    .data = &{data.schema},\n"
        f"    .subject = offsetof(struct {tag}, {members[subject].path}),\n"
        + "    .latest_only = true,\n" * bool(form.document.get("x-latest"))
        + "};",
        "",
    ]


def index_row(index):
    flags = [c for k, c in (("unique", "INDEX_UNIQUE"), ("byLocale", "INDEX_BY_LOCALE")) if index.get(k)]
    columns = [
        ("name", c_string(index["name"])),
        ("keys", c_string(index["keys"])),
        ("flags", " | ".join(flags)),
        ("expire_after_s", index.get("expireAfterS")),
        ("only_when", c_string(index["onlyWhen"]) if "onlyWhen" in index else None),
    ]
    return "    {" + ", ".join(f".{c} = {v}" for c, v in columns if v) + "},\n"


def type_of(form):
    """The C name of a document's `struct doc_type`."""
    return form.document.get("x-ledger") or f"{form.node.base}_type"


def write_document(writer, form):
    document, base = form.document, form.node.base
    is_loaded = "x-ledger" not in document and document.get("x-by-id", True)
    writer.knows_store = True
    writer.knows_jobs |= is_loaded or "x-ledger" in document
    shape, symbol = f"{base}_shape", type_of(form)
    if "x-ledger" in document:
        shape = f"{base}_page_shape"
        writer.source += [
            f"static const struct field {base}_page_fields[] = {{LEDGER_FIELDS(&{base}_shape)}};",
            "",
            f"static const struct shape {shape} =\n"
            f"    DOC_SHAPE({c_string(document['title'] + ' page')}, struct ledger_page, {base}_page_fields);",
            "",
        ]
    indexes = document.get("x-indexes", [])
    rows = [f".collection = {c_string(document['x-collection'])}", f".shape = &{shape}"]
    if indexes:
        table = "".join(index_row(index) for index in indexes)
        writer.source += [f"static const struct doc_index {base}_indexes[] = {{\n{table}}};", ""]
        rows += [f".indexes = {base}_indexes", f".index_count = {len(indexes)}"]
    if "x-cache" in document:
        rows += [f".cache_tag = {c_string(document['x-cache'])}"]
    if document.get("x-ids-return"):
        rows += [".ids_return = true"]
    if "x-upgrade" in document:
        rows += [f".generation = {document['x-generation']}", f".upgrade = {document['x-upgrade']}"]
        writer.header += [
            "/* Written by hand: see `upgrade` of struct doc_type. */",
            f"void {document['x-upgrade']}(struct arena *arena, void *doc, int from);",
            "",
        ]
    body = "".join(f"    {row},\n" for row in rows)
    writer.source += [f"const struct doc_type {symbol} = {{\n{body}}};", ""]
    writer.header += [f"extern const struct doc_type {symbol};", ""]
    if is_loaded:
        writer.header += [
            "/* A need; *out is NULL when there is no such document. */",
            f"static inline bool {base}_by_id(struct job *job, struct str id, enum access access,",
            f"                                struct {base} **out)",
            "{",
            f"    return job_doc(job, &{symbol}, id, access, (void **)out);",
            "}",
            "",
        ]


def write_lists(writer, domain):
    for kind, names in (("schema", writer.schemas), ("event_type", writer.events)):
        name = f"{domain}_{'events' if kind == 'event_type' else 'schemas'}"
        if kind == "event_type" and not names:
            continue
        writer.header += [
            "/* Those above, ended by NULL. */",
            f"extern const struct {kind} *const {name}[];",
            "",
        ]
        rows = "".join(f"    &{one},\n" for one in names)
        writer.source += [
            f"const struct {kind} *const {name}[] = {{\n{rows}    NULL,\n}};",
            "",
        ]


def write_common(writer, library):
    common = library.common
    compiler = Compiler(library, library.common_path)
    if common.get("$id") != COMMON_ID:
        compiler.fail(f"'$id' must be '{COMMON_ID}'", "")
    compiler.check_keywords(common, "")
    done = set()
    bases = []

    def write(name):
        """Writes the $def after those that it uses."""
        if name in done:
            return
        done.add(name)
        schema = common["$defs"][name]
        for ref in re.findall(re.escape(REF_PREFIX) + r"(\w+)", json.dumps(schema)):
            if ref in common["$defs"]:
                write(ref)
        node = compiler.compile(schema, "common_" + snake(name), f"/$defs/{name}")
        # The $def is generated here, even when it is only another $def under a new name.
        node.definition, node.kind_of = None, name
        label(node, name)
        writer.write(node)
        bases.append(node.base)
        if node.type == "object":
            writer.header += [f"extern const struct shape {node.base}_shape;", ""]

    for name in common["$defs"]:
        write(name)
    writer.header += [f"extern const struct schema_node {base}_node;" for base in bases] + [""]


def generate_all(library):
    """Returns (header, source) of the list of all folders."""
    folders = library.folders()
    for form in library.forms.values():
        library.compile(form)
    documents = [form for form in library.forms.values() if form.kind == "document"]
    with_events = [f for f in folders if library.of_folder(f, "event")]
    includes = "".join(f'#include "schemas/{folder}.h"\n' for folder in folders)
    source = Source(library)
    definitions = {n: source.of(s) for n, s in library.common["$defs"].items()}
    for form in library.forms.values():
        if form.kind not in ("document", "file") and not form.event_of:
            definitions[form.document["title"]] = source.of_form(form)
    header = f"""/* all.h - generated by common/wire/schema_gen.py from schemas/ */
#ifndef CARTWRIGHT_SCHEMAS_ALL_H
#define CARTWRIGHT_SCHEMAS_ALL_H

#include "service/operation.h"
{includes}
/* The lists of all folders, ended by NULL. */
extern const struct schema *const *const all_schemas[];
extern const struct event_type *const *const all_events[];

/* All documents, ended by NULL. */
extern const struct doc_type *const all_types[];

/* What "#/$defs/<name>" in the text of a schema refers to; ended by a row without a name. */
struct schema_definition {{
    const char *name;
    const char *source;
}};

extern const struct schema_definition all_definitions[];

#endif
"""
    rows = "".join(
        f"    {{{c_string(name)},\n{source_lines(schema)}}},\n"
        for name, schema in sorted(definitions.items())
    )
    text = f"""/* all.c - generated by common/wire/schema_gen.py */
#include "schemas/all.h"

const struct schema *const *const all_schemas[] = {{
{"".join(f"    {folder}_schemas,{chr(10)}" for folder in folders)}    NULL,
}};

const struct event_type *const *const all_events[] = {{
{"".join(f"    {folder}_events,{chr(10)}" for folder in with_events)}    NULL,
}};

const struct doc_type *const all_types[] = {{
{"".join(f"    &{type_of(form)},{chr(10)}" for form in documents)}    NULL,
}};

const struct schema_definition all_definitions[] = {{
{rows}    {{NULL, NULL}},
}};
"""
    return header, text


def generate(library, domain):
    """Returns (header, source) of a folder as text."""
    writer = Writer(library, domain, "" if domain == "common" else "static ")
    if domain == "common":
        write_common(writer, library)
    else:
        for kind in KINDS:
            for form in library.of_folder(domain, kind):
                write_form(writer, form)
        for rest, path in json_files(os.path.join(library.folder, domain)):
            write_request(writer, domain, rest, path)
        write_lists(writer, domain)
    return header_text(domain, writer), source_text(domain, writer)


def header_text(domain, writer):
    is_common = domain == "common"
    origin = "common.json" if is_common else f"{domain}/"
    guard = f"CARTWRIGHT_SCHEMAS_{domain.upper()}_H"
    includes = ["wire/schema.h"] if is_common else ["schemas/common.h"]
    includes += ["engine/job.h"] * writer.knows_jobs
    includes += ["store/store.h"] * (writer.knows_store and not writer.knows_jobs)
    includes += [f"schemas/{other}.h" for other in sorted(writer.others)]
    top = [
        f"/* {domain}.h - generated by common/wire/schema_gen.py from schemas/{origin} */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *[f'#include "{include}"' for include in includes],
        "",
        *["struct schema_node;", ""],
    ]
    return "\n".join(top + writer.header + ["#endif", ""])


def source_text(domain, writer):
    top = [
        f"/* {domain}.c - generated by common/wire/schema_gen.py */",
        f'#include "schemas/{domain}.h"',
        "",
        '#include "wire/schema_node.h"',
        "",
    ]
    return "\n".join(top + writer.source)


def rule(library, options):
    """For make: the generated files, and the files of other folders that they were made of."""
    base = os.path.join(options.out, options.domain)
    forms = library.forms.values()
    others = [f.path for f in forms if f.node is not None and f.folder != options.domain]
    return f"{base}.c {base}.h: {' '.join(others)}\n" + "".join(f"{path}:\n" for path in others)


def main():
    parser = argparse.ArgumentParser(description="Turns JSON Schemas into C tables.")
    parser.add_argument("--schemas", required=True, help="folder of the schemas")
    parser.add_argument("--domain", required=True, help='folder below it, "common" or "all"')
    parser.add_argument("--out", required=True, help="folder of the generated files")
    options = parser.parse_args()
    try:
        library = Library(options.schemas)
        if options.domain == "all":
            header, source = generate_all(library)
        else:
            header, source = generate(library, options.domain)
    except SchemaError as error:
        sys.exit(str(error))
    texts = {".h": header, ".c": source, ".d": rule(library, options)}
    for suffix, text in texts.items():
        path = os.path.join(options.out, options.domain + suffix)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
