/* base64.c - URL-safe base64 without padding. */
#include "crypto/auth.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct str base64url(struct arena *arena, const void *bytes, size_t len)
{
    const size_t size = sodium_base64_encoded_len(len, VARIANT);
    char *text = arena_bytes(arena, size);
    sodium_bin2base64(text, size, bytes, len, VARIANT);
    return (struct str){text, size - 1};
}

bool base64url_decode(struct arena *arena, struct str text, struct str *out)
{
    const size_t capacity = text.len / 4 * 3 + 3;
    char *bytes = arena_bytes(arena, capacity + 1);
    size_t len = 0;
    if (sodium_base642bin((unsigned char *)bytes, capacity, text.ptr, text.len, NULL, &len, NULL,
                          VARIANT) != 0)
        return false;
    bytes[len] = '\0';
    *out = (struct str){bytes, len};
    return true;
}
