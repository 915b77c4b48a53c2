#include "meanwhile.h"

static void *
meanwhile_main(void *context)
{
    struct meanwhile *meanwhile = context;
    meanwhile->status = meanwhile->run(meanwhile->context, &meanwhile->error);
    return NULL;
}

void
meanwhile_begin(struct meanwhile *meanwhile)
{
    meanwhile->begun = pthread_create(&meanwhile->thread, NULL, meanwhile_main, meanwhile) == 0;
}

tally_status
meanwhile_end(struct meanwhile *meanwhile, tally_status status, struct tally_error *error)
{
    if (meanwhile->begun)
        (void)pthread_join(meanwhile->thread, NULL);
    else if (status == TALLY_OK)
        (void)meanwhile_main(meanwhile);
    if (status != TALLY_OK)
        return status;
    if (meanwhile->status != TALLY_OK && error != NULL)
        *error = meanwhile->error;
    return meanwhile->status;
}
