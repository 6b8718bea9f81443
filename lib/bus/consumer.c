/* The way in. Where to begin is not Kafka's business here: on assignment the owner is asked, who knows it from the
 * transaction that held the effects. What the broker has is compared with that first: a broker that lost messages, or
 * was replaced behind our back, must stop us, because skipping over the gap would lose money without a sound.
 *
 * Eager rebalancing: an assignment is all of this member's partitions, and is taken away whole. Between getting one and
 * knowing where to begin, the consumer waits, with nothing assigned in librdkafka's eyes, and asks again at later
 * polls. */
#include "base/assert.h"
#include "base/log.h"
#include "bus/bus.h"
#include "bus/client.h"

enum {
  MORE_WAIT_MS = 3,          /* for a fuller batch */
  ASK_AGAIN_MS = 200,        /* after the owner, or the broker, could not say where to begin */
  BROKER_QUESTION_MS = 2000, /* to wait for one answer */
  LOOK_AFTER_EVERY_MS = 1000,
  ASK_FOR_MORE_MESSAGES = 500, /* an eighth of what is fetched ahead: each full batch */
  ASK_FOR_MORE_BYTES = 512 * 1024,
  CLOSE_WAIT_MS = 2000,
  HEARTBEATS = 6, /* in a session: all but one may be lost */
};

enum assignment {
  UNASSIGNED, /* no member of the group yet, or no more */
  WAITING,    /* partitions are ours, but where to begin is not known yet */
  ASSIGNED,
};

struct bus_consumer {
  rd_kafka_t *client;
  struct bus_consumer_options options; /* topics: a copy of its own */
  enum topic *topics;
  char *cluster_id; /* NULL until known */

  enum assignment assignment;
  struct bus_position *positions; /* of the partitions that are ours: up to where all is done, once ASSIGNED */
  int64_t *told;                  /* of the same partitions: what of that Kafka knows; -1 for nothing */
  size_t position_count;
  size_t last_found; /* messages come in runs of one partition */
  struct mono asked_at;
  struct mono looked_after_at;
  bool is_committing;
  size_t taken_messages, taken_bytes; /* from what was fetched ahead, since more was asked for */

  struct error trouble; /* passing; told by the next poll that has no messages */
  struct error failure; /* for good */
  bool has_lost_partitions;
  bool is_closing;
};

/* Either kind of error is remembered here, because librdkafka tells them in callbacks. What trying again cannot mend is
 * told to the owner as a bug from then on. */
static void remember(struct bus_consumer *consumer, const struct error *err) {
  bool is_passing = error_verdict(err->code) == VERDICT_RETRY;
  struct error *place = is_passing ? &consumer->trouble : &consumer->failure;
  if (place->code != RC_OK) return;
  *place = *err;
  if (!is_passing) place->code = RC_BUG;
}

/* ---- positions ---- */

/* The static name of a topic in the table, so that messages need no copy of it; NULL when we did not subscribe to it.
 */
static const char *known_topic(const struct bus_consumer *consumer, const char *name) {
  for (size_t i = 0; i < consumer->options.topic_count; i++)
    if (strcmp(topic_name(consumer->topics[i]), name) == 0) return topic_name(consumer->topics[i]);
  return NULL;
}

static bool is_at(const struct bus_position *position, const char *topic, int32_t partition) {
  return position->partition == partition && strcmp(position->topic, topic) == 0;
}

/* NULL when the partition is not ours. */
static struct bus_position *find_position(struct bus_consumer *consumer, const char *topic, int32_t partition) {
  if (consumer->assignment != ASSIGNED) return NULL;
  for (size_t i = 0; i < consumer->position_count; i++) {
    size_t at = (consumer->last_found + i) % consumer->position_count;
    if (!is_at(&consumer->positions[at], topic, partition)) continue;
    consumer->last_found = at;
    return &consumer->positions[at];
  }
  return NULL;
}

static void forget_positions(struct bus_consumer *consumer) {
  free(consumer->positions);
  free(consumer->told);
  consumer->positions = NULL;
  consumer->told = NULL;
  consumer->position_count = 0;
  consumer->last_found = 0;
}

static void remember_partitions(struct bus_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions) {
  forget_positions(consumer);
  size_t most = (size_t)partitions->cnt + 1;
  consumer->positions = calloc(most, sizeof *consumer->positions);
  consumer->told = calloc(most, sizeof *consumer->told);
  ASSERT(consumer->positions != NULL && consumer->told != NULL);
  for (int i = 0; i < partitions->cnt; i++) {
    const char *topic = known_topic(consumer, partitions->elems[i].topic);
    if (topic == NULL) continue;
    consumer->positions[consumer->position_count++] =
        (struct bus_position){.topic = topic, .partition = partitions->elems[i].partition, .offset = -1};
  }
}

static rd_kafka_topic_partition_list_t *list_of(const struct bus_position *positions, size_t count) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
  for (size_t i = 0; i < count; i++)
    rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition)->offset = positions[i].offset;
  return list;
}

/* ---- what Kafka's own tools are told ---- */

/* One at a time, and not more than one in a second: commits whose coordinator is away pile up in librdkafka, which then
 * does not close before each of them is answered. */
static void on_committed(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets,
                         void *opaque) {
  (void)client;
  (void)offsets;
  struct bus_consumer *consumer = opaque;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) LOG(LOG_DEBUG, "bus.commit", LOG_TEXT("failed", rd_kafka_err2name(code)));
  consumer->is_committing = false;
}

static rd_kafka_topic_partition_list_t *take_untold(struct bus_consumer *consumer) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)consumer->position_count);
  for (size_t i = 0; i < consumer->position_count; i++) {
    const struct bus_position *position = &consumer->positions[i];
    if (consumer->told[i] == position->offset) continue;
    rd_kafka_topic_partition_list_add(list, position->topic, position->partition)->offset = position->offset;
    consumer->told[i] = position->offset;
  }
  return list;
}

static void commit_now(struct bus_consumer *consumer) {
  if (consumer->assignment != ASSIGNED || consumer->is_committing) return;
  rd_kafka_topic_partition_list_t *list = take_untold(consumer);
  if (list->cnt > 0) consumer->is_committing = rd_kafka_commit(consumer->client, list, 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_topic_partition_list_destroy(list);
}

/* ---- where to begin ---- */

/* Offsets mean something in one cluster only. Another one behind the same address is a new start: the process's. */
static enum rc check_cluster(struct bus_consumer *consumer, int wait_ms, struct error *err) {
  char *id = rd_kafka_clusterid(consumer->client, wait_ms);
  if (id == NULL) return error_set(err, RC_BROKER_UNAVAILABLE, "the broker did not say which cluster it is");
  if (consumer->cluster_id == NULL) consumer->cluster_id = strdup(id);
  ASSERT(consumer->cluster_id != NULL);
  bool is_same = strcmp(id, consumer->cluster_id) == 0;
  if (!is_same) (void)error_set(err, RC_BUG, "the broker was cluster %s and is %s now", consumer->cluster_id, id);
  rd_kafka_mem_free(consumer->client, id);
  return is_same ? RC_OK : RC_BUG;
}

/* Turns "the beginning" into an offset, and refuses one that the broker does not have. */
static enum rc check_position(struct bus_consumer *consumer, struct bus_position *position, struct error *err) {
  int64_t low, high;
  rd_kafka_resp_err_t failed = rd_kafka_query_watermark_offsets(consumer->client, position->topic, position->partition,
                                                                &low, &high, BROKER_QUESTION_MS);
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
    return error_set(err, RC_BROKER_UNAVAILABLE, "topic %s partition %d: no offsets from the broker: %s",
                     position->topic, position->partition, rd_kafka_err2str(failed));
  if (position->offset < 0) position->offset = low;
  if (position->offset >= low && position->offset <= high) return RC_OK;
  return error_set(err, RC_BUG,
                   "topic %s partition %d: stored offset %lld, but the broker has %lld to %lld: refuse to skip",
                   position->topic, position->partition, (long long)position->offset, (long long)low, (long long)high);
}

static enum rc find_start(struct bus_consumer *consumer, struct error *err) {
  TRY(check_cluster(consumer, BROKER_QUESTION_MS, err));
  for (size_t i = 0; i < consumer->position_count; i++) consumer->positions[i].offset = -1;
  if (consumer->position_count > 0)
    TRY(consumer->options.start_at(consumer->options.context, consumer->cluster_id, consumer->positions,
                                   consumer->position_count, err));
  for (size_t i = 0; i < consumer->position_count; i++) TRY(check_position(consumer, &consumer->positions[i], err));
  return RC_OK;
}

static enum rc assign(struct bus_consumer *consumer, const struct bus_position *positions, size_t count,
                      struct error *err) {
  rd_kafka_topic_partition_list_t *list = list_of(positions, count);
  rd_kafka_resp_err_t failed = rd_kafka_assign(consumer->client, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return RC_OK;
  return error_set(err, client_rc(failed), "cannot take partitions: %s", rd_kafka_err2str(failed));
}

/* Begins to fetch, or waits with nothing assigned. */
static enum rc try_to_begin(struct bus_consumer *consumer, struct error *err) {
  consumer->asked_at = mono_now();
  TRY(find_start(consumer, err));
  TRY(assign(consumer, consumer->positions, consumer->position_count, err));
  for (size_t i = 0; i < consumer->position_count; i++) consumer->told[i] = -1;
  consumer->assignment = ASSIGNED;
  return RC_OK;
}

static void begin_or_wait(struct bus_consumer *consumer) {
  struct error err;
  if (try_to_begin(consumer, &err) != RC_OK) remember(consumer, &err);
}

/* The partitions stay ours, but nothing is fetched until the owner has said anew where to begin. */
static void wait_for_start(struct bus_consumer *consumer) {
  struct error err;
  consumer->assignment = WAITING;
  if (assign(consumer, NULL, 0, &err) != RC_OK) remember(consumer, &err);
}

/* ---- rebalance and errors, told by librdkafka within a poll ---- */

static void take_partitions(struct bus_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions) {
  remember_partitions(consumer, partitions);
  wait_for_start(consumer);
  begin_or_wait(consumer);
}

static void give_up_partitions(struct bus_consumer *consumer) {
  commit_now(consumer);
  forget_positions(consumer);
  consumer->assignment = UNASSIGNED;
  consumer->has_lost_partitions = true;
  rd_kafka_assign(consumer->client, NULL);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque) {
  (void)client;
  struct bus_consumer *consumer = opaque;
  bool is_assignment = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !consumer->is_closing;
  LOG(LOG_DEBUG, "bus.rebalance", LOG_TEXT("what", rd_kafka_err2name(code)), LOG_INT("partitions", partitions->cnt));
  if (is_assignment) {
    take_partitions(consumer, partitions);
  } else {
    give_up_partitions(consumer);
  }
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
  (void)client;
  struct bus_consumer *consumer = opaque;
  LOG(LOG_DEBUG, "bus.error", LOG_TEXT("what", rd_kafka_err2name((rd_kafka_resp_err_t)code)),
      LOG_TEXT("reason", reason));
  bool is_worth_telling = code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  if (!is_worth_telling) return;
  struct error err;
  (void)error_set(&err, client_rc((rd_kafka_resp_err_t)code), "%s", reason);
  remember(consumer, &err);
}

/* An error that comes in a message's place. */
static void note_error(struct bus_consumer *consumer, const rd_kafka_message_t *message) {
  struct error err;
  if (message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) return; /* out of the group; this poll joins again */
  const char *topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
  (void)error_set(&err, client_rc(message->err), "topic %s partition %d: %s%s", topic, message->partition,
                  rd_kafka_message_errstr(message),
                  message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ? ": refuse to skip" : "");
  remember(consumer, &err);
}

/* ---- life ---- */

static enum rc subscribe(struct bus_consumer *consumer, struct error *err) {
  rd_kafka_poll_set_consumer(consumer->client);
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)consumer->options.topic_count);
  for (size_t i = 0; i < consumer->options.topic_count; i++)
    rd_kafka_topic_partition_list_add(topics, topic_name(consumer->topics[i]), RD_KAFKA_PARTITION_UA);
  rd_kafka_resp_err_t failed = rd_kafka_subscribe(consumer->client, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return RC_OK;
  return error_set(err, RC_BUG, "cannot subscribe: %s", rd_kafka_err2str(failed));
}

static struct bus_consumer *consumer_alloc(const struct bus_consumer_options *options) {
  struct bus_consumer *consumer = calloc(1, sizeof *consumer);
  ASSERT(consumer != NULL);
  consumer->options = *options;
  consumer->topics = calloc(options->topic_count + 1, sizeof *consumer->topics);
  ASSERT(consumer->topics != NULL);
  memcpy(consumer->topics, options->topics, options->topic_count * sizeof *consumer->topics);
  return consumer;
}

enum rc bus_consumer_new(const struct bus_consumer_options *options, struct bus_consumer **ret_consumer,
                         struct error *err) {
  char session[16], heartbeat[16];
  (void)snprintf(session, sizeof session, "%d", options->session_timeout_ms);
  (void)snprintf(heartbeat, sizeof heartbeat, "%d", options->session_timeout_ms / HEARTBEATS);
  const struct client_setting settings[] = {
      {"group.id", options->group},
      {"partition.assignment.strategy", "roundrobin"},
      {"session.timeout.ms", session},
      {"heartbeat.interval.ms", heartbeat},
      {"max.poll.interval.ms", "300000"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"check.crcs", "true"},
      {"fetch.min.bytes", "1"}, /* the broker answers as soon as there is anything */
      {"fetch.wait.max.ms", "250"},
      {"fetch.error.backoff.ms", "200"},
      {"fetch.message.max.bytes", CLIENT_MESSAGE_MAX_TEXT},
      {"fetch.max.bytes", "2097152"},
      {"queued.min.messages", "4000"}, /* some batches, as far as the kilobytes go: more is memory, and no quicker */
      {"queued.max.messages.kbytes", "2048"},
      {NULL, NULL},
  };
  ASSERT(options->start_at != NULL && options->topic_count > 0);
  rd_kafka_conf_t *conf;
  TRY(client_conf_new(options->brokers, options->client_id, settings, &conf, err));
  struct bus_consumer *consumer = consumer_alloc(options);
  rd_kafka_conf_set_opaque(conf, consumer);
  rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_offset_commit_cb(conf, on_committed);
  enum rc rc = client_new(RD_KAFKA_CONSUMER, conf, &consumer->client, err);
  if (rc == RC_OK) rc = subscribe(consumer, err);
  if (rc != RC_OK) {
    bus_consumer_free(consumer);
    return rc;
  }
  *ret_consumer = consumer;
  return RC_OK;
}

/* Leaves the group; without a broker that answers, no longer than CLOSE_WAIT_MS, where rd_kafka_consumer_close would
 * wait for ever. The group finds out by itself then. What was fetched ahead comes out of the same queue as the
 * rebalance. */
static void leave(struct bus_consumer *consumer) {
  rd_kafka_queue_t *events = rd_kafka_queue_new(consumer->client);
  rd_kafka_error_destroy(rd_kafka_consumer_close_queue(consumer->client, events));
  struct mono start = mono_now();
  while (!rd_kafka_consumer_closed(consumer->client) && mono_ms_since(start) < CLOSE_WAIT_MS) {
    rd_kafka_message_t *fetched = rd_kafka_consume_queue(events, 50);
    if (fetched != NULL) rd_kafka_message_destroy(fetched);
  }
  rd_kafka_queue_destroy(events);
  client_destroy(consumer->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void bus_consumer_free(struct bus_consumer *consumer) {
  if (consumer == NULL) return;
  consumer->is_closing = true;
  if (consumer->client != NULL) leave(consumer);
  forget_positions(consumer);
  free(consumer->cluster_id);
  free(consumer->topics);
  free(consumer);
}

/* ---- copying messages ---- */

struct batch {
  struct arena *arena;
  struct message *messages;
  size_t count, max;
  size_t bytes;
};

/* A text of the sender's, made safe to be kept as text; the first flaw of a message is the one that counts. */
static const char *copy_text(struct batch *batch, struct message *message, const char *name, const char *bytes,
                             size_t length, size_t most) {
  const char *fault = NULL;
  if (length > most) {
    fault = "is too long";
    length = most;
  } else if (!client_is_text(bytes, length)) {
    fault = "is not UTF-8";
  }
  char *text = arena_strndup(batch->arena, bytes, length);
  if (fault == NULL) return text;
  for (size_t i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~') text[i] = '?';
  if (message->flaw == NULL) message->flaw = arena_printf(batch->arena, "%s %s", name, fault);
  return text;
}

/* HEADER_COUNT for a header that is not ours. */
static enum header header_of(const char *name) {
  enum header header = 0;
  while (header < HEADER_COUNT && strcmp(header_name(header), name) != 0) header++;
  return header;
}

static void copy_header(struct batch *batch, struct message *message, const char *name, const char *bytes,
                        size_t length) {
  enum header header = header_of(name);
  if (header == HEADER_COUNT || bytes == NULL) return;
  if (message->headers[header] != NULL) {
    if (message->flaw == NULL) message->flaw = arena_printf(batch->arena, "%s is given twice", header_name(header));
    return;
  }
  message->headers[header] = copy_text(batch, message, header_name(header), bytes, length, MESSAGE_HEADER_MAX);
  batch->bytes += strlen(message->headers[header]);
}

static void copy_headers(struct batch *batch, struct message *message, const rd_kafka_message_t *from) {
  rd_kafka_headers_t *headers;
  if (rd_kafka_message_headers(from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char *name;
  const void *bytes;
  size_t length;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &bytes, &length) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
    copy_header(batch, message, name, bytes, length);
}

static void copy_message(struct batch *batch, const char *topic, const rd_kafka_message_t *from) {
  if (batch->messages == NULL) batch->messages = ARENA_ARRAY(batch->arena, struct message, batch->max);
  struct message *message = &batch->messages[batch->count++];
  *message = (struct message){.topic = topic, .partition = from->partition, .offset = from->offset};
  message->key = from->key == NULL ? "" : copy_text(batch, message, "key", from->key, from->key_len, MESSAGE_KEY_MAX);
  message->value = from->len == 0 ? "" : arena_strndup(batch->arena, from->payload, from->len);
  message->value_length = from->len;
  batch->bytes += from->len;
  copy_headers(batch, message, from);
}

/* ---- polling ---- */

/* What a rebalance within this poll took away is not returned; whoever has it now begins where the owner says. */
static void drop_lost(struct bus_consumer *consumer, struct batch *batch) {
  if (consumer->has_lost_partitions) batch->count = 0;
  consumer->has_lost_partitions = false;
}

static void receive(struct bus_consumer *consumer, struct batch *batch, const rd_kafka_message_t *from) {
  if (from->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    note_error(consumer, from);
    return;
  }
  const struct bus_position *position = find_position(consumer, rd_kafka_topic_name(from->rkt), from->partition);
  if (position == NULL) return;
  copy_message(batch, position->topic, from);
}

/* The first is waited for, the rest are what is there. */
static void fill_batch(struct bus_consumer *consumer, struct batch *batch, int timeout_ms) {
  struct mono more_since = mono_now();
  int wait_ms = timeout_ms;
  while (batch->count < batch->max && batch->bytes < BUS_BATCH_BYTES_MAX) {
    rd_kafka_message_t *from = rd_kafka_consumer_poll(consumer->client, wait_ms);
    drop_lost(consumer, batch);
    if (from == NULL) return;
    receive(consumer, batch, from);
    rd_kafka_message_destroy(from);
    if (wait_ms > 0) more_since = mono_now();
    wait_ms = 0;
    if (mono_ms_since(more_since) >= MORE_WAIT_MS) return;
  }
}

/* librdkafka looks only once in a second whether there is room again for what it fetches ahead, unless something is to
 * be sent to the broker (its issue 2879; fetch.queue.backoff.ms is not in 2.0). So something is: a question to each
 * leader whose answer nobody waits for. */
static void ask_for_more(struct bus_consumer *consumer, const struct batch *batch) {
  consumer->taken_messages += batch->count;
  consumer->taken_bytes += batch->bytes;
  if (consumer->taken_messages < ASK_FOR_MORE_MESSAGES && consumer->taken_bytes < ASK_FOR_MORE_BYTES) return;
  consumer->taken_messages = consumer->taken_bytes = 0;
  if (consumer->assignment != ASSIGNED) return;
  rd_kafka_topic_partition_list_t *list = list_of(consumer->positions, consumer->position_count);
  for (int i = 0; i < list->cnt; i++) list->elems[i].offset = RD_KAFKA_OFFSET_END;
  (void)rd_kafka_offsets_for_times(consumer->client, list, 0);
  rd_kafka_topic_partition_list_destroy(list);
}

/* What is not worth doing at each poll. */
static void look_after(struct bus_consumer *consumer) {
  if (mono_ms_since(consumer->looked_after_at) < LOOK_AFTER_EVERY_MS) return;
  consumer->looked_after_at = mono_now();
  commit_now(consumer);
  struct error err;
  if (consumer->cluster_id != NULL && check_cluster(consumer, 0, &err) == RC_BUG) remember(consumer, &err);
}

static enum rc tell(const struct error *what, struct error *err) {
  *err = *what;
  return what->code;
}

enum rc bus_poll(struct bus_consumer *consumer, struct arena *arena, size_t max, int timeout_ms,
                 struct message **ret_messages, size_t *ret_count, struct error *err) {
  if (consumer->failure.code != RC_OK) return tell(&consumer->failure, err);
  consumer->trouble.code = RC_OK;
  if (consumer->assignment == WAITING && mono_ms_since(consumer->asked_at) >= ASK_AGAIN_MS) begin_or_wait(consumer);
  look_after(consumer);
  struct batch batch = {.arena = arena, .max = max};
  if (consumer->failure.code == RC_OK) fill_batch(consumer, &batch, timeout_ms);
  ask_for_more(consumer, &batch);
  if (batch.count == 0 && consumer->failure.code != RC_OK) return tell(&consumer->failure, err);
  if (batch.count == 0 && consumer->trouble.code != RC_OK) return tell(&consumer->trouble, err);
  *ret_messages = batch.messages;
  *ret_count = batch.count;
  return RC_OK;
}

/* ---- progress ---- */

void bus_commit(struct bus_consumer *consumer, const struct bus_position *positions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct bus_position *own = find_position(consumer, positions[i].topic, positions[i].partition);
    if (own != NULL && positions[i].offset > own->offset) own->offset = positions[i].offset;
  }
}

bool bus_consumer_is_assigned(struct bus_consumer *consumer) {
  return consumer->assignment == ASSIGNED;
}

int64_t bus_consumer_lag(struct bus_consumer *consumer) {
  int64_t lag = 0;
  if (consumer->assignment != ASSIGNED) return 0;
  for (size_t i = 0; i < consumer->position_count; i++) {
    const struct bus_position *position = &consumer->positions[i];
    int64_t low, high;
    rd_kafka_resp_err_t failed =
        rd_kafka_get_watermark_offsets(consumer->client, position->topic, position->partition, &low, &high);
    if (failed == RD_KAFKA_RESP_ERR_NO_ERROR && high > position->offset) lag += high - position->offset;
  }
  return lag;
}

const char *bus_consumer_cluster_id(struct bus_consumer *consumer) {
  return consumer->cluster_id == NULL ? "" : consumer->cluster_id;
}
