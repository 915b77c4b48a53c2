/*
 * charter.c - what people ask for is checked before anything of a trail is made.
 *
 * Which half a field goes to is on record in entry 0 and cannot be changed later. So a wish that
 * cannot be granted is refused here, and trail_create() has nothing to clean up.
 */
#include "charter.h"

#include "fault.h"
#include "tally/note.h"

tally_status
charter_move(struct trail_config *config, struct bytes name, enum field_half half,
             struct tally_error *error)
{
    enum field_id field = field_find(name);
    if (field == FIELD_COUNT)
        return fault(error, TALLY_INVALID,
                     "there is no such field; `tally help record` names them");
    if ((fields[field].flags & FIELD_MOVABLE) == 0)
        return fault(error, TALLY_INVALID, "this field cannot be moved");
    if (half == HALF_PRIVATE)
        config->fields_private |= FIELD_BIT(field);
    else
        config->fields_private &= ~FIELD_BIT(field);
    return TALLY_OK;
}

tally_status
charter_check(const struct trail_config *config, struct tally_error *error)
{
    if (config->fields_private == 0)
        return fault(error, TALLY_INVALID, "a trail needs at least one private field");
    if (config->origin == NULL)
        return TALLY_OK;
    /* What can be a signer's name is what can be an origin. */
    uint8_t seed[TALLY_SEED_SIZE] = { 0 };
    struct tally_signer signer;
    tally_status status = tally_signer_init(config->origin, seed, &signer, error);
    if (status == TALLY_OK)
        tally_signer_wipe(&signer);
    return status;
}
