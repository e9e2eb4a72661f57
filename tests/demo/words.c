/* words.c - small texts of the file: prices, times, descriptions. */
#include <ctype.h>
#include <stdio.h>

#include "demo/plan.h"

#define UNITS_MAX 1000000000000LL /* pounds: keeps a price times a quantity inside int64 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits at *at into *out; how many there were. */
static size_t read_digits(struct str text, size_t *at, int64_t *out)
{
    const size_t start = *at;
    *out = 0;
    while (*at < text.len && is_digit(text.ptr[*at]) && *out < UNITS_MAX)
        *out = *out * 10 + (text.ptr[(*at)++] - '0');
    return *at - start;
}

/* The digits after the point as pence. */
static bool read_fraction(struct str text, size_t at, int64_t *pence, bool *whole)
{
    *pence = 0;
    for (size_t i = at; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        const int digit = text.ptr[i] - '0';
        if (i < at + 2)
            *pence += i == at ? 10 * digit : digit;
        else if (i == at + 2)
            *pence += digit >= 5;
        *whole = *whole && (i < at + 2 || digit == 0);
    }
    return text.len > at;
}

bool plan_pence(struct str text, int64_t *out, bool *whole)
{
    const bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = negative;
    int64_t pounds;
    int64_t pence = 0;
    *whole = true;
    if (read_digits(text, &at, &pounds) == 0 || pounds >= UNITS_MAX)
        return false;
    if (at < text.len && (text.ptr[at] != '.' || !read_fraction(text, at + 1, &pence, whole)))
        return false;
    *out = (negative ? -1 : 1) * (pounds * 100 + pence);
    return true;
}

bool plan_minute(struct str text, int64_t *out)
{
    static const char after[] = {'/', '/', ' ', ':'};
    int64_t parts[5] = {0};
    size_t at = 0;
    for (size_t i = 0; i < 5; i++) {
        if (read_digits(text, &at, &parts[i]) == 0)
            return false;
        if (i < 4 && (at == text.len || text.ptr[at++] != after[i]))
            return false;
    }
    const bool seconds = at < text.len && text.ptr[at] == ':'; /* some exports write them */
    if (at != text.len && !seconds)
        return false;
    const int64_t month = parts[0], day = parts[1], year = parts[2];
    if (month < 1 || month > 12 || day < 1 || day > 31 || year > 9999 || parts[3] > 23 ||
        parts[4] > 59)
        return false;
    *out = (((year * 100 + month) * 100 + day) * 100 + parts[3]) * 100 + parts[4];
    return true;
}

bool plan_is_goods(struct str code)
{
    for (size_t i = 0; i < code.len; i++)
        if (code.ptr[i] >= '0' && code.ptr[i] <= '9')
            return true;
    return false;
}

/* --- categories ------------------------------------------------------------------------------ */

#define LIGHTING  "Lighting & candles"
#define CHRISTMAS "Christmas"
#define WARM      "Warm & cosy"
#define KITCHEN   "Kitchen & table"
#define BAGS      "Bags & boxes"
#define PLAY      "Toys & games"
#define PAPER     "Cards & paper"
#define HOME      "Home & garden"
#define WEAR      "Jewellery & gifts"
#define SERVICE   "Services"
#define OTHER     "Everything else"

const char *const plan_categories[] = {LIGHTING, CHRISTMAS, WARM, KITCHEN, BAGS,  PLAY,
                                       PAPER,    HOME,      WEAR, SERVICE, OTHER, NULL};

/* A keyword is the beginning of a word. The first row that fits wins, so the telling words come
 * before the vague ones: a "HOT WATER BOTTLE" is no kitchen ware. */
static const struct {
    const char *keyword;
    const char *category;
} keywords[] = {
    {"POSTAGE", SERVICE},  {"CARRIAGE", SERVICE}, {"CHRISTMAS", CHRISTMAS},
    {"XMAS", CHRISTMAS},   {"ADVENT", CHRISTMAS}, {"REINDEER", CHRISTMAS},
    {"SANTA", CHRISTMAS},  {"SNOW", CHRISTMAS},   {"WARMER", WARM},
    {"HOT WATER", WARM},   {"CUSHION", WARM},     {"BLANKET", WARM},
    {"LANTERN", LIGHTING}, {"LIGHT", LIGHTING},   {"T-LIGHT", LIGHTING},
    {"CANDLE", LIGHTING},  {"LAMP", LIGHTING},    {"CARD", PAPER},
    {"WRAP", PAPER},       {"PAPER", PAPER},      {"TISSUE", PAPER},
    {"NOTEBOOK", PAPER},   {"PENCIL", PAPER},     {"PEN", PAPER},
    {"STICKER", PAPER},    {"RIBBON", PAPER},     {"BAG", BAGS},
    {"SHOPPER", BAGS},     {"BASKET", BAGS},      {"BOX", BAGS},
    {"PURSE", BAGS},       {"SUITCASE", BAGS},    {"TIN", BAGS},
    {"DOLL", PLAY},        {"TOY", PLAY},         {"GAME", PLAY},
    {"PLAY", PLAY},        {"PUZZLE", PLAY},      {"ANIMAL", PLAY},
    {"BLOCK", PLAY},       {"SKIPPING", PLAY},    {"ALARM CLOCK", HOME},
    {"CUP", KITCHEN},      {"MUG", KITCHEN},      {"TEA", KITCHEN},
    {"PLATE", KITCHEN},    {"BOWL", KITCHEN},     {"CAKE", KITCHEN},
    {"BAKING", KITCHEN},   {"KITCHEN", KITCHEN},  {"COOK", KITCHEN},
    {"JAM", KITCHEN},      {"SPOON", KITCHEN},    {"LUNCH", KITCHEN},
    {"JAR", KITCHEN},      {"JUG", KITCHEN},      {"GLASS", KITCHEN},
    {"NAPKIN", KITCHEN},   {"APRON", KITCHEN},    {"EGG", KITCHEN},
    {"COFFEE", KITCHEN},   {"DRINK", KITCHEN},    {"BOTTLE", KITCHEN},
    {"SIGN", HOME},        {"FRAME", HOME},       {"CLOCK", HOME},
    {"DOORMAT", HOME},     {"DOOR", HOME},        {"HOOK", HOME},
    {"HANGER", HOME},      {"HANGING", HOME},     {"CABINET", HOME},
    {"DRAWER", HOME},      {"GARDEN", HOME},      {"PLANT", HOME},
    {"MIRROR", HOME},      {"WICKER", HOME},      {"WALL", HOME},
    {"NECKLACE", WEAR},    {"BRACELET", WEAR},    {"EARRING", WEAR},
    {"RING", WEAR},        {"UMBRELLA", WEAR},    {"SCARF", WEAR},
};

static bool holds_word(struct str text, const char *keyword)
{
    const size_t len = strlen(keyword);
    for (size_t i = 0; i + len <= text.len; i++) {
        const bool begins = i == 0 || !isalnum((unsigned char)text.ptr[i - 1]);
        if (begins && strncasecmp(text.ptr + i, keyword, len) == 0)
            return true;
    }
    return false;
}

const char *plan_category(struct str description)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (holds_word(description, keywords[i].keyword))
            return keywords[i].category;
    return OTHER;
}
