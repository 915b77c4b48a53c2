/* corpus_filter.c - random filters that fit the corpus. */
#include "corpus.h"

#include "buffer.h"

static const char *const terms[] = {
    "action:user.login",
    "action:user.*,report.create",
    "action:*o*",
    "action:*",
    "user_id:u1",
    "user_id:\"\"",
    "user_id:a*",
    "user_id:\"a*b\",Zoë",
    "user_email:*",
    "status:failure",
    "success:true",
    "severity:>=high",
    "severity:L*",
    "status_code:404",
    "status_code:>=400",
    "status_code:2*",
    "status_code:300..350,500..",
    "response_time_ms:1.5",
    "response_time_ms:>1.49",
    "response_time_ms:<=0.5",
    "response_time_ms:*9*",
    "response_time_ms:>99999999999999999999",
    "ip:10.0.0.0/8",
    "ip:2001:db8::/32,gateway",
    "ip:10.*",
    "request_id:00000000-0000-4000-8000-000000000003",
    "request_id:00000000000000000000000000000003,req-5",
    "request_id:*5",
    "request_id:*",
    "resource:report/r1*",
    "resource_id:r7",
    "endpoint:/api/items/17",
    "endpoint:*99*",
    "message:*refused",
    "message:*",
    "service:api",
    "details.n:1",
    "details.n:1.00",
    "details.n:1000",
    "details.n:-5.0..-5e0",
    "details.n:3.5",
    "details.n:\"4.50\"",
    "details.n:1,7.5",
    "details.of.rare:k-3",
    "details.of.rare:k-3,k-30",
    "details.of.rare:k-3*",
    "details.s:\"say \\\"hi\\\"\"",
    "session_id:session-2",
    "session_id:session-1,session-20",
    "session_id:session-99999",
    "ip:10.0.0.1",
    "ip:\"::ffff:a00:1\",gateway",
    "ip:2001:DB8::1",
    "user_id:nobody",
    "details.n:\"1\"",
    "details.n:>0",
    "details.tags:red",
    "details.deep.x.y:Q1",
    "details.at:>=2026-01-01",
    "details.s:*hi*",
    "details:*",
    "changes.role:admin",
    "changes.n:>1",
    "control:*",
    "control.type:gap",
    "timestamp:..now",
    "timestamp:>=now-1h",
    "timestamp:now..now+10m",
    "timestamp:>2026-06-01",
    "timestamp:2026-03-15T12:00:00Z",
    "timestamp:2026-03-15T12*",
    "timestamp:<2026-03-14",
    "received:now..now+5m",
    "received:>2027-01-01",
    "index:<3000",
    "index:4000..4100,9000..",
    "login",
    "\"q1\"",
    "überweisung",
    "re*u",
    "items/17",
    "1000",
};

static void
random_list(uint64_t *state, unsigned depth, struct buffer *out)
{
    uint64_t count = 1 + corpus_random(state, 3);
    const char *between = corpus_random(state, 2) == 0 ? " " : " OR ";
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_text(out, between);
        if (corpus_random(state, 4) == 0)
            buffer_text(out, "-");
        if (depth > 0 && corpus_random(state, 4) == 0) {
            buffer_text(out, "(");
            random_list(state, depth - 1, out);
            buffer_text(out, ")");
        } else {
            buffer_text(out, terms[corpus_random(state, sizeof terms / sizeof *terms)]);
        }
    }
}

void
corpus_filter(uint64_t *state, struct buffer *out)
{
    if (corpus_random(state, 20) > 0)
        random_list(state, 2, out);
}
