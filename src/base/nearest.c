#include "nearest.h"

#include "ascii.h"

void
nearest_init(struct nearest *nearest, struct bytes typed)
{
    *nearest = (struct nearest){ .typed = typed, .bound = typed.size < 3 ? 1 : 3 };
}

static unsigned
smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool
same_letter(uint8_t a, uint8_t b)
{
    return a == b || (ascii_is_letter(a) && (a | 0x20) == (b | 0x20));
}

/* The least number of letters to add, drop or change that makes one name of the other. */
static unsigned
distance(struct bytes a, struct bytes b)
{
    unsigned row[NEAREST_NAME_MAX + 1];
    for (unsigned j = 0; j <= b.size; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned change = diagonal + !same_letter(a.data[i - 1], b.data[j - 1]);
            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.size];
}

void
nearest_offer(struct nearest *nearest, struct bytes spelling, struct bytes name)
{
    if (nearest->typed.size > NEAREST_NAME_MAX || spelling.size > NEAREST_NAME_MAX)
        return;
    unsigned d = distance(nearest->typed, spelling);
    if (d < nearest->bound) {
        nearest->bound = d;
        nearest->name = name;
    }
}
