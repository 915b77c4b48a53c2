#include "file_limit.h"

#include "fault.h"

#include <sys/resource.h>

tally_status
file_limit_check(uint64_t size, const char *path, struct tally_error *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size)
        return fault(error, TALLY_FULL,
                     "cannot write %s: no file may have more than %llu bytes (ulimit -f)", path,
                     (unsigned long long)limit.rlim_cur);
    return TALLY_OK;
}
