#include "tally/status.h"

const char *
tally_status_text(tally_status status)
{
    switch (status) {
    case TALLY_OK:
        return "done";
    case TALLY_ABSENT:
        return "not there";
    case TALLY_DISAGREES:
        return "does not match";
    case TALLY_REPEATED:
        return "stored before";
    case TALLY_CONFLICT:
        return "conflicting content";
    case TALLY_DENY:
        return "no receipt: do not act";
    case TALLY_NO_MEMORY:
        return "out of memory";
    case TALLY_IO:
        return "input or output failed";
    case TALLY_DAMAGED:
        return "damaged";
    case TALLY_INVALID:
        return "invalid";
    case TALLY_FULL:
        return "no space left";
    case TALLY_BUSY:
        return "busy";
    case TALLY_POISONED:
        return "poisoned";
    case TALLY_UNSUPPORTED:
        return "not supported";
    case TALLY_DENIED:
        return "permission denied";
    }
    return "unknown status";
}
