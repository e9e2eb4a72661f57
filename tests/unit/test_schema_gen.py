#!/usr/bin/env python3
"""test_schema_gen.py - what the schema generator refuses, with file and place, and what it writes.

Run: python3 tests/unit/test_schema_gen.py
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATOR = os.path.join(ROOT, "common", "wire", "schema_gen.py")
COMMON_REF = "urn:cartwright:common#/$defs/"
COMMON = {
    "$id": "urn:cartwright:common",
    "$defs": {
        "Id": {"type": "string", "pattern": "^[0-9a-f]{24}$", "description": "an id"},
        "Name": {"type": "string", "pattern": "^[a-z ]+$", "description": "small letters"},
        "Money": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"amount": {"type": "integer"}, "currency": {"type": "string"}},
            "required": ["amount", "currency"],
        },
    },
}


def request(properties, **more):
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cartwright:request:shop.item.add",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **more,
    }


class Generated(unittest.TestCase):
    """Each case writes a schema into a folder of its own and runs the generator as make does."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.makedirs(os.path.join(self.folder.name, "schemas", "shop"))
        self.write("common.json", json.dumps(COMMON))

    def write(self, name, text):
        with open(os.path.join(self.folder.name, "schemas", name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_generator(self, domain="shop"):
        command = [
            sys.executable,
            GENERATOR,
            "--schemas",
            "schemas",
            "--domain",
            domain,
            "--out",
            ".",
        ]
        return subprocess.run(command, cwd=self.folder.name, capture_output=True, text=True)

    def generate(self, schema, domain="shop"):
        self.write("shop/item.add.json", json.dumps(schema))
        result = self.run_generator(domain)
        self.assertEqual(result.returncode, 0, result.stderr)
        texts = []
        for suffix in (".h", ".c"):
            with open(os.path.join(self.folder.name, domain + suffix), encoding="utf-8") as file:
                texts.append(file.read())
        return texts

    def assert_refused(self, schema, complaint):
        self.write("shop/item.add.json", schema if isinstance(schema, str) else json.dumps(schema))
        result = self.run_generator()
        self.assertEqual(result.returncode, 1, "it was accepted")
        self.assertEqual(result.stderr.strip(), complaint)

    def refuses_member(self, member, complaint):
        where = "schemas/shop/item.add.json: " + complaint + " at /properties/name"
        self.assert_refused(request({"name": member}), where)


class Refuses(Generated):
    def test_unknown_keyword(self):
        self.refuses_member({"type": "string", "maxLenght": 3}, "unknown keyword 'maxLenght'")
        where = "schemas/shop/item.add.json: "
        self.assert_refused(
            request({}, oneOf=[]), where + "'oneOf' belongs to a member, which it lets be null at /"
        )
        self.assert_refused(
            request({}, allOf=[]), where + "keyword 'allOf' belongs to forms that stay open at /"
        )
        self.refuses_member(
            {"type": "string", "x-secret": True}, "keyword 'x-secret' belongs to documents"
        )

    def test_keyword_in_a_nested_place(self):
        items = {"type": "array", "items": {"type": "string", "format": "uri"}}
        self.assert_refused(
            request({"list": items}),
            "schemas/shop/item.add.json: keyword 'format' belongs to common.json "
            "at /properties/list/items",
        )

    def test_refused_keywords(self):
        for keyword in ("default", "$dynamicRef", "unevaluatedProperties", "unevaluatedItems"):
            self.write(
                "shop/item.add.json", json.dumps(request({"a": {"type": "string", keyword: 1}}))
            )
            result = self.run_generator()
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"keyword '{keyword}' is refused", result.stderr)

    def test_keyword_of_another_type(self):
        self.refuses_member(
            {"type": "integer", "maxLength": 3},
            "keyword 'maxLength' says nothing about type 'integer'",
        )

    def test_null_where_it_means_nothing(self):
        either = {"type": ["string", "null"]}
        self.refuses_member(
            {"type": ["string", "integer"]},
            "'type' must be one of object, array, string, integer, boolean",
        )
        self.refuses_member(
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            """'oneOf' can only be a list of a schema and {"type": "null"}""",
        )
        self.refuses_member(
            {"oneOf": [{"type": "string"}, {"type": "null"}], "maxLength": 3},
            "only annotations can stand beside 'oneOf'",
        )
        self.assert_refused(
            request({"list": {"type": "array", "items": either}}),
            "schemas/shop/item.add.json: an element cannot be null at /properties/list/items",
        )

    def test_remote_and_dangling_refs(self):
        self.refuses_member(
            {"$ref": "https://example.com/id.json"},
            f"$ref 'https://example.com/id.json' must begin with {COMMON_REF} or be the $id of a reply",
        )
        self.refuses_member(
            {"$ref": COMMON_REF + "Nothing"}, f"$ref '{COMMON_REF}Nothing' points to nothing"
        )

    def test_rule_beside_a_ref_that_has_it(self):
        self.refuses_member(
            {"$ref": COMMON_REF + "Name", "pattern": "^a$"},
            "'pattern' stands beside a $ref that has it too",
        )

    def test_circle_of_refs(self):
        common = {
            **COMMON,
            "$defs": {"A": {"$ref": COMMON_REF + "B"}, "B": {"$ref": COMMON_REF + "A"}},
        }
        self.write("common.json", json.dumps(common))
        self.write("shop/item.add.json", json.dumps(request({"name": {"$ref": COMMON_REF + "A"}})))
        result = self.run_generator()
        self.assertEqual(result.returncode, 1)
        self.assertIn("leads back to itself", result.stderr)

    def test_patterns(self):
        for pattern in ("[a-z]+", "^a", "a$", "^a|b$", "^a\\$"):
            self.refuses_member(
                {"type": "string", "pattern": pattern, "description": "x"},
                f"pattern '{pattern}' must be anchored with ^ and $",
            )
        self.refuses_member(
            {"type": "string", "pattern": "^a$"},
            "a pattern needs a description: clients read 'must be ...'",
        )

    def test_limits(self):
        self.refuses_member(
            {"type": "integer", "minimum": 2, "maximum": 1}, "'minimum' is above 'maximum'"
        )
        self.refuses_member(
            {"type": "string", "maxLength": True},
            "'maxLength' must be an integer from 0 to 2147483648",
        )

    def test_required_without_property(self):
        self.assert_refused(
            request({}, required=["a"]),
            "schemas/shop/item.add.json: 'required' names 'a', which is no property at /",
        )

    def test_additional_properties_must_be_said(self):
        schema = request({})
        del schema["additionalProperties"]
        self.assert_refused(
            schema, "schemas/shop/item.add.json: 'additionalProperties' must be true or false at /"
        )

    def test_names_that_c_cannot_have(self):
        self.assert_refused(
            request({"int": {"type": "string"}}),
            "schemas/shop/item.add.json: 'int' must be camelCase and no word of C"
            " at /properties/int",
        )

    def test_id_must_fit_the_file(self):
        self.assert_refused(
            {**request({}), "$id": "urn:cartwright:request:other"},
            "schemas/shop/item.add.json: '$id' must be 'urn:cartwright:request:shop.item.add' at /",
        )

    def test_what_is_no_json(self):
        self.write("shop/item.add.json", '{"type": "object", "type": "object"}')
        result = self.run_generator()
        self.assertEqual(result.returncode, 1)
        self.assertIn("schemas/shop/item.add.json: the same key stands twice", result.stderr)


class Writes(Generated):
    def test_members_by_type(self):
        header, source = self.generate(
            request(
                {
                    "productId": {"$ref": COMMON_REF + "Id"},
                    "title": {"$ref": COMMON_REF + "Name", "maxLength": 9},
                    "price": {"$ref": COMMON_REF + "Money"},
                    "count": {"type": "integer", "minimum": 1},
                    "maybeCount": {"type": "integer"},
                    "gift": {"type": "boolean", "const": True},
                    "sort": {"type": "string", "enum": ["a", "bC"]},
                    "ids": {"type": "array", "items": {"$ref": COMMON_REF + "Id"}},
                    "to": {"type": "object", "additionalProperties": False, "properties": {}},
                    "secret": {"type": "string", "writeOnly": True},
                    "note": {"type": ["string", "null"], "maxLength": 9},
                    "wish": {"oneOf": [{"$ref": COMMON_REF + "Money"}, {"type": "null"}]},
                    "age": {"type": ["integer", "null"]},
                },
                required=["productId", "count", "age"],
            )
        )
        for line in (
            "struct shop_item_add_request {",
            "    struct str product_id;",
            "    struct money price;",
            "    int64_t count;",
            "    struct opt_int maybe_count;",
            "    struct opt_bool gift;",
            "    struct str note;",
            "    bool note_given;",
            "    struct money wish;",
            "    bool wish_given;",
            "    struct opt_int age;",
            "    int sort; /* enum shop_item_add_sort, -1 absent */",
            "    SHOP_ITEM_ADD_SORT_B_C,",
            "    LIST(struct str) ids;",
            "    const struct shop_item_add_to *to;",
            "extern const struct schema shop_item_add_schema;",
        ):
            self.assertIn(line + "\n", header)
        for text in (
            '{.name = "productId", .kind = FIELD_ID, .offset = ',
            '{.name = "secret", .kind = FIELD_STR, .flags = FIELD_OPTIONAL | FIELD_SECRET, ',
            '{{"productId", 9}, true, false, &common_id_node}',
            '{{"age", 3}, true, true, &shop_item_add_age_node}',
            ".given = offsetof(struct shop_item_add_request, note_given)",
            '{.name = "age", .kind = FIELD_OPT_INT, .flags = FIELD_NULLABLE, ',
            ".only_true = true",
            ".min = INT64_C(1)",
            '.pattern = "^[a-z ]+$"',
        ):
            self.assertIn(text, source)

    def test_lists_of_objects(self):
        line = {
            "type": "object",
            "additionalProperties": True,
            "properties": {"n": {"type": "integer"}},
        }
        header, source = self.generate(request({"lines": {"type": "array", "items": line}}))
        self.assertIn("struct shop_item_add_lines {\n    struct opt_int n;\n};", header)
        self.assertIn("    LIST(struct shop_item_add_lines) lines;", header)
        self.assertIn(".open = true", source)

    def test_the_same_twice(self):
        schema = request({"b": {"type": "string"}, "a": {"type": "string"}})
        self.assertEqual(self.generate(schema), self.generate(schema))

    def test_common(self):
        header, source = self.generate(request({}), "common")
        self.assertIn("extern const struct schema_node common_id_node;", header)
        self.assertNotIn("struct common_money {", header)
        self.assertIn("offsetof(struct schema_money, amount)", source)

    def test_non_ascii_patterns_are_utf8(self):
        member = {"type": "string", "pattern": "^[\u20ac]$", "description": "a euro sign"}
        _, source = self.generate(request({"name": member}))
        self.assertIn('.pattern = "^[\\342\\202\\254]$"', source)


class Forms(Generated):
    """Documents, replies, events and notifications."""

    THING = {
        "$id": "urn:cartwright:document:thing",
        "title": "ThingDocument",
        "x-collection": "things",
        "x-key": "Id",
        "x-indexes": [{"name": "by_name", "keys": "name:1", "unique": True}],
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "As it is called."},
            "state": {"type": "string", "enum": ["new", "old"], "x-enum": "state"},
            "hash": {"type": "string", "x-secret": True},
            "size": {"type": "integer", "x-fallback": 7},
            "parts": {
                "type": "array",
                "items": {
                    "x-struct": "part",
                    "type": "object",
                    "properties": {"n": {"type": "integer"}},
                    "required": ["n"],
                },
            },
        },
        "required": ["name", "state", "hash", "size", "parts"],
    }
    VIEW = {
        "$id": "urn:cartwright:reply:thing",
        "title": "Thing",
        "x-view-of": "urn:cartwright:document:thing",
        "x-members": ["id", "name", "parts"],
    }
    PAGE = {
        "$id": "urn:cartwright:reply:things",
        "title": "Things",
        "x-struct": "things",
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "urn:cartwright:reply:thing"}},
            "best": {"oneOf": [{"$ref": "urn:cartwright:reply:thing"}, {"type": "null"}]},
        },
        "required": ["items", "best"],
        "allOf": [{"$ref": COMMON_REF + "Paging"}],
    }
    EVENT = {"$id": "urn:cartwright:event:thing.made", "$ref": "urn:cartwright:reply:thing"}

    def setUp(self):
        super().setUp()
        common = json.loads(json.dumps(COMMON))
        common["$defs"]["Time"] = {"type": "string", "format": "date-time"}
        common["$defs"]["Paging"] = {
            "type": "object",
            "x-struct": "paging",
            "properties": {"next": {"type": ["string", "null"]}},
        }
        self.write("common.json", json.dumps(common))

    def put(self, kind, name, form):
        os.makedirs(os.path.join(self.folder.name, "schemas", "shop", kind), exist_ok=True)
        self.write(f"shop/{kind}/{name}.json", json.dumps(form))

    def forms(self, **changed):
        forms = {"THING": self.THING, "VIEW": self.VIEW, "PAGE": self.PAGE, "EVENT": self.EVENT}
        forms.update(changed)
        self.put("document", "thing", forms["THING"])
        self.put("reply", "thing", forms["VIEW"])
        self.put("reply", "things", forms["PAGE"])
        self.put("event", "thing.made", forms["EVENT"])
        return self.generate(request({}))

    def refuses(self, complaint, **changed):
        with self.assertRaises(AssertionError) as refused:
            self.forms(**changed)
        self.assertIn(complaint, str(refused.exception))

    def test_a_document(self):
        header, source = self.forms()
        for text in (
            "struct thing {\n    struct doc_head head;\n    struct str name; /* As it is called. */\n",
            "    int state; /* enum state */\n",
            "    LIST(struct part) parts;\n",
            "struct part {\n    int64_t n;\n    struct str kept; /* base/fields.h */\n};\n",
            "extern const struct doc_type thing_type;\n",
            "static inline bool thing_by_id(struct job *job, ",
        ):
            self.assertIn(text, header)
        for text in (
            '.name = "id", .kind = FIELD_ID, .flags = FIELD_KEY, '
            ".offset = offsetof(struct thing, head.id)}",
            '.name = "hash", .kind = FIELD_STR, .flags = FIELD_SECRET, ',
            '.fallback = "7"}',
            ".kept = offsetof(struct thing, head.kept)",
            '{.name = "by_name", .keys = "name:1", .flags = INDEX_UNIQUE}',
            '.collection = "things"',
        ):
            self.assertIn(text, source)

    def test_a_document_of_a_later_generation(self):
        header, source = self.forms()
        self.assertNotIn("_generation", header + source)
        later = {**self.THING, "x-generation": 3, "x-upgrade": "thing_upgrade"}
        header, source = self.forms(THING={**later, "x-ids-return": True})
        self.assertIn("void thing_upgrade(struct arena *arena, void *doc, int from);\n", header)
        for text in (
            '{.name = "_generation", .kind = FIELD_OPT_INT, .flags = FIELD_OPTIONAL | FIELD_SECRET, '
            ".offset = offsetof(struct thing, head.generation)}",
            "    .ids_return = true,\n    .generation = 3,\n    .upgrade = thing_upgrade,\n",
        ):
            self.assertIn(text, source)

    def test_generations_that_do_not_fit(self):
        both = "'x-upgrade' belongs to an 'x-generation' over 1, and that needs it"
        for complaint, rules in (
            ("'x-generation' must be an integer from 1 to 1000", {"x-generation": 0}),
            ("'x-generation' must be an integer from 1 to 1000", {"x-generation": True}),
            (both, {"x-generation": 2}),
            (both, {"x-upgrade": "f"}),
            (both, {"x-generation": 1, "x-upgrade": "f"}),
            ("'x-upgrade' must be the name", {"x-generation": 2, "x-upgrade": "f()"}),
            ("'x-ids-return' must be", {"x-ids-return": "yes"}),
            (
                "the entries of a ledger have no generations",
                {"x-generation": 2, "x-upgrade": "f", "x-ledger": "thing_ledger"},
            ),
        ):
            self.refuses(complaint, THING={**self.THING, **rules})

    def test_a_view_has_the_struct_of_its_document(self):
        header, source = self.forms()
        self.assertNotIn("struct thing_view {", header)
        self.assertIn("extern const struct schema thing_view_schema;", header)
        table = source.split("thing_view_fields[] = {")[1].split("};")[0]
        self.assertEqual(table.count("offsetof(struct thing, "), 3)

    def test_a_page_has_the_members_of_its_paging(self):
        header, source = self.forms()
        self.assertIn("    LIST(struct thing) items;\n    const struct thing *best;\n", header)
        self.assertIn("    struct paging paging;\n};", header)
        self.assertIn("offsetof(struct things, paging.next)", source)
        self.assertIn("offsetof(struct things, paging.next_given)", source)

    def test_an_event_is_a_form(self):
        header, source = self.forms()
        self.assertIn("extern const struct event_type thing_made;", header)
        self.assertIn(".data = &thing_view_schema", source)
        self.assertIn(".subject = offsetof(struct thing, head.id)", source)

    def test_what_is_refused(self):
        def without(form, key):
            return {k: v for k, v in form.items() if k != key}

        self.refuses("a document needs 'x-key'", THING=without(self.THING, "x-key"))
        self.refuses("'title' must be the name of the type", VIEW={**self.VIEW, "title": "a b"})
        self.refuses("has no member 'x'", VIEW={**self.VIEW, "x-members": ["x"]})
        self.refuses("'hash' is a secret", VIEW={**self.VIEW, "x-members": ["hash"]})
        self.refuses("must be the $id of a form", VIEW={**self.VIEW, "x-view-of": "urn:x"})
        self.refuses("forms stay open", PAGE={**self.PAGE, "additionalProperties": False})
        self.refuses("its data has no member 'n'", EVENT={**self.EVENT, "x-subject": "n"})
        circle = {**self.EVENT, "$ref": "urn:cartwright:reply:none"}
        self.refuses("or be the $id of a reply", EVENT=circle)


class OwnSchemas(unittest.TestCase):
    def test_all_are_generated(self):
        schemas = os.path.join(ROOT, "schemas")
        domains = [
            name for name in os.listdir(schemas) if os.path.isdir(os.path.join(schemas, name))
        ]
        self.assertIn("cart", domains)
        with tempfile.TemporaryDirectory() as folder:
            for domain in domains + ["common"]:
                command = [
                    sys.executable,
                    GENERATOR,
                    "--schemas",
                    schemas,
                    "--domain",
                    domain,
                    "--out",
                    folder,
                ]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    unittest.main()
