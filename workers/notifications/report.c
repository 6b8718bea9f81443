/* notification.sent and notification.failed: ids and a reason, no name and no address. */
#include "report.h"

#include "base/json_text.h"
#include "base/log.h"

enum { EVENT_MAX_BYTES = 8 * 1024 };

static void write_value(const struct report *report, const char *id, struct arena *arena, struct buf *out) {
  struct json_writer writer;
  json_writer_init(&writer, out);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "notificationId", id);
  json_put_string(&writer, "template", report->template);
  json_put_string(&writer, "customerId", db_uuid(arena, &report->customer));
  json_put_string(&writer, "eventId", db_uuid(arena, &report->event_id));
  if (report->reason) json_put_string(&writer, "reason", report->reason);
  json_put_int(&writer, "version", report->version);
  json_put_end(&writer);
}

void report_emit(struct work *work, const struct report *report) {
  const char *type = report->reason ? "notification.failed" : "notification.sent";
  const char *id = db_uuid(work->arena, &report->id);
  struct buf CLEANUP(buf_release) value = {0};
  buf_init(&value, EVENT_MAX_BYTES);
  write_value(report, id, work->arena, &value);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id),
                                .tenant = report->tenant,
                                .subject = id,
                                .key = db_uuid(work->arena, &report->customer),
                                .json = buf_text(&value)});
  if (report->reason)
    LOG(report->is_dropped ? LOG_INFO : LOG_WARN, report->is_dropped ? "mail.dropped" : "mail.failed",
        LOG_TEXT("notification", id), LOG_TEXT("template", report->template), LOG_TEXT("reason", report->reason));
}
