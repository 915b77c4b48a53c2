/*
 * map_embed - a tool of the build: writes C that holds map files.
 *
 *     map_embed OUTPUT.c NAME.map ...
 *
 * Runs on the machine that builds, so it uses nothing of Tallystick.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "share/maps/gcp.map" gives "gcp". */
static void
write_name(FILE *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    (void)fprintf(out, "%.*s", (int)strcspn(name, "."), name);
}

/* The file's bytes as an array text_N; returns how many, or -1. */
static long
write_text(FILE *out, const char *path, int number)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return -1;
    long size = 0;
    (void)fprintf(out, "static const uint8_t text_%d[] = {", number);
    for (int c = getc(in); c != EOF; c = getc(in), size++)
        (void)fprintf(out, "%s%d,", size % 20 == 0 ? "\n    " : " ", c);
    (void)fprintf(out, "\n};\n\n");
    int failed = ferror(in);
    (void)fclose(in);
    return failed ? -1 : size;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: map_embed OUTPUT.c NAME.map ...\n");
        return EXIT_FAILURE;
    }
    FILE *out = fopen(argv[1], "wb");
    if (out == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    (void)fprintf(out, "#include \"map_standard.h\"\n\n");
    for (int i = 2; i < argc; i++) {
        if (write_text(out, argv[i], i) <= 0) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
    }

    (void)fprintf(out, "const struct map_standard map_standards[] = {\n");
    for (int i = 2; i < argc; i++) {
        (void)fprintf(out, "    { \"");
        write_name(out, argv[i]);
        (void)fprintf(out, "\", { text_%d, sizeof text_%d } },\n", i, i);
    }
    (void)fprintf(out, "};\nconst size_t map_standard_count = %d;\n", argc - 2);
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
