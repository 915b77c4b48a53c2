#include "map_standard.h"

#include "event.h"
#include "map.h"
#include "records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

#define NOW INT64_C(1767225600000000000)

static struct json_tape tape;
static struct catalogue *catalogue;
static struct event_reader *reader;

static int
set_up(void **state)
{
    (void)state;
    struct tally_error error;
    bool good = json_tape_init(&tape, EVENT_NODES_MAX, &error) == TALLY_OK &&
                catalogue_create(NULL, 0, &catalogue, &error) == TALLY_OK &&
                event_reader_create(catalogue, &reader, &error) == TALLY_OK;
    return good ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    event_reader_destroy(reader);
    catalogue_destroy(catalogue);
    json_tape_finish(&tape);
    return 0;
}

static struct map *
standard(const char *name)
{
    struct bytes text;
    struct map *map = NULL;
    struct tally_error error;
    assert_true(map_standard_find(name, &text));
    if (map_parse(text, name, &map, &error) != TALLY_OK)
        fail_msg("%u:%u %s", (unsigned)error.line, error.column, error.text);
    return map;
}

/* Maps a record and reads the event; the event lasts until `out` changes. */
static tally_status
read_record(const struct map *map, struct bytes record, struct buffer *out, struct event *event,
            struct tally_error *error)
{
    event_reader_reset(reader);
    buffer_clear(out);
    tally_status status = map_apply(map, &tape, record, MAP_ID_SOURCE, out, error);
    if (status != TALLY_OK)
        return status;
    return event_read(reader, buffer_view(out), NOW, event, error);
}

static void
all_maps_are_there(void **state)
{
    (void)state;
    static const char *const names[] = { "cloudtrail", "gcp", "kubernetes", "tallystick",
                                         "windows" };
    struct bytes text;
    assert_int_equal(map_standard_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(map_standards[i].name, names[i]);
        map_destroy(standard(names[i]));
    }
    assert_false(map_standard_find("no-such-map", &text));
    assert_false(map_standard_find("", &text));
}

/* Small records of each product, and what must come of them. */
struct sample {
    const char *map;
    const char *why;
    const char *record;
    const char *expected[FIELD_COUNT];
};

static const struct sample samples[] = {
    { "cloudtrail",
      "a call that was refused, by a person's role session",
      "{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":\"AssumedRole\",\"principalId\":"
      "\"AROAX:ann@example.com\",\"arn\":\"arn:aws:sts::111122223333:assumed-role/ops/"
      "ann@example.com\",\"accountId\":\"111122223333\",\"accessKeyId\":\"ASIAXYZ\"},"
      "\"eventTime\":\"2026-01-02T03:04:05Z\",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":"
      "\"DeleteObject\",\"sourceIPAddress\":\"192.0.2.1\",\"userAgent\":\"cli\",\"errorCode\":"
      "\"AccessDenied\",\"errorMessage\":\"no\",\"requestParameters\":{\"bucketName\":\"b\","
      "\"key\":"
      "\"k\"},\"responseElements\":null,\"requestID\":\"R1\",\"eventID\":\"E1\",\"readOnly\":false,"
      "\"eventType\":\"AwsApiCall\",\"recipientAccountId\":\"111122223333\"}",
      { [FIELD_ACTION] = "s3.DeleteObject",
        [FIELD_TIMESTAMP] = "2026-01-02T03:04:05Z",
        [FIELD_SERVICE] = "s3.amazonaws.com",
        [FIELD_EVENT_TYPE] = "access_denied",
        [FIELD_CRUD] = "D",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_ERROR_MESSAGE] = "AccessDenied: no",
        [FIELD_USER_ID] = "arn:aws:sts::111122223333:assumed-role/ops/ann@example.com",
        [FIELD_USER_EMAIL] = "ann@example.com",
        [FIELD_GROUP_ID] = "111122223333",
        [FIELD_SESSION_ID] = "ASIAXYZ",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "cli",
        [FIELD_REQUEST_ID] = "R1",
        [FIELD_RESOURCE_TYPE] = "AWS::S3::Object",
        [FIELD_RESOURCE_ID] = "b/k" } },
    { "cloudtrail",
      "a sign-in that failed",
      "{\"eventTime\":\"2026-01-02T03:04:05Z\",\"eventSource\":\"signin.amazonaws.com\","
      "\"eventName\":\"ConsoleLogin\",\"userIdentity\":{\"type\":\"IAMUser\",\"principalId\":"
      "\"AIDA\","
      "\"accessKeyId\":\"\",\"userName\":\"ann\"},\"responseElements\":{\"ConsoleLogin\":"
      "\"Failure\"},\"errorMessage\":\"Failed authentication\",\"readOnly\":false}",
      { [FIELD_ACTION] = "signin.ConsoleLogin",
        [FIELD_TIMESTAMP] = "2026-01-02T03:04:05Z",
        [FIELD_SERVICE] = "signin.amazonaws.com",
        [FIELD_EVENT_TYPE] = "login_failure",
        [FIELD_CRUD] = "U",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_ERROR_MESSAGE] = "Failed authentication",
        [FIELD_USER_ID] = "AIDA",
        [FIELD_ACTOR_TYPE] = "user" } },
    { "kubernetes",
      "an audit event of somebody impersonated, into a container",
      "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/"
      "v1\",\"level\":\"Metadata\",\"auditID\":\"A1\","
      "\"stage\":\"ResponseComplete\",\"requestURI\":\"/api/v1/namespaces/n/pods/p/exec\",\"verb\":"
      "\"create\",\"user\":{\"username\":\"ann@example.com\",\"groups\":[\"g\"]},"
      "\"impersonatedUser\":{\"username\":\"bob\"},\"sourceIPs\":[\"192.0.2.1\",\"192.0.2.2\"],"
      "\"userAgent\":\"kubectl\",\"objectRef\":{\"resource\":\"pods\",\"namespace\":\"n\",\"name\":"
      "\"p\","
      "\"subresource\":\"exec\"},\"responseStatus\":{\"code\":101},\"requestReceivedTimestamp\":"
      "\"2026-01-02T03:04:05.000001Z\",\"stageTimestamp\":\"2026-01-02T03:04:05.000002Z\"}",
      { [FIELD_ACTION] = "pods.exec.create",
        [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.000002Z",
        [FIELD_SERVICE] = "kubernetes",
        [FIELD_EVENT_TYPE] = "kubernetes_audit",
        [FIELD_CRUD] = "C",
        [FIELD_SEVERITY] = "high",
        [FIELD_STATUS] = "success",
        [FIELD_STATUS_CODE] = "101",
        [FIELD_USER_ID] = "ann@example.com",
        [FIELD_USER_EMAIL] = "ann@example.com",
        [FIELD_ON_BEHALF_OF] = "bob",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "kubectl",
        [FIELD_ENDPOINT] = "/api/v1/namespaces/n/pods/p/exec",
        [FIELD_REQUEST_ID] = "A1",
        [FIELD_RESOURCE_TYPE] = "pods/exec",
        [FIELD_RESOURCE_ID] = "n/p" } },
    { "kubernetes",
      "an admission review, which has no time",
      "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
      "v1\",\"request\":{\"uid\":\"U1\","
      "\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},\"name\":"
      "\"d\","
      "\"namespace\":\"n\",\"operation\":\"DELETE\",\"userInfo\":{\"username\":"
      "\"system:serviceaccount:n:robot\"},\"object\":null}}",
      { [FIELD_ACTION] = "deployments.delete",
        [FIELD_TIMESTAMP] = "2026-01-01T00:00:00.000000Z",
        [FIELD_SERVICE] = "kubernetes",
        [FIELD_EVENT_TYPE] = "kubernetes_admission",
        [FIELD_CRUD] = "D",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "system:serviceaccount:n:robot",
        [FIELD_ACTOR_TYPE] = "service",
        [FIELD_REQUEST_ID] = "U1",
        [FIELD_RESOURCE_TYPE] = "deployments",
        [FIELD_RESOURCE_ID] = "n/d" } },
    { "gcp",
      "a refused read by a service account",
      "{\"protoPayload\":{\"@type\":\"type.googleapis.com/google.cloud.audit.AuditLog\",\"status\":"
      "{\"code\":7,\"message\":\"PERMISSION_DENIED\"},\"authenticationInfo\":{\"principalEmail\":"
      "\"sa@p.iam.gserviceaccount.com\"},\"requestMetadata\":{\"callerIp\":\"192.0.2.1\","
      "\"callerSuppliedUserAgent\":\"gcloud\"},\"serviceName\":\"storage.googleapis.com\","
      "\"methodName\":\"storage.objects.get\",\"resourceName\":\"projects/_/buckets/b/objects/o\"},"
      "\"insertId\":\"I1\",\"resource\":{\"type\":\"gcs_bucket\",\"labels\":{\"project_id\":\"p\"}}"
      ","
      "\"timestamp\":\"2026-01-02T03:04:05.5Z\",\"severity\":\"ERROR\",\"logName\":\"L\",\"trace\":"
      "\"projects/p/traces/0af7\"}",
      { [FIELD_ACTION] = "storage.objects.get",
        [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.5Z",
        [FIELD_SERVICE] = "storage.googleapis.com",
        [FIELD_EVENT_TYPE] = "access_denied",
        [FIELD_CRUD] = "R",
        [FIELD_SEVERITY] = "high",
        [FIELD_STATUS] = "failure",
        [FIELD_STATUS_CODE] = "403",
        [FIELD_ERROR_MESSAGE] = "PERMISSION_DENIED",
        [FIELD_USER_ID] = "sa@p.iam.gserviceaccount.com",
        [FIELD_USER_EMAIL] = "sa@p.iam.gserviceaccount.com",
        [FIELD_ACTOR_TYPE] = "service",
        [FIELD_GROUP_ID] = "p",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "gcloud",
        [FIELD_TRACE_ID] = "0af7",
        [FIELD_RESOURCE_TYPE] = "gcs_bucket",
        [FIELD_RESOURCE_ID] = "projects/_/buckets/b/objects/o" } },
    { "windows",
      "a failed logon, flat as NXLog writes it",
      "{\"EventTime\":\"2026-01-02 "
      "03:04:05\",\"@timestamp\":\"2026-01-02T08:04:06.123Z\",\"Hostname\":"
      "\"H\",\"Keywords\":-9218868437227405312,\"EventType\":\"AUDIT_FAILURE\",\"EventID\":4625,"
      "\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"RecordNumber\":7,\"Channel\":"
      "\"Security\",\"Message\":\"An account failed to log "
      "on.\\r\\n\\r\\nSubject:\",\"SubjectUserSid\":"
      "\"S-1-0-0\",\"SubjectUserName\":\"-\",\"SubjectDomainName\":\"-\",\"SubjectLogonId\":"
      "\"0x0\","
      "\"TargetUserName\":\"ann\",\"TargetDomainName\":\"CORP\",\"Status\":\"0xc000006d\","
      "\"FailureReason\":\"%%2313\",\"IpAddress\":\"192.0.2.1\"}",
      { [FIELD_ACTION] = "user.login",
        [FIELD_TIMESTAMP] = "2026-01-02T08:04:06.123Z",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_EVENT_TYPE] = "login_failure",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_ERROR_MESSAGE] = "%%2313 (0xc000006d)",
        [FIELD_MESSAGE] = "An account failed to log on.",
        [FIELD_USER_ID] = "CORP\\ann",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_SESSION_ID] = "H/0x0",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "H" } },
    { "windows",
      "a file touched, nested as Winlogbeat writes it",
      "{\"@timestamp\":\"2026-01-02T03:04:05.678Z\",\"event\":{\"code\":4663,\"outcome\":"
      "\"success\"},"
      "\"winlog\":{\"computer_name\":\"H\",\"channel\":\"Security\",\"record_id\":\"7\",\"event_"
      "id\":4663,"
      "\"provider_name\":\"P\",\"event_data\":{\"SubjectUserSid\":\"S-1-5-21-1\","
      "\"SubjectUserName\":"
      "\"ann\",\"SubjectDomainName\":\"CORP\",\"SubjectLogonId\":\"0x1f\",\"ObjectType\":\"File\","
      "\"ObjectName\":\"C:\\\\x\"}},\"message\":\"An attempt was made\\nto access an object\"}",
      { [FIELD_ACTION] = "object.access",
        [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.678Z",
        [FIELD_SERVICE] = "P",
        [FIELD_EVENT_TYPE] = "windows_security",
        [FIELD_CRUD] = "R",
        [FIELD_SEVERITY] = "low",
        [FIELD_STATUS] = "success",
        [FIELD_MESSAGE] = "An attempt was made",
        [FIELD_USER_ID] = "CORP\\ann",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_SESSION_ID] = "H/0x1f",
        [FIELD_RESOURCE_TYPE] = "file",
        [FIELD_RESOURCE_ID] = "C:\\x" } },
    { "cloudtrail",
      "an event of EventBridge",
      "{\"version\":\"0\",\"id\":\"x\",\"detail-type\":\"AWS API Call via CloudTrail\",\"s"
      "ource\":\"aws.iam\",\"account\":\"111122223333\",\"time\":\"2026-01-02T03:04:05Z"
      "\",\"region\":\"us-east-1\",\"resources\":[],\"detail\":{\"eventVersion\":\"1.09\","
      "\"userIdentity\":{\"type\":\"IAMUser\",\"principalId\":\"AIDA1\",\"arn\":\"arn:aws:"
      "iam::111122223333:user/ann\",\"accountId\":\"111122223333\",\"accessKeyId\":\""
      "AKIA1\",\"userName\":\"ann\"},\"eventTime\":\"2026-01-02T03:04:05Z\",\"eventSour"
      "ce\":\"iam.amazonaws.com\",\"eventName\":\"CreateUser\",\"awsRegion\":\"us-east-"
      "1\",\"sourceIPAddress\":\"192.0.2.1\",\"userAgent\":\"cli\",\"requestParameters\""
      ":{\"userName\":\"bob\"},\"responseElements\":null,\"requestID\":\"R\",\"eventID\":"
      "\"E1\",\"readOnly\":false,\"eventType\":\"AwsApiCall\",\"managementEvent\":true,"
      "\"recipientAccountId\":\"111122223333\",\"eventCategory\":\"Management\"}}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05Z",
        [FIELD_EVENT_TYPE] = "user_create",
        [FIELD_ACTION] = "iam.CreateUser",
        [FIELD_CRUD] = "C",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "arn:aws:iam::111122223333:user/ann",
        [FIELD_GROUP_ID] = "111122223333",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "cli",
        [FIELD_RESOURCE_TYPE] = "AWS::IAM::User",
        [FIELD_RESOURCE_ID] = "bob",
        [FIELD_SERVICE] = "iam.amazonaws.com",
        [FIELD_REQUEST_ID] = "R" } },
    { "cloudtrail",
      "a refused call as lookup-events gives it, the record in a text",
      "{\"EventId\":\"E1\",\"EventName\":\"CreateUser\",\"ReadOnly\":\"false\",\"AccessKey"
      "Id\":\"AKIA1\",\"EventTime\":\"2026-01-02T04:04:05+01:00\",\"EventSource\":\"iam"
      ".amazonaws.com\",\"Username\":\"ann\",\"Resources\":[{\"ResourceType\":\"AWS::IA"
      "M::User\",\"ResourceName\":\"bob\"}],\"CloudTrailEvent\":\"{\\\"eventVersion\\\": "
      "\\\"1.09\\\", \\\"userIdentity\\\": {\\\"type\\\": \\\"IAMUser\\\", \\\"principalId\\\": "
      "\\\""
      "AIDA1\\\", \\\"arn\\\": \\\"arn:aws:iam::111122223333:user/ann\\\", \\\"accountId\\\""
      ": \\\"111122223333\\\", \\\"accessKeyId\\\": \\\"AKIA1\\\", \\\"userName\\\": \\\"ann\\\"}"
      ", \\\"eventTime\\\": \\\"2026-01-02T03:04:05Z\\\", \\\"eventSource\\\": \\\"iam.amaz"
      "onaws.com\\\", \\\"eventName\\\": \\\"CreateUser\\\", \\\"awsRegion\\\": \\\"us-east-1"
      "\\\", \\\"sourceIPAddress\\\": \\\"192.0.2.1\\\", \\\"userAgent\\\": \\\"cli\\\", \\\"requ"
      "estParameters\\\": {\\\"userName\\\": \\\"bob\\\"}, \\\"responseElements\\\": null, "
      "\\\"requestID\\\": \\\"R\\\", \\\"eventID\\\": \\\"E1\\\", \\\"readOnly\\\": false, \\\"even"
      "tType\\\": \\\"AwsApiCall\\\", \\\"managementEvent\\\": true, \\\"recipientAccount"
      "Id\\\": \\\"111122223333\\\", \\\"eventCategory\\\": \\\"Management\\\", \\\"errorCode"
      "\\\": \\\"AccessDenied\\\", \\\"errorMessage\\\": \\\"no\\\"}\"}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05Z",
        [FIELD_EVENT_TYPE] = "access_denied",
        [FIELD_ACTION] = "iam.CreateUser",
        [FIELD_CRUD] = "C",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_USER_ID] = "arn:aws:iam::111122223333:user/ann",
        [FIELD_GROUP_ID] = "111122223333",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "cli",
        [FIELD_RESOURCE_TYPE] = "AWS::IAM::User",
        [FIELD_RESOURCE_ID] = "bob",
        [FIELD_SERVICE] = "iam.amazonaws.com",
        [FIELD_REQUEST_ID] = "R",
        [FIELD_ERROR_MESSAGE] = "AccessDenied: no" } },
    { "cloudtrail",
      "a sign-in through IAM Identity Center",
      "{\"eventVersion\":\"1.09\",\"userIdentity\":{\"type\":\"IdentityCenterUser\",\"ac"
      "countId\":\"1\",\"onBehalfOf\":{\"userId\":\"544894e8\",\"identityStoreArn\":\"arn"
      ":x\"},\"credentialId\":\"90e2\"},\"eventTime\":\"2026-01-02T03:04:05Z\",\"eventS"
      "ource\":\"signin.amazonaws.com\",\"eventName\":\"UserAuthentication\",\"awsReg"
      "ion\":\"us-east-1\",\"sourceIPAddress\":\"192.0.2.1\",\"userAgent\":\"cli\",\"requ"
      "estID\":\"R\",\"eventID\":\"E1\",\"readOnly\":false,\"eventType\":\"AwsServiceEven"
      "t\",\"managementEvent\":true,\"recipientAccountId\":\"111122223333\",\"eventCa"
      "tegory\":\"Management\",\"serviceEventDetails\":{\"UserAuthentication\":\"Succ"
      "ess\",\"CredentialType\":\"PASSWORD\"},\"additionalEventData\":{\"UserName\":\"a"
      "nn@example.com\"}}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05Z",
        [FIELD_EVENT_TYPE] = "login_success",
        [FIELD_ACTION] = "signin.UserAuthentication",
        [FIELD_CRUD] = "U",
        [FIELD_SEVERITY] = "low",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "544894e8",
        [FIELD_USER_EMAIL] = "ann@example.com",
        [FIELD_GROUP_ID] = "111122223333",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "cli",
        [FIELD_SERVICE] = "signin.amazonaws.com",
        [FIELD_REQUEST_ID] = "R" } },
    { "kubernetes",
      "an item of an EventList, which names no kind: a shell by a get",
      "{\"level\":\"Metadata\",\"auditID\":\"A1\",\"stage\":\"ResponseComplete\",\"request"
      "URI\":\"/api/v1/namespaces/n/pods/p/exec?command=sh\",\"verb\":\"get\",\"user\""
      ":{\"username\":\"ann@example.com\",\"uid\":\"u\",\"groups\":[\"g\"],\"extra\":{}},\"s"
      "ourceIPs\":[\"192.0.2.1\",\"10.0.0.1\"],\"userAgent\":\"kubectl\",\"objectRef\":{"
      "\"resource\":\"pods\",\"subresource\":\"exec\",\"namespace\":\"n\",\"name\":\"p\"},\"re"
      "sponseStatus\":{\"code\":101},\"requestReceivedTimestamp\":\"2026-01-02T03:0"
      "4:05.000001Z\",\"stageTimestamp\":\"2026-01-02T03:04:05.000002Z\",\"annotati"
      "ons\":{\"authorization.k8s.io/decision\":\"allow\",\"authorization.k8s.io/re"
      "ason\":\"\"}}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.000002Z",
        [FIELD_EVENT_TYPE] = "kubernetes_audit",
        [FIELD_ACTION] = "pods.exec.get",
        [FIELD_CRUD] = "R",
        [FIELD_SEVERITY] = "high",
        [FIELD_STATUS] = "success",
        [FIELD_STATUS_CODE] = "101",
        [FIELD_USER_ID] = "ann@example.com",
        [FIELD_USER_EMAIL] = "ann@example.com",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "kubectl",
        [FIELD_RESOURCE_TYPE] = "pods/exec",
        [FIELD_RESOURCE_ID] = "n/p",
        [FIELD_ENDPOINT] = "/api/v1/namespaces/n/pods/p/exec?command=sh",
        [FIELD_SERVICE] = "kubernetes",
        [FIELD_REQUEST_ID] = "A1" } },
    { "kubernetes",
      "an audit event that was not allowed, as Azure Monitor wraps it",
      "{\"operationName\":\"Microsoft.ContainerService/managedClusters/diagnosti"
      "cLogs/Read\",\"category\":\"kube-audit\",\"resourceId\":\"/SUB\",\"properties\":{"
      "\"log\":\"{\\\"kind\\\": \\\"Event\\\", \\\"apiVersion\\\": \\\"audit.k8s.io/v1\\\", \\\"le"
      "vel\\\": \\\"Metadata\\\", \\\"auditID\\\": \\\"A1\\\", \\\"stage\\\": \\\"ResponseComplet"
      "e\\\", \\\"requestURI\\\": \\\"/api/v1/namespaces/n/pods/p\\\", \\\"verb\\\": \\\"get\\\""
      ", \\\"user\\\": {\\\"username\\\": \\\"ann@example.com\\\", \\\"uid\\\": \\\"u\\\", \\\"grou"
      "ps\\\": [\\\"g\\\"], \\\"extra\\\": {}}, \\\"sourceIPs\\\": [\\\"192.0.2.1\\\", \\\"10.0.0"
      ".1\\\"], \\\"userAgent\\\": \\\"kubectl\\\", \\\"objectRef\\\": {\\\"resource\\\": \\\"pod"
      "s\\\", \\\"namespace\\\": \\\"n\\\", \\\"name\\\": \\\"p\\\", \\\"apiVersion\\\": "
      "\\\"v1\\\"}, \\\""
      "responseStatus\\\": {\\\"metadata\\\": {}, \\\"status\\\": \\\"Failure\\\", \\\"messag"
      "e\\\": \\\"pods is forbidden\\\", \\\"reason\\\": \\\"Forbidden\\\", \\\"details\\\": {\\\""
      "kind\\\": \\\"pods\\\"}, \\\"code\\\": 403}, \\\"requestReceivedTimestamp\\\": \\\"202"
      "6-01-02T03:04:05.000001Z\\\", \\\"stageTimestamp\\\": \\\"2026-01-02T03:04:05."
      "000002Z\\\", \\\"annotations\\\": {\\\"authorization.k8s.io/decision\\\": \\\"forb"
      "id\\\"}}\\n\"},\"time\":\"2026-01-02T03:04:09.0000000Z\"}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.000002Z",
        [FIELD_EVENT_TYPE] = "access_denied",
        [FIELD_ACTION] = "pods.get",
        [FIELD_CRUD] = "R",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_STATUS_CODE] = "403",
        [FIELD_USER_ID] = "ann@example.com",
        [FIELD_USER_EMAIL] = "ann@example.com",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "kubectl",
        [FIELD_RESOURCE_TYPE] = "pods",
        [FIELD_RESOURCE_ID] = "n/p",
        [FIELD_ENDPOINT] = "/api/v1/namespaces/n/pods/p",
        [FIELD_SERVICE] = "kubernetes",
        [FIELD_REQUEST_ID] = "A1",
        [FIELD_ERROR_MESSAGE] = "pods is forbidden" } },
    { "gcp",
      "what Google does by itself",
      "{\"protoPayload\":{\"@type\":\"type.googleapis.com/google.cloud.audit.Audit"
      "Log\",\"status\":{},\"authenticationInfo\":{\"principalEmail\":\"system@google"
      ".com\"},\"requestMetadata\":{\"callerIp\":\"192.0.2.1\",\"callerSuppliedUserAg"
      "ent\":\"g\"},\"serviceName\":\"compute.googleapis.com\",\"methodName\":\"compute"
      ".instances.migrateOnHostMaintenance\",\"authorizationInfo\":[{\"permission"
      "\":\"compute.instances.delete\",\"granted\":true,\"resource\":\"projects/p/x\"}"
      "],\"resourceName\":\"projects/p/zones/z/instances/i\"},\"insertId\":\"I\",\"res"
      "ource\":{\"type\":\"gce_instance\",\"labels\":{\"project_id\":\"p\",\"zone\":\"z\"}},"
      "\"timestamp\":\"2026-01-02T03:04:05.123456789Z\",\"severity\":\"INFO\",\"logNam"
      "e\":\"projects/p/logs/cloudaudit.googleapis.com%2Factivity\",\"operation\":"
      "{\"id\":\"op\",\"first\":true},\"receiveTimestamp\":\"2026-01-02T03:04:06Z\"}",
      { [FIELD_TIMESTAMP] = "2026-01-02T03:04:05.123456789Z",
        [FIELD_EVENT_TYPE] = "gcp_audit",
        [FIELD_ACTION] = "compute.instances.migrateOnHostMaintenance",
        [FIELD_SEVERITY] = "low",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "system@google.com",
        [FIELD_USER_EMAIL] = "system@google.com",
        [FIELD_GROUP_ID] = "p",
        [FIELD_ACTOR_TYPE] = "system",
        [FIELD_IP_ADDRESS] = "192.0.2.1",
        [FIELD_USER_AGENT] = "g",
        [FIELD_RESOURCE_TYPE] = "gce_instance",
        [FIELD_RESOURCE_ID] = "projects/p/zones/z/instances/i",
        [FIELD_SERVICE] = "compute.googleapis.com",
        [FIELD_REQUEST_ID] = "op",
        [FIELD_CORRELATION_ID] = "op" } },
    { "windows",
      "a logon, as evtx_dump writes it",
      "{\"Event\":{\"#attributes\":{\"xmlns\":\"http://schemas.microsoft.com/win/200"
      "4/08/events/event\"},\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Micro"
      "soft-Windows-Security-Auditing\",\"Guid\":\"54849625\"}},\"EventID\":4624,\"Ve"
      "rsion\":2,\"Level\":0,\"Task\":12544,\"Opcode\":0,\"Keywords\":\"0x8020000000000"
      "000\",\"TimeCreated\":{\"#attributes\":{\"SystemTime\":\"2020-09-09T13:18:23.6"
      "27018Z\"}},\"EventRecordID\":4711,\"Correlation\":{\"#attributes\":{\"Activity"
      "ID\":\"AB12\"}},\"Execution\":{\"#attributes\":{\"ProcessID\":620,\"ThreadID\":3}"
      "},\"Channel\":\"Security\",\"Computer\":\"dc01.example.com\",\"Security\":null},"
      "\"EventData\":{\"SubjectUserSid\":\"S-1-5-18\",\"SubjectUserName\":\"DC01$\",\"Su"
      "bjectDomainName\":\"EX\",\"SubjectLogonId\":\"0x3e7\",\"TargetUserSid\":\"S-1-5-"
      "21-1\",\"TargetUserName\":\"ann\",\"TargetDomainName\":\"EX\",\"TargetLogonId\":\""
      "0x567\",\"LogonType\":3,\"IpAddress\":\"192.0.2.7\",\"IpPort\":\"1\",\"Workstation"
      "Name\":\"-\",\"Status\":\"0x0\"}}}",
      { [FIELD_TIMESTAMP] = "2020-09-09T13:18:23.627018Z",
        [FIELD_EVENT_TYPE] = "login_success",
        [FIELD_ACTION] = "user.login",
        [FIELD_SEVERITY] = "low",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "EX\\ann",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_SESSION_ID] = "dc01.example.com/0x567",
        [FIELD_IP_ADDRESS] = "192.0.2.7",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "dc01.example.com",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_CORRELATION_ID] = "AB12" } },
    { "windows",
      "the log cleared, as evtx_dump writes it",
      "{\"Event\":{\"#attributes\":{\"xmlns\":\"x\"},\"System\":{\"Provider\":{\"#attribut"
      "es\":{\"Name\":\"Microsoft-Windows-Eventlog\"}},\"EventID\":{\"#attributes\":{\""
      "Qualifiers\":0},\"#text\":1102},\"Keywords\":\"0x4020000000000000\",\"TimeCrea"
      "ted\":{\"#attributes\":{\"SystemTime\":\"2020-09-09T13:18:23.6Z\"}},\"EventRec"
      "ordID\":4712,\"Channel\":\"Security\",\"Computer\":\"dc01\",\"Security\":{\"#attri"
      "butes\":{\"UserID\":\"S-1-5-21-9\"}}},\"UserData\":{\"LogFileCleared\":{\"#attri"
      "butes\":{\"xmlns\":\"y\"},\"SubjectUserSid\":\"S-1-5-21-9\",\"SubjectUserName\":\""
      "bob\",\"SubjectDomainName\":\"EX\",\"SubjectLogonId\":\"0x9\"}}}}",
      { [FIELD_TIMESTAMP] = "2020-09-09T13:18:23.6Z",
        [FIELD_EVENT_TYPE] = "config_change",
        [FIELD_ACTION] = "log.clear",
        [FIELD_CRUD] = "D",
        [FIELD_SEVERITY] = "high",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "EX\\bob",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_SESSION_ID] = "dc01/0x9",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "dc01",
        [FIELD_SERVICE] = "Microsoft-Windows-Eventlog" } },
    { "windows",
      "a failed logon, as xmltodict writes it",
      "{\"Event\":{\"@xmlns\":\"z\",\"System\":{\"Provider\":{\"@Name\":\"Microsoft-Window"
      "s-Security-Auditing\",\"@Guid\":\"{}\"},\"EventID\":{\"@Qualifiers\":\"\",\"#text\""
      ":\"4625\"},\"Keywords\":\"0x8010000000000000\",\"TimeCreated\":{\"@SystemTime\":"
      "\"2021-01-02 03:04:05.123456\"},\"EventRecordID\":\"77\",\"Channel\":\"Security"
      "\",\"Computer\":\"c2\",\"Security\":{\"@UserID\":\"\"}},\"EventData\":{\"Data\":[{\"@N"
      "ame\":\"SubjectUserName\",\"#text\":\"-\"},{\"@Name\":\"TargetUserName\",\"#text\":"
      "\"carl\"},{\"@Name\":\"TargetDomainName\",\"#text\":\"EX\"},{\"@Name\":\"Status\",\"#"
      "text\":\"0xc000006d\"},{\"@Name\":\"IpAddress\",\"#text\":\"198.51.100.3\"}]}}}",
      { [FIELD_TIMESTAMP] = "2021-01-02T03:04:05.123456Z",
        [FIELD_EVENT_TYPE] = "login_failure",
        [FIELD_ACTION] = "user.login",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_USER_ID] = "EX\\carl",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_IP_ADDRESS] = "198.51.100.3",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "c2",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_ERROR_MESSAGE] = "0xc000006d" } },
    { "windows",
      "a logon, as Fluent Bit writes it",
      "{\"date\":1766099534.63,\"ProviderName\":\"Microsoft-Windows-Security-Audit"
      "ing\",\"ProviderGuid\":\"{}\",\"Qualifiers\":\"\",\"EventID\":4624,\"Version\":2,\"L"
      "evel\":0,\"Task\":12544,\"Opcode\":0,\"Keywords\":\"0x8020000000000000\",\"TimeC"
      "reated\":\"2025-12-18 18:12:13 -0500\",\"EventRecordID\":2922,\"ActivityID\":"
      "\"\",\"RelatedActivityID\":\"\",\"ProcessID\":1796,\"ThreadID\":3340,\"Channel\":\""
      "Security\",\"Computer\":\"FB\",\"UserID\":\"\",\"Message\":\"An account was succes"
      "sfully logged on.\\r\\n\\r\\nSubject:\",\"StringInserts\":[\"S-1-5-18\",\"FB$\",\""
      "EX\",\"0x3e7\",\"S-1-5-21-5\",\"dora\",\"EX\",\"0x99\",\"3\",\"k\",\"k\",\"W\",\"{}\",\"-\","
      "\""
      "-\",\"0\",\"0x0\",\"-\",\"203.0.113.9\",\"0\"]}",
      { [FIELD_TIMESTAMP] = "2025-12-18T23:12:13Z",
        [FIELD_EVENT_TYPE] = "login_success",
        [FIELD_ACTION] = "user.login",
        [FIELD_SEVERITY] = "low",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "EX\\dora",
        [FIELD_IP_ADDRESS] = "203.0.113.9",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "FB",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_MESSAGE] = "An account was successfully logged on." } },
    { "windows",
      "a failed logon, as Get-WinEvent gives it",
      "{\"Id\":4625,\"Version\":0,\"Level\":0,\"Task\":12544,\"Opcode\":0,\"Keywords\":-9"
      "218868437227405312,\"RecordId\":379850,\"ProviderName\":\"Microsoft-Windows"
      "-Security-Auditing\",\"ProviderId\":\"x\",\"LogName\":\"Security\",\"ProcessId\":"
      "4,\"ThreadId\":4,\"MachineName\":\"PS\",\"TimeCreated\":\"/Date(1591757460123)/"
      "\",\"ContainerLog\":\"security\",\"LevelDisplayName\":\"Information\",\"Keywords"
      "DisplayNames\":[\"Audit Failure\"],\"Properties\":[{\"Value\":\"S-1-0-0\"},{\"Va"
      "lue\":\"-\"},{\"Value\":\"-\"},{\"Value\":0},{\"Value\":\"S-1-0-0\"},{\"Value\":\"eve\""
      "},{\"Value\":\"EX\"},{\"Value\":-1},{\"Value\":\"%%2313\"},{\"Value\":-2},{\"Value\""
      ":3},{\"Value\":\"N\"},{\"Value\":\"N\"},{\"Value\":\"WS\"},{\"Value\":\"-\"},{\"Value\":"
      "\"-\"},{\"Value\":0},{\"Value\":0},{\"Value\":\"-\"},{\"Value\":\"203.0.113.10\"},{\""
      "Value\":\"55\"}],\"Message\":\"An account failed to log on.\"}",
      { [FIELD_TIMESTAMP] = "2020-06-10T02:51:00.123Z",
        [FIELD_EVENT_TYPE] = "login_failure",
        [FIELD_ACTION] = "user.login",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "failure",
        [FIELD_USER_ID] = "EX\\eve",
        [FIELD_IP_ADDRESS] = "203.0.113.10",
        [FIELD_RESOURCE_TYPE] = "computer",
        [FIELD_RESOURCE_ID] = "PS",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_MESSAGE] = "An account failed to log on." } },
    { "windows",
      "a user created, as Velociraptor writes it",
      "{\"System\":{\"Provider\":{\"Name\":\"Microsoft-Windows-Security-Auditing\",\"G"
      "uid\":\"{}\"},\"EventID\":{\"Value\":4720},\"Version\":0,\"Level\":0,\"Task\":13824"
      ",\"Opcode\":0,\"Keywords\":9232379236109516800,\"TimeCreated\":{\"SystemTime\""
      ":1595449776.6893},\"EventRecordID\":12,\"Correlation\":{},\"Execution\":{\"Pr"
      "ocessID\":1,\"ThreadID\":2},\"Channel\":\"Security\",\"Computer\":\"v1\",\"Securit"
      "y\":{}},\"EventData\":{\"TargetUserName\":\"newguy\",\"TargetDomainName\":\"EX\","
      "\"SubjectUserName\":\"adm\",\"SubjectDomainName\":\"EX\",\"SubjectLogonId\":1234"
      "},\"Message\":\"A user account was created.\"}",
      { [FIELD_TIMESTAMP] = "2020-07-22T20:29:36.6893Z",
        [FIELD_EVENT_TYPE] = "user_create",
        [FIELD_ACTION] = "user.create",
        [FIELD_CRUD] = "C",
        [FIELD_SEVERITY] = "medium",
        [FIELD_STATUS] = "success",
        [FIELD_USER_ID] = "EX\\adm",
        [FIELD_ACTOR_TYPE] = "user",
        [FIELD_SESSION_ID] = "v1/1234",
        [FIELD_RESOURCE_TYPE] = "user",
        [FIELD_RESOURCE_ID] = "EX\\newguy",
        [FIELD_SERVICE] = "Microsoft-Windows-Security-Auditing",
        [FIELD_MESSAGE] = "A user account was created." } },
};

#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

static void
samples_become_these_events(void **state)
{
    (void)state;
    struct buffer out = { 0 };
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct map *map = standard(samples[i].map);
        struct event event;
        struct tally_error error;
        if (read_record(map, bytes_text(samples[i].record), &out, &event, &error) != TALLY_OK)
            fail_msg("%s: %s", samples[i].why, error.text);
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            const char *expected = samples[i].expected[f];
            struct bytes value = event.values[f];
            if (f == FIELD_ID || f == FIELD_DETAILS)
                assert_non_null(value.data);
            else if (expected == NULL ? value.data != NULL : !bytes_is(value, expected))
                fail_msg("%s: %s is %.*s", samples[i].why, (const char *)fields[f].name.data,
                         BYTES_ARG(value));
        }
        map_destroy(map);
    }
    buffer_free(&out);
}

/* A record in which any one value is something else becomes an event still, one that event_read
 * takes and that has an action; or it is refused because the changed value is one that the map
 * requires, or its time. Twice over all samples: this is what a product's next version may do. */
static void
odd_values_cost_no_record(void **state)
{
    (void)state;
    struct buffer odd_text = { 0 };
    buffer_byte(&odd_text, '"');
    for (unsigned i = 0; i < 5000; i++)
        buffer_text(&odd_text, "é ");
    buffer_text(&odd_text, "\"");
    const struct bytes odd[] = {
        BYTES("null"),
        BYTES("true"),
        BYTES("-1.5e300"),
        BYTES("\"\""),
        BYTES("\"-\""),
        BYTES("[]"),
        BYTES("[[{\"x\":1}],2]"),
        BYTES("{}"),
        BYTES("{\"code\":{\"x\":[]}}"),
        BYTES("\"\\u0000\\\"\\n\""),
        buffer_view(&odd_text),
    };
    struct json_tape plan = { 0 };
    struct buffer record = { 0 };
    struct buffer out = { 0 };
    unsigned refused = 0;
    unsigned taken = 0;
    assert_int_equal(json_tape_init(&plan, 1000, NULL), TALLY_OK);

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct map *map = standard(samples[i].map);
        struct bytes text = bytes_text(samples[i].record);
        assert_int_equal(json_scan(&plan, text, NULL), TALLY_OK);
        for (uint32_t node = 1; node < plan.count; node++) {
            struct bytes token = json_token(&plan, node);
            /* Names are left as they are: a colon follows them. */
            if (token.data[token.size] == ':')
                continue;
            for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++) {
                buffer_clear(&record);
                buffer_append(&record, text.data, (size_t)(token.data - text.data));
                buffer_bytes(&record, odd[k]);
                buffer_append(&record, token.data + token.size,
                              (size_t)(text.data + text.size - token.data - token.size));

                struct event event;
                struct tally_error error;
                tally_status status = read_record(map, buffer_view(&record), &out, &event, &error);
                if (status == TALLY_OK) {
                    assert_true(event.values[FIELD_ACTION].size > 0);
                    taken++;
                    continue;
                }
                bool known = strstr(error.text, "which requires") != NULL ||
                             strstr(error.text, "time cannot be read") != NULL;
                if (status != TALLY_INVALID || !known)
                    fail_msg("%s\n%.*s", error.text, BYTES_ARG(buffer_view(&record)));
                refused++;
            }
        }
        map_destroy(map);
    }
    assert_true(taken > 1000);
    assert_in_range(refused, 1, taken / 15);
    json_tape_finish(&plan);
    buffer_free(&odd_text);
    buffer_free(&record);
    buffer_free(&out);
}

static void
tallystick_takes_entries_back(void **state)
{
    (void)state;
    struct map *map = standard("tallystick");
    struct buffer out = { 0 };
    struct tally_error error;
    assert_true(map_copies(map));
    assert_int_equal(
        map_apply(
            map, &tape,
            bytes_text("{\"index\":3,\"trail\":\"main\",\"v\":1,\"id\":\"k-1\",\"action\":\"a.b\","
                       "\"received\":\"2026-01-02T03:04:05Z\",\"writer\":\"w\",\"leaf\":\"x\","
                       "\"private\":\"y\",\"erased\":true,\"details\":{\"index\":1,\"n\":1.10},"
                       "\"user_id\":null}"),
            MAP_ID_SOURCE, &out, &error),
        TALLY_OK);
    assert_true(bytes_is(buffer_view(&out),
                         "{\"id\":\"k-1\",\"action\":\"a.b\",\"details\":{\"index\":1,"
                         "\"n\":1.10},\"user_id\":null}"));
    assert_int_equal(map_apply(map, &tape,
                               bytes_text("{\"id\":\"k\",\"control\":{\"type\":\"created\"}}"),
                               MAP_ID_SOURCE, &out, &error),
                     TALLY_ABSENT);
    map_destroy(map);
    buffer_free(&out);
}

/* ---- the products' own records ---- */

struct totals {
    bool nobodys; /* records may tell of no user */
    unsigned records;
    unsigned mapped;
    unsigned skipped;
    unsigned refused;
    unsigned damaged;
    char last_refusal[512];
};

/* The event must keep the record: its details are the record in canonical form. */
static void
check_details(struct bytes record, const struct event *event)
{
    struct buffer canonical = { 0 };
    assert_int_equal(json_scan(&tape, record, NULL), TALLY_OK);
    json_canonical(&tape, 0, &canonical);
    assert_true(bytes_equal(buffer_view(&canonical), event->values[FIELD_DETAILS]));
    buffer_free(&canonical);
}

static void
take_record(const struct map *map, const struct record *record, struct buffer *out,
            struct totals *totals)
{
    struct event event;
    struct tally_error error;
    tally_status status = read_record(map, record->text, out, &event, &error);
    totals->records++;
    totals->mapped += status == TALLY_OK;
    totals->skipped += status == TALLY_ABSENT;
    totals->refused += status == TALLY_INVALID;
    if (status == TALLY_INVALID)
        (void)snprintf(totals->last_refusal, sizeof totals->last_refusal, "%s", error.text);
    if (status != TALLY_OK)
        return;
    assert_true(event.values[FIELD_ACTION].size > 0);
    assert_true(event.values[FIELD_USER_ID].size > 0 || totals->nobodys);
    check_details(record->text, &event);
}

/* Reads a file, compressed or not, below the folder of shared data. False where it is not there. */
static bool
take_file(const char *map_name, const char *name, struct totals *totals)
{
    const char *shared = getenv("TALLY_SHARED");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/data/%s", shared == NULL ? "../shared" : shared, name);
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return false;

    struct map *map = standard(map_name);
    totals->nobodys = strcmp(map_name, "windows") == 0 || strcmp(map_name, "gcp") == 0;
    struct records *records;
    struct buffer out = { 0 };
    struct tally_error error;
    static uint8_t chunk[100000];
    assert_int_equal(records_create(&records, &error), TALLY_OK);
    int size;
    do {
        size = gzread(file, chunk, sizeof chunk);
        if (size > 0)
            assert_int_equal(records_feed(records, bytes_of(chunk, (size_t)size), &error),
                             TALLY_OK);
        else
            records_end(records);
        struct record record;
        tally_status status;
        while ((status = records_next(records, &record, &error)) != TALLY_ABSENT) {
            totals->damaged += status == TALLY_INVALID;
            if (status == TALLY_OK)
                take_record(map, &record, &out, totals);
        }
    } while (size > 0);
    assert_int_equal(size, 0);

    (void)gzclose(file);
    records_destroy(records);
    map_destroy(map);
    buffer_free(&out);
    return true;
}

static void
expect_all_mapped(const char *map_name, const char *name, unsigned count)
{
    struct totals totals = { 0 };
    if (!take_file(map_name, name, &totals)) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", name);
        return; /* not skip(): that is "not ok" in cmocka's TAP */
    }
    if (totals.mapped != count || totals.records != count || totals.damaged != 0)
        fail_msg("%s: %u records, %u mapped, %u damaged; %s", name, totals.records, totals.mapped,
                 totals.damaged, totals.last_refusal);
}

static void
all_of_cloudtrail_invictus(void **state)
{
    (void)state;
    expect_all_mapped("cloudtrail", "cloudtrail-invictus/events.jsonl.gz", 2900);
}

static void
all_of_cloudtrail_stratus(void **state)
{
    (void)state;
    expect_all_mapped("cloudtrail", "cloudtrail-stratus/events.jsonl.gz", 310);
}

static void
all_of_kubernetes_audit(void **state)
{
    (void)state;
    expect_all_mapped("kubernetes", "k8s-audit/audit2rbac-testdata/demo.log", 37);
}

static void
all_of_kubernetes_admission(void **state)
{
    (void)state;
    expect_all_mapped("kubernetes", "k8s-audit/kube-audit-rest/kube-audit-rest.log", 59);
}

static void
all_of_windows(void **state)
{
    (void)state;
    expect_all_mapped("windows", "windows-otrf/security-sample.jsonl.gz", 3741);
}

/* Ten of the twelve fixtures are audit records; the other two are refused for what they are. */
static void
all_of_gcp(void **state)
{
    (void)state;
    static const char *const audit[] = {
        "google.admin.AdminService.addGroupMember",
        "google.cloud.aiplatform.v1.PredictionService.Predict",
        "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent",
        "google.cloud.audit.AuditLog.GetProject",
        "google.cloud.audit.AuditLog.setIamPolicy",
        "google.iam.admin.v1.SetIamPolicy-keyAdmin",
        "google.iam.admin.v1.SetIamPolicy-tokenCreator",
        "google.login.LoginService.loginFailure",
        "google.login.LoginService.loginSuccess-isSuspicious",
        "google.storage.objects.get-notInSameVPC",
    };
    static const char *const other[] = {
        "google.cloud.loadbalancing.type.LoadBalancerLogEntry-Spring4Shell",
        "google.compute.googleapis.com.vpc_flows",
    };
    char path[256];
    for (size_t i = 0; i < sizeof audit / sizeof audit[0]; i++) {
        (void)snprintf(path, sizeof path, "gcp-audit/fixtures/%s.json", audit[i]);
        expect_all_mapped("gcp", path, 1);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct totals totals = { 0 };
        (void)snprintf(path, sizeof path, "gcp-audit/fixtures/%s.json", other[i]);
        if (!take_file("gcp", path, &totals))
            return;
        assert_int_equal(totals.refused, 1);
        assert_non_null(strstr(totals.last_refusal, "which requires: protoPayload"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_maps_are_there),
        cmocka_unit_test(samples_become_these_events),
        cmocka_unit_test(odd_values_cost_no_record),
        cmocka_unit_test(tallystick_takes_entries_back),
        cmocka_unit_test(all_of_cloudtrail_invictus),
        cmocka_unit_test(all_of_cloudtrail_stratus),
        cmocka_unit_test(all_of_kubernetes_audit),
        cmocka_unit_test(all_of_kubernetes_admission),
        cmocka_unit_test(all_of_windows),
        cmocka_unit_test(all_of_gcp),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
