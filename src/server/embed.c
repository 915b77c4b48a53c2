/*
 * embed - a tool of the build: writes C that holds a file.
 *
 *     embed OUTPUT.c NAME FILE
 *
 * gives what embedded.h declares: NAME and NAME_size. Runs on the machine that builds, so it
 * uses nothing of Tallystick.
 */
#include <stdio.h>
#include <stdlib.h>

static int
write_bytes(FILE *out, const char *name, FILE *in)
{
    long size = 0;
    (void)fprintf(out, "#include \"embedded.h\"\n\nconst uint8_t %s[] = {", name);
    for (int c = getc(in); c != EOF; c = getc(in), size++)
        (void)fprintf(out, "%s%d,", size % 20 == 0 ? "\n    " : " ", c);
    (void)fprintf(out, "\n};\nconst size_t %s_size = sizeof %s;\n", name, name);
    return ferror(in) || size == 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: embed OUTPUT.c NAME FILE\n");
        return EXIT_FAILURE;
    }
    FILE *in = fopen(argv[3], "rb");
    FILE *out = in == NULL ? NULL : fopen(argv[1], "wb");
    if (out == NULL || write_bytes(out, argv[2], in) < 0) {
        perror(argv[3]);
        return EXIT_FAILURE;
    }
    (void)fclose(in);
    return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
