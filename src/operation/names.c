#include "names.h"

#include <strings.h>

bool
names_have(const char *names, struct bytes name)
{
    for (const char *at = names; *at != '\0';) {
        at += strspn(at, ", ");
        size_t size = strcspn(at, ",");
        size_t end = size;
        while (end > 0 && at[end - 1] == ' ')
            end--;
        if (end > 0 && end == name.size && strncasecmp(at, (const char *)name.data, end) == 0)
            return true;
        at += size;
    }
    return false;
}
