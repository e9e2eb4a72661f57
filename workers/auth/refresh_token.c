/* refresh_token.c - refresh tokens as text. Nobody else can make one, and we can make the same one
 * again, so that none has to be stored. */
#include "auth/refresh_token.h"

#include "crypto/auth.h"

#define ROTATION_BYTES 4
#define SIGNED_BYTES   (ROTATION_BYTES + REFRESH_SECRET_BYTES)
#define MAC_BYTES      12
#define PAYLOAD_BYTES  (SIGNED_BYTES + MAC_BYTES)

/* The text that the MAC covers. */
static struct str signed_text(struct job *job, struct str session_id, const char *payload)
{
    return str_join(job_arena(job), session_id, '.', (struct str){payload, SIGNED_BYTES});
}

static void put_rotation(char *out, uint32_t rotation)
{
    for (int i = 0; i < ROTATION_BYTES; i++)
        out[i] = (char)(rotation >> (8 * (ROTATION_BYTES - 1 - i)));
}

static uint32_t get_rotation(const char *bytes)
{
    uint32_t rotation = 0;
    for (int i = 0; i < ROTATION_BYTES; i++)
        rotation = rotation << 8 | (uint8_t)bytes[i];
    return rotation;
}

bool refresh_token_read(struct job *job, struct str text, struct refresh_token *out)
{
    struct str payload;
    if (text.len <= ID_TEXT || text.ptr[ID_TEXT] != '.')
        return false;
    const struct str id = {text.ptr, ID_TEXT};
    const struct str rest = {text.ptr + ID_TEXT + 1, text.len - ID_TEXT - 1};
    if (!id_is_valid(id) || !base64url_decode(job_arena(job), rest, &payload) ||
        payload.len != PAYLOAD_BYTES)
        return false;
    *out = (struct refresh_token){
        .session_id = str_dup(job_arena(job), id),
        .rotation = get_rotation(payload.ptr),
        .is_genuine = job_mac_is(job, "refresh token", signed_text(job, id, payload.ptr),
                                 payload.ptr + SIGNED_BYTES, MAC_BYTES),
    };
    memcpy(out->secret, payload.ptr + ROTATION_BYTES, REFRESH_SECRET_BYTES);
    return true;
}

struct str refresh_token_write(struct job *job, const struct refresh_token *token)
{
    char payload[PAYLOAD_BYTES];
    put_rotation(payload, token->rotation);
    memcpy(payload + ROTATION_BYTES, token->secret, REFRESH_SECRET_BYTES);
    job_mac(job, "refresh token", signed_text(job, token->session_id, payload),
            payload + SIGNED_BYTES, MAC_BYTES);
    return str_join(job_arena(job), token->session_id, '.',
                    base64url(job_arena(job), payload, sizeof(payload)));
}
