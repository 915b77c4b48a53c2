/*
 * drop - have the kernel forget what it holds of files and of all files beneath folders.
 *
 *     drop PATH...
 */
#include "cold.h"

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        cold_drop(argv[i]);
    return 0;
}
