#include "documents.h"

#include "base64.h"
#include "embedded.h"
#include "routes.h"
#include "tally/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *page;

static int
make_page(void **state)
{
    (void)state;
    struct documents *documents;
    if (documents_create(&documents, NULL) != TALLY_OK)
        return -1;
    struct bytes text = documents_page(documents);
    page = strndup((const char *)text.data, text.size);
    documents_destroy(documents);
    documents_destroy(NULL);
    return page == NULL ? -1 : 0;
}

static int
free_page(void **state)
{
    (void)state;
    free(page);
    return 0;
}

/* A browser computes this over what stands between <style> and </style>. */
static void
the_style_is_let_in(void **state)
{
    (void)state;
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ docs_style, docs_style_size }, 1, &hash);
    char text[BASE64_SIZE(TALLY_HASH_SIZE) + 1] = "";
    base64_encode(hash.bytes, TALLY_HASH_SIZE, text);
    assert_string_equal(DOCUMENTS_STYLE_HASH, text);
    const char *style = strstr(page, "<style>");
    assert_non_null(style);
    assert_memory_equal(style + strlen("<style>"), docs_style, docs_style_size);
    assert_memory_equal(style + strlen("<style>") + docs_style_size, "</style>", 8);
}

static void
the_page_loads_nothing_and_runs_nothing(void **state)
{
    (void)state;
    static const char *const none[] = { "<script", "<link",  "<img", "src=",       "url(",
                                        "@import", "style=", " on",  "javascript:" };
    /* " on" begins a handler in a tag, and a word elsewhere. */
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (strcmp(none[i], " on") != 0 && strstr(page, none[i]) != NULL)
            fail_msg("the page has %s", none[i]);
    for (const char *tag = strchr(page, '<'); tag != NULL; tag = strchr(tag + 1, '<')) {
        size_t size = strcspn(tag, ">");
        const char *handler = memmem(tag, size, " on", 3);
        assert_null(handler);
    }
}

static void
every_route_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        struct buffer text = { 0 };
        buffer_format(&text, "<article id=\"%s\">", routes[i].name);
        buffer_byte(&text, '\0');
        const char *first = strstr(page, (const char *)text.data);
        assert_non_null(first);
        assert_null(strstr(first + 1, (const char *)text.data));
        buffer_clear(&text);
        buffer_format(&text, "<a href=\"#%s\">", routes[i].name);
        buffer_byte(&text, '\0');
        assert_non_null(strstr(page, (const char *)text.data));
        buffer_free(&text);
    }
}

/* Links within the page lead to a place in it. */
static void
links_lead_somewhere(void **state)
{
    (void)state;
    size_t count = 0;
    const char *link = page;
    while ((link = strstr(link, "href=\"#")) != NULL) {
        link += strlen("href=\"#");
        struct buffer text = { 0 };
        buffer_format(&text, "id=\"%.*s\"", (int)strcspn(link, "\""), link);
        buffer_byte(&text, '\0');
        if (strstr(page, (const char *)text.data) == NULL)
            fail_msg("no place for %s", (const char *)text.data);
        buffer_free(&text);
        count++;
    }
    assert_true(count > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_style_is_let_in),
        cmocka_unit_test(the_page_loads_nothing_and_runs_nothing),
        cmocka_unit_test(every_route_has_its_place),
        cmocka_unit_test(links_lead_somewhere),
    };
    return cmocka_run_group_tests(tests, make_page, free_page);
}
