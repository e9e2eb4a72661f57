/* email.c - the form in which e-mail addresses are compared.
 *
 * The mapping of libidn2 lets some characters through that IDNA 2008 does not allow, so its result
 * is checked once more without the mapping. The flag IDN2_USE_STD3_ASCII_RULES does not help: it
 * drops such characters, and two domains become one. */
#include "auth/email.h"

#include <idn2.h>
#include <stdlib.h>
#include <strings.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/err.h"
#include "base/text.h"
#include "fold.h"

#define DOMAIN_MAX            253
#define LABEL_MAX             63
#define ZERO_WIDTH_NON_JOINER 0x200c
#define ZERO_WIDTH_JOINER     0x200d

/* --- before the '@' ----------------------------------------------------------------------------- */

static struct str without_ignored(struct arena *arena, struct str typed)
{
    struct text text;
    struct str bytes;
    code_point c;
    text_init(&text, arena, typed.len + 1);
    while (fold_next(&typed, &c, &bytes))
        if (!uc_is_property_default_ignorable_code_point(c))
            text_append_str(&text, bytes);
    return text_str(&text);
}

/* libunistring folds twice here, as Unicode's compatibility caseless matching demands. NULL can
 * only mean that there was no memory, because all our texts are valid UTF-8. */
static struct str fold_local(struct arena *arena, struct str local)
{
    size_t len = 0;
    const struct str seen = without_ignored(arena, local);
    uint8_t *folded =
        u8_casefold((const uint8_t *)seen.ptr, seen.len, NULL, UNINORM_NFKC, NULL, &len);
    if (!folded)
        panic("out of memory for an address of %zu bytes", local.len);
    const struct str form = str_dup(arena, (struct str){(const char *)folded, len});
    free(folded);
    return form;
}

/* No address has these ASCII characters unquoted. A character that our version of Unicode does not
 * know is refused, too, because a later version may fold it. */
static const char *fault_of_local(struct str form)
{
    struct str rest = form;
    struct str bytes;
    code_point c;
    if (form.len == 0)
        return "nothing before the @ is visible";
    while (fold_next(&rest, &c, &bytes)) {
        if (c <= ' ' || (c < 0x80 && strchr("\"(),:;<>@[\\]\x7f", (int)c)) || fold_is_blank(c))
            return "a character before the @ stands for one that is not allowed there";
        if (uc_is_general_category(c, UC_CATEGORY_Cn))
            return "a character before the @ is not known";
    }
    return NULL;
}

/* --- behind it ---------------------------------------------------------------------------------- */

/* True for an ASCII domain without "xn--": IDNA has no say in a label like "r3---sn". */
static bool is_plain(struct str domain)
{
    for (size_t i = 0; i < domain.len; i++)
        if ((unsigned char)domain.ptr[i] >= 0x80 ||
            (domain.len - i >= 4 && strncasecmp(domain.ptr + i, "xn--", 4) == 0))
            return false;
    return true;
}

static const char *look_up(struct arena *arena, struct str domain, int flags, struct str *out)
{
    uint8_t *made = NULL;
    const int code = idn2_lookup_u8((const uint8_t *)domain.ptr, &made, flags | IDN2_NFC_INPUT);
    if (code == IDN2_MALLOC)
        panic("out of memory for a domain of %zu bytes", domain.len);
    if (code != IDN2_OK)
        return str_printf(arena, "the domain cannot be: %s", idn2_strerror(code)).ptr;
    *out = str_dup(arena, str_of((const char *)made));
    idn2_free(made);
    return NULL;
}

static const char *fault_of_label(struct str label)
{
    if (label.len == 0)
        return "the domain has an empty part";
    if (label.len > LABEL_MAX)
        return "a part of the domain is longer than 63 characters";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "a part of the domain begins or ends with a hyphen";
    for (size_t i = 0; i < label.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.ptr[i]))
            return "a character of the domain is not allowed there";
    return NULL;
}

static const char *fault_of_labels(struct str domain)
{
    const char *const end = domain.ptr + domain.len;
    if (domain.len > DOMAIN_MAX)
        return "the domain is longer than 253 characters";
    for (const char *at = domain.ptr;; at++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *const label_end = dot ? dot : end;
        const char *fault = fault_of_label((struct str){at, (size_t)(label_end - at)});
        if (fault || !dot)
            return fault;
        at = dot;
    }
}

static const char *domain_form(struct arena *arena, struct str domain, struct str *out)
{
    const char *fault = NULL;
    *out = str_lower(arena, domain);
    if (!str_is_c(domain))
        return "the domain has a NUL";
    if (!is_plain(domain))
        fault = look_up(arena, domain, IDN2_NONTRANSITIONAL, out);
    if (!fault && !is_plain(domain))
        fault = look_up(arena, *out, IDN2_NO_TR46, out);
    return fault ? fault : fault_of_labels(*out);
}

/* --- the whole ---------------------------------------------------------------------------------- */

struct str email_form(struct arena *arena, struct str email, const char **fault)
{
    const char *at = memchr(email.ptr, '@', email.len);
    if (!at) {
        *fault = "there is no @";
        return STR_ABSENT;
    }
    const struct str local = fold_local(arena, (struct str){email.ptr, (size_t)(at - email.ptr)});
    const struct str domain = {at + 1, email.len - (size_t)(at + 1 - email.ptr)};
    struct str ascii = STR_ABSENT;
    *fault = fault_of_local(local);
    if (!*fault)
        *fault = domain_form(arena, domain, &ascii);
    return *fault ? STR_ABSENT : str_join(arena, local, '@', ascii);
}

const char *email_fault(struct arena *arena, struct str email)
{
    const char *fault;
    struct str rest = email;
    struct str bytes;
    code_point c;
    bool in_domain = false;
    while (fold_next(&rest, &c, &bytes)) {
        const bool joins = c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER;
        in_domain |= c == '@';
        if ((uc_is_property_default_ignorable_code_point(c) || fold_is_invisible(c)) &&
            !(in_domain && joins))
            return str_printf(arena, "has the character U+%04X, which nobody sees", c).ptr;
    }
    return email_form(arena, email, &fault).ptr ? NULL : fault;
}
