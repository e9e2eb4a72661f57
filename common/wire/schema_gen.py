#!/usr/bin/env python3
"""schema_gen.py - turns schemas/<domain>/*.json into build/gen/schemas/<domain>.h and .c.

Each schema file becomes a C struct and the constant tables of common/wire/schema_node.h, which
schema_decode() interprets. The domain "common" is schemas/common.json: its $defs become shared
types. The domain "all" is the list of all other domains. The promise: the tables mean exactly what
the schema says. Whatever this program does not understand is a build error with file and place, and
is never silently ignored.
"""

import argparse
import json
import os
import re
import sys

sys.dont_write_bytecode = True  # a build leaves nothing among the sources
from schema_model import COMMON_ID, INT64, REF_PREFIX, Compiler, SchemaError, load, snake

# $defs with a C type of their own (base/fields.h) instead of the one that their schema implies.
KIND_OF_DEF = {"Id": "FIELD_ID", "Date": "FIELD_DATE", "Money": "FIELD_MONEY"}
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
    """Collects the header and the tables of one domain. Children come before their users."""

    def __init__(self, linkage):
        self.linkage = linkage  # "static " for tables that only the generated file uses
        self.header = []
        self.source = []
        self.schemas = []

    def tag(self, node):
        if node.kind_of in STRUCT_OF_DEF:
            return STRUCT_OF_DEF[node.kind_of]
        return node.base if node.definition else node.struct_tag or node.base

    def field_type(self, node, required):
        """Returns (kind, C type, shape, names) of a member."""
        if node.nullable:
            return "FIELD_OPT_STR", "struct opt_str", None, None
        if node.kind_of in KIND_OF_DEF:
            kind = KIND_OF_DEF[node.kind_of]
            return kind, "struct money" if kind == "FIELD_MONEY" else "struct str", None, None
        if node.type == "object":
            shape = node.base + "_shape"
            if required:
                return "FIELD_EMBED", f"struct {self.tag(node)}", shape, None
            return "FIELD_STRUCT", f"const struct {self.tag(node)} *", shape, None
        if node.type == "array":
            return self.list_type(node.items)
        if node.type == "string":
            if "enum" in node.rules:
                return "FIELD_ENUM", "int", None, node.base + "_names"
            return "FIELD_STR", "struct str", None, None
        kind, plain, optional = {
            "integer": ("INT", "int64_t", "struct opt_int"),
            "boolean": ("BOOL", "bool", "struct opt_bool"),
        }[node.type]
        return (
            ("FIELD_", "FIELD_OPT_")[not required] + kind,
            plain if required else optional,
            None,
            None,
        )

    def list_type(self, items):
        if items.type == "object":
            return "FIELD_LIST", f"LIST(struct {self.tag(items)})", items.base + "_shape", None
        return (
            "FIELD_IDS" if items.kind_of == "Id" else "FIELD_STRS",
            "LIST(struct str)",
            None,
            None,
        )

    def children(self, node):
        nodes = [child for _, _, child in node.members] + ([node.items] if node.items else [])
        for child in nodes:
            if not child.definition:
                self.write(child)

    def write(self, node):
        self.children(node)
        if "enum" in node.rules:
            self.write_enum(node)
        if node.type == "object":
            self.write_struct(node)
            self.write_object_tables(node)
        self.write_node(node)

    def write_enum(self, node):
        prefix = node.base.upper()
        names = node.rules["enum"]
        self.header += [f"enum {node.base} {{"]
        self.header += [f"    {prefix}_{snake(name).upper()}," for name in names]
        self.header += ["};", f"extern const char *const {node.base}_names[];", ""]
        values = "".join(f"    {c_string(name)},\n" for name in names)
        self.source += [f"const char *const {node.base}_names[] = {{\n{values}    NULL,\n}};", ""]

    def write_struct(self, node):
        if node.kind_of in STRUCT_OF_DEF:
            return
        self.header += [f"struct {self.tag(node)} {{"]
        for name, required, child in node.members:
            kind, c_type, _, names = self.field_type(child, required)
            absent = "" if required else ", -1 absent"
            note = f" /* enum {names.removesuffix('_names')}{absent} */" if names else ""
            space = "" if c_type.endswith("*") else " "
            self.header += [f"    {c_type}{space}{snake(name)};{note}"]
        if not node.members:
            self.header += ["    char none; /* it takes nothing */"]
        if self.is_kept(node):
            self.header += ["    struct str kept; /* base/fields.h */"]
        self.header += ["};", ""]

    @staticmethod
    def is_kept(node):
        return bool(node.is_stored and node.members and node.kind_of not in STRUCT_OF_DEF)

    def write_object_tables(self, node):
        base, tag = node.base, self.tag(node)
        if node.members:
            fields = "".join(self.field_row(tag, *member) for member in node.members)
            members = "".join(self.member_row(*member) for member in node.members)
            self.source += [
                f"static const struct field {base}_fields[] = {{\n{fields}}};",
                "",
                f"static const struct schema_member {base}_members[] = {{\n{members}}};",
                "",
            ]
        table = f"{base}_fields" if node.members else "NULL"
        self.source += [
            f"{self.linkage}const struct shape {base}_shape = {{\n"
            f"    .name = {c_string(node.label)},\n"
            f"    .size = sizeof(struct {tag}),\n"
            f"    .fields = {table},\n"
            f"    .field_count = {len(node.members)},\n"
            + (f"    .kept = offsetof(struct {tag}, kept),\n" if self.is_kept(node) else "")
            + "};",
            "",
        ]

    def field_row(self, tag, name, required, node):
        kind, _, shape, names = self.field_type(node, required)
        flags = ["FIELD_OPTIONAL"] * (not required)
        flags += ["FIELD_SECRET"] * ("writeOnly" in node.rules)
        members = [
            ("name", c_string(name)),
            ("kind", kind),
            ("flags", " | ".join(flags)),
            ("offset", f"offsetof(struct {tag}, {snake(name)})"),
            ("shape", shape and "&" + shape),
            ("names", names),
        ]
        row = ", ".join(f".{member} = {value}" for member, value in members if value)
        return f"    {{{row}}},\n"

    def member_row(self, name, required, node):
        flag = "true" if required else "false"
        return f"    {{{{{c_string(name)}, {len(name)}}}, {flag}, &{node.base}_node}},\n"

    def write_node(self, node):
        rows = [f".type = {NODE_TYPES[node.type]}"] + getattr(self, "rows_" + node.type)(node)
        body = "".join(f"    {row},\n" for row in rows)
        self.source += [
            f"{self.linkage}const struct schema_node {node.base}_node = {{\n{body}}};",
            "",
        ]

    def count_rows(self, node):
        high = "SIZE_MAX" if node.high is None else node.high
        return ([f".min_count = {node.low}"] if node.low else []) + [f".max_count = {high}"]

    def rows_object(self, node):
        rows = self.count_rows(node) + [f".shape = &{node.base}_shape"]
        if node.members:
            rows += [f".members = {node.base}_members"]
        return rows + [".open = true"] * node.rules["additionalProperties"]

    def rows_array(self, node):
        rows = self.count_rows(node) + [f".items = &{node.items.base}_node"]
        if node.items.type == "object":
            rows += [f".shape = &{node.items.base}_shape"]
        return rows

    def rows_string(self, node):
        rows = self.count_rows(node) + [".nullable = true"] * node.nullable
        if "pattern" in node.rules:
            rows += [f".pattern = {c_string(node.rules['pattern'])}"]
            rows += [f".expected = {c_string(node.expected)}"]
        if "enum" in node.rules:
            rows += [f".names = {node.base}_names"]
        return rows

    def rows_integer(self, node):
        low = INT64[0] if node.low is None else node.low
        high = INT64[1] if node.high is None else node.high
        return [f".min = {c_int(low)}", f".max = {c_int(high)}"]

    def rows_boolean(self, node):
        if "const" not in node.rules:
            return []
        return [".only_true = true" if node.rules["const"] else ".only_false = true"]


NODE_TYPES = {
    "object": "SCHEMA_OBJECT",
    "array": "SCHEMA_LIST",
    "string": "SCHEMA_STR",
    "integer": "SCHEMA_INT",
    "boolean": "SCHEMA_BOOL",
}


def label(node, text):
    """Gives `node` and the shapes below it their names for people."""
    node.label = text
    for name, _, child in node.members:
        label(child, f"{text}/{name}")
    if node.items:
        label(node.items, text)


def write_schema(writer, compiler, domain, rest, document):
    is_event = domain == "event"
    name = rest if is_event else f"{domain}.{rest}"
    urn = f"urn:cartwright:{'event' if is_event else 'request'}:{name}"
    if document.get("$id") != urn:
        compiler.fail(f"'$id' must be '{urn}'", "")
    base = snake(f"{domain}.{rest}")
    node = compiler.compile(document, base)
    if node.type != "object" or node.kind_of:
        compiler.fail("a message must be an object of its own", "")
    node.struct_tag = base if is_event else base + "_request"
    writer.schemas.append(f"{base}_schema")
    label(node, name)
    writer.header += [f"/* {name}: {document.get('description', '')} */"]
    writer.source += [f"/* --- {name} --- */", ""]
    writer.write(node)
    writer.header[-1:] = [f"extern const struct schema {base}_schema;", ""]
    text = json.dumps(compiler.inline(document), indent=2)
    lines = "\n".join(f"        {c_string(line + chr(10))}" for line in text.split("\n"))
    writer.source += [
        f"const struct schema {base}_schema = {{\n    .name = {c_string(name)},\n"
        f"    .root = &{base}_node,\n    .shape = &{base}_shape,\n    .source =\n{lines},\n}};",
        "",
    ]


def write_list(writer, domain):
    writer.header += [
        "/* All of the above, ended by NULL. */",
        f"extern const struct schema *const {domain}_schemas[];",
        "",
    ]
    rows = "".join(f"    &{name},\n" for name in writer.schemas)
    writer.source += [
        f"const struct schema *const {domain}_schemas[] = {{\n{rows}    NULL,\n}};",
        "",
    ]


def write_common(writer, compiler, common):
    if common.get("$id") != COMMON_ID:
        compiler.fail(f"'$id' must be '{COMMON_ID}'", "")
    compiler.check_keywords(common, "")
    done = set()

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
        node.definition, node.kind_of, node.is_stored = None, name, True
        label(node, name)
        writer.write(node)
        if node.type == "object":
            writer.header += [f"extern const struct shape {node.base}_shape;", ""]

    for name in common["$defs"]:
        write(name)
    names = [f"common_{snake(name)}_node" for name in common["$defs"]]
    writer.header += [f"extern const struct schema_node {name};" for name in names] + [""]


def generate_all(schemas):
    """Returns (header, source) of the list of all domains."""
    folders = sorted(f for f in os.listdir(schemas) if os.path.isdir(os.path.join(schemas, f)))
    includes = "".join(f'#include "schemas/{folder}.h"\n' for folder in folders)
    rows = "".join(f"    {folder}_schemas,\n" for folder in folders)
    header = f"""/* all.h - generated by common/wire/schema_gen.py from schemas/ */
#ifndef CARTWRIGHT_SCHEMAS_ALL_H
#define CARTWRIGHT_SCHEMAS_ALL_H

{includes}
/* The lists of all domains, ended by NULL. */
extern const struct schema *const *const all_schemas[];

#endif
"""
    source = f"""/* all.c - generated by common/wire/schema_gen.py */
#include "schemas/all.h"

const struct schema *const *const all_schemas[] = {{
{rows}    NULL,
}};
"""
    return header, source


def generate(schemas, domain):
    """Returns (header, source) of a domain as text."""
    common_path = os.path.join(schemas, "common.json")
    common = load(common_path)
    is_common = domain == "common"
    writer = Writer("" if is_common else "static ")
    if is_common:
        write_common(writer, Compiler(common_path, common_path, common), common)
    else:
        folder = os.path.join(schemas, domain)
        for file in sorted(f for f in os.listdir(folder) if f.endswith(".json")):
            path = os.path.join(folder, file)
            compiler = Compiler(path, common_path, common)
            write_schema(writer, compiler, domain, file[: -len(".json")], load(path))
        write_list(writer, domain)
    return header_text(domain, is_common, writer), source_text(domain, writer)


def header_text(domain, is_common, writer):
    origin = "common.json" if is_common else f"{domain}/"
    guard = f"CARTWRIGHT_SCHEMAS_{domain.upper()}_H"
    first = '#include "wire/schema.h"' if is_common else '#include "schemas/common.h"'
    top = [
        f"/* {domain}.h - generated by common/wire/schema_gen.py from schemas/{origin} */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        first,
        "",
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


def main():
    parser = argparse.ArgumentParser(description="Turns JSON Schemas into C tables.")
    parser.add_argument("--schemas", required=True, help="folder of the schemas")
    parser.add_argument("--domain", required=True, help='folder below it, "common" or "all"')
    parser.add_argument("--out", required=True, help="folder of the generated files")
    options = parser.parse_args()
    try:
        if options.domain == "all":
            header, source = generate_all(options.schemas)
        else:
            header, source = generate(options.schemas, options.domain)
    except SchemaError as error:
        sys.exit(str(error))
    for suffix, text in ((".h", header), (".c", source)):
        with open(
            os.path.join(options.out, options.domain + suffix), "w", encoding="utf-8"
        ) as file:
            file.write(text)


if __name__ == "__main__":
    main()
