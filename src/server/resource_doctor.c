/*
 * GET /api/doctor - what puts the server's folder at risk, and the server itself.
 *
 * Every trail of the folder is looked at, through the roster, which opens what is not open. That may
 * read a lot: after EXAMINATION_MAX what is left of the segments is left to `tally doctor` and the
 * verification in the background, and a note says so.
 */
#include "clock.h"
#include "doctor.h"
#include "escape.h"
#include "folder.h"
#include "routes.h"
#include "server.h"

#define EXAMINATION_MAX (3 * CLOCK_SECOND)

struct examination {
    struct doctor doctor; /* its context is the body */
    struct roster *roster;
};

/* The findings stand in the body, an array that is open. */
static void
put_finding(void *context, const struct doctor_finding *finding)
{
    struct buffer *body = context;
    if (body->size > 0 && body->data[body->size - 1] == '}')
        buffer_byte(body, ',');
    buffer_format(body, "\n{\"grade\":\"%s\",\"where\":", doctor_grade_name(finding->grade));
    escape_json_string(bytes_text(finding->place), body);
    buffer_text(body, ",\"finding\":");
    escape_json_string(bytes_text(finding->text), body);
    buffer_text(body, ",\"cure\":");
    if (finding->cure == NULL)
        buffer_text(body, "null");
    else
        escape_json_string(bytes_text(finding->cure), body);
    buffer_byte(body, '}');
}

static void
examine_server(struct doctor *doctor, struct server *server)
{
    uint64_t dropped = diary_dropped(server->diary);
    if (dropped > 0)
        doctor_report(doctor, DOCTOR_WARNING, "the trail " DIARY_TRAIL,
                      "look at the log, and at the disk",
                      "%llu events about the server itself were not recorded since it began",
                      (unsigned long long)dropped);
    if (atomic_load(&server->memory_short))
        doctor_report(doctor, DOCTOR_WARNING, "memory", "raise memory_max, or send smaller bodies",
                      "memory is short, and bodies are refused");
}

/* disk_name_visitor */
static tally_status
examine_trail(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct examination *examination = context;
    struct open_trail *open;
    struct tally_error own = { 0 };
    tally_status status = roster_take(examination->roster, name, &open, &own);
    if (status == TALLY_OK) {
        doctor_examine_trail(&examination->doctor, open->trail);
        roster_release(examination->roster, open);
    } else if (status != TALLY_ABSENT) {
        doctor_report_unopened(&examination->doctor, name, &own);
    }
    return TALLY_OK;
}

void
doctor_show(struct request *request)
{
    struct server *server = request->server;
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    struct examination examination = {
        .doctor = {
            .path = server->path,
            .found = put_finding,
            .context = &body,
            .deadline = clock_monotonic() + EXAMINATION_MAX,
        },
        .roster = server->roster,
    };
    buffer_text(&body, "{\"data\":[");
    examine_server(&examination.doctor, server);
    doctor_examine_folder(&examination.doctor);
    tally_status status = folder_list_trails(server->folder, examine_trail, &examination, &error);
    buffer_text(&body, "\n],\"next\":null}\n");
    if (status == TALLY_OK)
        answer_json(request, 200, &body);
    else
        answer_fault(request, &error);
    buffer_free(&body);
}
