/* search.c - how products are found by words.
 *
 * A product carries its keys, in one indexed list. A key is a digit that says where a word stands,
 * and the word. The names of categories are not among the keys: categories are few, so a search
 * looks through their names and takes the products of those that have the word. So a category that
 * is renamed or moved is found under its new name at once, however many products stand below it,
 * and no product has to be written anew. */
#include "catalog/search.h"

#include "base/map.h"
#include "catalog/words.h"

/* The first character of a key says where its word stands; its digit is what a hit there weighs in
 * the order by relevance. */
#define IN_NAME            '8'
#define IN_SKU             '4'
#define IN_DESCRIPTION     '1'
#define WEIGHT(place)      ((place) - '0')
#define WEIGHT_CATEGORY    6
#define SHORT_WORD_CHARS   3 /* shorter words are looked for where words of names and SKUs begin */
#define CATEGORIES_AT_ONCE 1000

static struct str key_of(struct arena *arena, char place, struct str word)
{
    return str_printf(arena, "%c%.*s", place, STR_FMT(word));
}

/* --- the keys of a product -------------------------------------------------------------------------- */

struct keys {
    struct arena *arena;
    struct map known;
    struct str *items;
    size_t count, capacity;
};

static void add_key(struct keys *keys, char place, struct str word)
{
    const struct str key = key_of(keys->arena, place, word);
    if (keys->count == SEARCH_KEYS_MAX || map_get(&keys->known, key))
        return;
    keys->items =
        arena_grow(keys->arena, keys->items, keys->count, sizeof(struct str), &keys->capacity);
    keys->items[keys->count++] = key;
    map_set(&keys->known, key, keys);
}

static void add_words(struct keys *keys, char place, struct str text)
{
    const struct words words = words_of(keys->arena, fold_text(keys->arena, text));
    for (size_t i = 0; i < words.count; i++) {
        add_key(keys, place, words.items[i].text);
        if (!str_is_absent(words.items[i].joined))
            add_key(keys, place, words.items[i].joined);
    }
}

static bool same_keys(const struct keys *keys, const struct product *product)
{
    if (keys->count != product->words.count)
        return false;
    for (size_t i = 0; i < keys->count; i++)
        if (!str_eq(keys->items[i], product->words.items[i]))
            return false;
    return true;
}

bool product_index(struct arena *arena, struct product *product)
{
    struct keys keys = {.arena = arena};
    map_init(&keys.known, arena);
    add_words(&keys, IN_NAME, product->name);
    add_key(&keys, IN_SKU, fold_text(arena, product->sku));
    add_words(&keys, IN_DESCRIPTION, product->description);
    if (same_keys(&keys, product))
        return false;
    product->words.items = keys.items;
    product->words.count = keys.count;
    return true;
}

/* --- what is looked for ------------------------------------------------------------------------------- */

/* One word of a search. */
struct wanted {
    const struct word *word;
    bool unfinished;        /* the word may be the beginning of a longer one */
    bool joined_unfinished; /* the compound of the word may be, too */
};

struct alternatives {
    struct arena *arena;
    struct query_match *items;
    size_t count, capacity;
};

static void add_match(struct alternatives *list, const char *path, bool begins, struct str text,
                      int64_t weight)
{
    list->items =
        arena_grow(list->arena, list->items, list->count, sizeof(*list->items), &list->capacity);
    list->items[list->count++] = (struct query_match){path, begins, text, weight};
}

static void add_key_match(struct alternatives *list, char place, bool begins, struct str word)
{
    add_match(list, "words", begins, key_of(list->arena, place, word), WEIGHT(place));
}

static bool is_short(const struct word *word)
{
    return word->kind == WORD_PLAIN && word->chars < SHORT_WORD_CHARS;
}

static void add_in_texts(struct alternatives *list, struct str word, bool begins)
{
    add_key_match(list, IN_NAME, begins, word);
    add_key_match(list, IN_DESCRIPTION, begins, word);
}

static void add_word_matches(struct alternatives *list, const struct wanted *wanted,
                             struct str search)
{
    const struct word *word = wanted->word;
    if (is_short(word)) {
        add_key_match(list, IN_NAME, true, word->text);
        add_key_match(list, IN_SKU, true, word->text);
    } else {
        add_in_texts(list, word->text, wanted->unfinished || word->kind == WORD_LONE);
    }
    if (!str_is_absent(word->joined))
        add_in_texts(list, word->joined, wanted->joined_unfinished);
    add_key_match(list, IN_SKU, false, word->token);
    if (!str_eq(word->token, search))
        add_key_match(list, IN_SKU, false, search);
}

/* --- categories --------------------------------------------------------------------------------------- */

struct shelf {
    const struct category *category;
    struct words words;
};

struct shelves {
    struct shelf *items;
    size_t count, capacity;
    struct map by_id;
};

static void add_shelf(struct arena *arena, struct shelves *out, const struct category *category)
{
    out->items = arena_grow(arena, out->items, out->count, sizeof(struct shelf), &out->capacity);
    out->items[out->count++] =
        (struct shelf){category, words_of(arena, fold_text(arena, category->name))};
}

/* Loads all categories that can be read, in parts that the cache holds. Returns NEED as a handler
 * does. */
static enum outcome load_shelves(struct job *job, struct shelves *out)
{
    struct arena *arena = job_arena(job);
    struct query query = query_of(&category_type);
    const struct query_page *page = NULL;
    query_sort(&query, "id", 1);
    query.limit = CATEGORIES_AT_ONCE;
    do {
        NEED(job, job_query(job, &query, "category", &page));
        for (size_t i = 0; i < page->docs.count; i++)
            add_shelf(arena, out, page->docs.items[i]);
        query_go_on(&query, page->docs.count ? page->docs.items[page->docs.count - 1] : NULL);
    } while (page->docs.count + page->docs.misfit_count == CATEGORIES_AT_ONCE);
    map_init(&out->by_id, arena);
    for (size_t i = 0; i < out->count; i++)
        map_set(&out->by_id, out->items[i].category->head.id, &out->items[i]);
    return OUTCOME_DONE;
}

static bool is_said(struct str text, struct str word, bool begins)
{
    return begins ? str_starts_with(text, word) : str_eq(text, word);
}

static bool shelf_says(const struct shelf *shelf, const struct wanted *wanted)
{
    const struct word *word = wanted->word;
    const bool begins = wanted->unfinished || word->kind == WORD_LONE;
    for (size_t i = 0; i < shelf->words.count; i++) {
        const struct word *said = &shelf->words.items[i];
        if (is_said(said->text, word->text, begins) || is_said(said->joined, word->text, begins))
            return true;
        if (!str_is_absent(word->joined) &&
            (is_said(said->text, word->joined, wanted->joined_unfinished) ||
             is_said(said->joined, word->joined, wanted->joined_unfinished)))
            return true;
    }
    return false;
}

/* True when the category, or one above it, has the word. The depth is bounded, which also ends a
 * walk in a circle, should there ever be one. */
static bool path_says(const struct shelves *shelves, const struct shelf *shelf,
                      const struct wanted *wanted)
{
    for (int depth = 0; shelf && depth <= CATEGORY_DEPTH_MAX; depth++) {
        if (shelf_says(shelf, wanted))
            return true;
        const struct str parent = shelf->category->parent_id;
        shelf = str_is_absent(parent) ? NULL : map_get(&shelves->by_id, parent);
    }
    return false;
}

static void add_categories(struct alternatives *list, const struct shelves *shelves,
                           const struct wanted *wanted)
{
    if (is_short(wanted->word))
        return;
    for (size_t i = 0; i < shelves->count; i++)
        if (path_says(shelves, &shelves->items[i], wanted))
            add_match(list, "categoryId", false, shelves->items[i].category->head.id,
                      WEIGHT_CATEGORY);
}

/* --- a search ----------------------------------------------------------------------------------------- */

bool search_is_blank(struct str search)
{
    code_point c;
    struct str bytes;
    while (fold_next(&search, &c, &bytes))
        if (!fold_is_blank(c))
            return false;
    return true;
}

/* The i-th word as it is looked for. Only the last one can be unfinished, though it may be followed
 * by characters that make no word. */
static struct wanted wanted_of(const struct words *words, size_t i)
{
    const struct word *word = &words->items[i];
    const struct word *last = &words->items[words->count - 1];
    return (struct wanted){.word = word,
                           .unfinished = word == last && word->kind == WORD_PLAIN,
                           .joined_unfinished = word->joined.ptr == last->joined.ptr};
}

enum outcome search_add(struct job *job, struct str search, struct query *query)
{
    struct arena *arena = job_arena(job);
    const struct str folded = fold_text(arena, sku_form(arena, search)); /* sku_form() trims it */
    const struct words words = words_of(arena, folded);
    struct shelves shelves = {0};
    size_t wanted_count = 0;
    if (words.count > 0)
        TRY(load_shelves(job, &shelves));
    else
        query_any(query, NULL, 0);
    for (size_t i = 0; i < words.count && wanted_count < QUERY_ANY_MAX; i++) {
        const struct wanted wanted = wanted_of(&words, i);
        struct alternatives list = {.arena = arena};
        if (wanted.word->kind == WORD_LAST)
            continue;
        add_word_matches(&list, &wanted, folded);
        add_categories(&list, &shelves, &wanted);
        query_any(query, list.items, list.count);
        wanted_count++;
    }
    return OUTCOME_DONE;
}
