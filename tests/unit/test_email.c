/* test_email.c - one address has one form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistr.h>

#include "auth/email.h"

#define LABEL_40      "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
#define LABEL_63      LABEL_40 "eeeeeeeeeeffffffffffggg"
#define LABEL_64      LABEL_63 "g"
#define LABEL_64_WIDE LABEL_63 "ü"
#define LONG_DOMAIN   LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63

static struct arena arena;

static struct str form_of(const char *email)
{
    const char *fault = NULL;
    const struct str form = email_form(&arena, str_of(email), &fault);
    if (str_is_absent(form) != (fault != NULL))
        fail_msg("'%s': a fault and a form, or neither", email);
    return form;
}

static const struct {
    const char *email;
    const char *form;
} spellings[] = {
    {"Ada.L+shop@EXAMPLE.com", "ada.l+shop@example.com"},
    {"adal@example.com", "adal@example.com"}, /* dots and tags count */
    /* letters other than ASCII */
    {"ÄÖÜ@example.com", "äöü@example.com"},
    {"Straße@example.com", "strasse@example.com"},
    {"STRAẞE@example.com", "strasse@example.com"},
    {"ΣΊΣΥΦΟΣ@example.com", "σίσυφοσ@example.com"},
    {"σίσυφος@example.com", "σίσυφοσ@example.com"},
    {"Йод@example.com", "йод@example.com"},
    /* Turkish: the dotless i is a letter of its own, and a capital I is that of English. */
    {"ı@example.com", "ı@example.com"},
    {"I@example.com", "i@example.com"},
    {"İ@example.com", "i\u0307@example.com"},
    /* one letter or two, in any order */
    {"jo\u0308rg@example.com", "j\u00f6rg@example.com"},
    {"\u212b@example.com", "\u00e5@example.com"},
    {"\u1fb4@example.com", "\u03ac\u03b9@example.com"},
    {"\u03b1\u0345\u0301@example.com", "\u03ac\u03b9@example.com"},
    /* wide, narrow, joined, raised */
    {"ＡＤＡ@example.com", "ada@example.com"},
    {"ﾊﾟ@example.com", "パ@example.com"},
    {"ﬁne@example.com", "fine@example.com"},
    {"\u1d2c@example.com", "a@example.com"},
    /* nobody sees them */
    {"a\u200bd\u200ca\u200d@example.com", "ada@example.com"},
    {"a\u00add\ufe0fa\u2060\ufeff@example.com", "ada@example.com"},
    {"a\u034f\u0308@example.com", "\u00e4@example.com"},
    {"\u03b1\u0345\u034f\u0301@example.com", "\u03ac\u03b9@example.com"},
    {"a\uffa0b@example.com", "ab@example.com"},
    /* domains */
    {"a@MÜNCHEN.example", "a@xn--mnchen-3ya.example"},
    {"a@mu\u0308nchen.example", "a@xn--mnchen-3ya.example"},
    {"a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example"},
    {"a@XN--MNCHEN-3YA.Example", "a@xn--mnchen-3ya.example"},
    {"a@ｅｘample．com", "a@example.com"},
    {"a@shop。example｡com", "a@shop.example.com"},
    {"a@ex\u00adam\u200bple.com", "a@example.com"},
    {"a@日本語.example", "a@xn--wgv71a119e.example"},
    /* IDNA 2008: two domains where IDNA 2003 had one */
    {"a@faß.example", "a@xn--fa-hia.example"},
    {"a@fass.example", "a@fass.example"},
    {"a@βόλος.example", "a@xn--nxasmm1c.example"},
    {"a@βόλοσ.example", "a@xn--nxasmq6b.example"},
    /* Persian: with a joiner that IDNA 2008 allows there it is another domain. */
    {"a@نامه\u200cای.example", "a@xn--mgba3gch31f060k.example"},
    {"a@نامهای.example", "a@xn--mgba3gch31f.example"},
    /* no concern of IDNA's */
    {"a@r3---sn.Example.com", "a@r3---sn.example.com"},
    {"a@10.0.0.10", "a@10.0.0.10"},
    {"a@" LABEL_63 ".example", "a@" LABEL_63 ".example"},
};

void test_email__an_address_has_one_form(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const struct str form = form_of(spellings[i].email);
        if (!str_eq(form, str_of(spellings[i].form)))
            fail_msg("'%s': '%.*s', not '%s'", spellings[i].email, STR_FMT(form),
                     spellings[i].form);
        assert_true(str_eq(form_of(form.ptr), form));
    }
    arena_release(&arena);
}

void test_email__some_addresses_have_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "example.com",
        "@example.com",
        "\u200b\u00ad@example.com",
        "a\u0378b@example.com", /* not assigned: a later Unicode may fold it */
        "a\ufdd0b@example.com",
        "a\uff20b@example.com", /* a wide @ */
        "a\u3000b@example.com",
        "a\u1680b@example.com",
        "\ufdfa@example.com", /* a sentence in one character: there are blanks in it */
        "a\uff1cb@example.com",
        "a@",
        "a@example.com.",
        "a@example.com\u3002",
        "a@.com",
        "a@shop..com",
        "a@\u00ad.com",
        "a@shop.\u00ad\u200b.com",
        "a@" LABEL_64 ".example",
        "a@" LABEL_64_WIDE ".example",
        "a@" LONG_DOMAIN,
        "a@-shop.example",
        "a@shop-.example",
        "a@sh_op.example",
        "a@sh\uff3fop.example",
        "a@sh≠op.example", /* its mapping lets it through, IDNA 2008 does not */
        "a@☃.example",
        "a@😀.example",
        "a@xn--ls8h.example", /* the same */
        "a@xn--abc-.example",
        "a@xn--.example",
        "a@xn--mnchen.example",
        "a@\u0378.example",
        "a@\u0300a.example",
        "a@a\u200db.example", /* joins nothing there */
        "a@א1a.example",      /* in two directions */
        "a@\u202eshop.example",
    };
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct str form = form_of(rows[i]);
        if (!str_is_absent(form))
            fail_msg("'%s': '%.*s'", rows[i], STR_FMT(form));
    }
    arena_release(&arena);
}

/* A form of a form would be another account. */
void test_email__the_form_of_each_character_is_final(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    size_t forms = 0;
    for (ucs4_t c = 0x80; c <= 0x10ffff; c++) {
        char email[32] = "";
        const int len = u8_uctomb((uint8_t *)email, c, 4);
        if (len < 0)
            continue; /* half a character */
        memcpy(email + len, "a@example.com", sizeof("a@example.com"));
        arena_clear(&arena);
        const struct str form = form_of(email);
        if (str_is_absent(form))
            continue;
        forms++;
        if (!str_eq(form_of(form.ptr), form))
            fail_msg("U+%04X: '%.*s' becomes another one", c, STR_FMT(form));
    }
    assert_true(forms > 100000);
    arena_release(&arena);
}

void test_email__nobody_gets_what_nobody_sees(void **state)
{
    (void)state;
    static const struct {
        const char *email;
        const char *fault; /* begins with it */
    } rows[] = {
        {"ÄDA@münchen.example", NULL},
        {"a@نامه\u200cای.example", NULL},
        {"a\u200bda@example.com", "has the character U+200B"},
        {"ada@exam\u00adple.com", "has the character U+00AD"},
        {"نامه\u200cای@example.com", "has the character U+200C"},
        {"a\u2066da@example.com", "has the character U+2066"},
        {"❤\ufe0f@example.com", "has the character U+FE0F"},
        {"a@a\u200db.example", "the domain cannot be: "},
        {"a@☃.example", "the domain cannot be: "},
        {"a@" LABEL_64 ".example", "a part of the domain is longer"},
        {"a\uff20b@example.com", "a character before the @ stands for one"},
        {"a\u0378b@example.com", "a character before the @ is not known"},
    };
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *fault = email_fault(&arena, str_of(rows[i].email));
        const char *expected = rows[i].fault;
        if (!fault != !expected || (fault && strncmp(fault, expected, strlen(expected)) != 0))
            fail_msg("'%s': %s", rows[i].email, fault ? fault : "none");
    }
    arena_release(&arena);
}
