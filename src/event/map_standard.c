#include "map_standard.h"

bool
map_standard_find(const char *name, struct bytes *text_out)
{
    for (size_t i = 0; i < map_standard_count; i++) {
        if (strcmp(map_standards[i].name, name) == 0) {
            *text_out = map_standards[i].text;
            return true;
        }
    }
    return false;
}
