/* accept() of the process: the executable's own comes before libc's when a library calls it. Other listeners (the
 * internal port) pass. */
#include "doorman.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"
#include "runtime/metrics.h"

struct guest {
  char address[INET_ADDRSTRLEN];
  uint16_t port;
  int fd;
};

static struct {
  pthread_mutex_t lock;
  struct guest guests[DOORMAN_CONNECTIONS_MAX];
  size_t count;
  _Atomic uint16_t port; /* 0: nobody is guarded */
  int64_t per_address;
  const char *trusted;
} doorman = {.lock = PTHREAD_MUTEX_INITIALIZER};

void doorman_start(uint16_t port, int64_t per_address, const char *trusted) {
  pthread_mutex_lock(&doorman.lock);
  doorman.port = port;
  doorman.per_address = per_address;
  doorman.trusted = trusted;
  doorman.count = 0;
  pthread_mutex_unlock(&doorman.lock);
}

static struct guest *find(const char *address, int port) {
  for (size_t i = 0; i < doorman.count; i++)
    if (doorman.guests[i].port == port && strcmp(doorman.guests[i].address, address) == 0) return &doorman.guests[i];
  return NULL;
}

static bool has_room(const char *address) {
  int64_t open = 0;
  if (doorman.count == DOORMAN_CONNECTIONS_MAX) return false;
  if (doorman.per_address == 0 || address_is_trusted(address, doorman.trusted)) return true;
  for (size_t i = 0; i < doorman.count; i++) open += strcmp(doorman.guests[i].address, address) == 0;
  return open < doorman.per_address;
}

static bool admit(const struct guest *guest) {
  pthread_mutex_lock(&doorman.lock);
  bool is_in = has_room(guest->address);
  if (is_in) doorman.guests[doorman.count++] = *guest;
  pthread_mutex_unlock(&doorman.lock);
  return is_in;
}

void doorman_leave(const char *address, int port) {
  pthread_mutex_lock(&doorman.lock);
  struct guest *guest = find(address, port);
  if (guest) *guest = doorman.guests[--doorman.count];
  pthread_mutex_unlock(&doorman.lock);
}

static void tell(int fd, const char *text) {
  (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void doorman_tell(const char *address, int port, const char *text) {
  pthread_mutex_lock(&doorman.lock);
  const struct guest *guest = find(address, port);
  if (guest) tell(guest->fd, text);
  pthread_mutex_unlock(&doorman.lock);
}

static uint16_t port_of(int fd) {
  struct sockaddr_in own = {0};
  socklen_t length = sizeof own;
  if (getsockname(fd, (struct sockaddr *)&own, &length) != 0 || own.sin_family != AF_INET) return 0;
  return ntohs(own.sin_port);
}

/* Is it a guest of the guarded listener's? */
static bool identify(int fd, struct guest *ret_guest) {
  struct sockaddr_in peer = {0};
  socklen_t length = sizeof peer;
  uint16_t port = port_of(fd);
  if (port == 0 || port != doorman.port) return false;
  if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) return false;
  *ret_guest = (struct guest){.port = ntohs(peer.sin_port), .fd = fd};
  return inet_ntop(AF_INET, &peer.sin_addr, ret_guest->address, sizeof ret_guest->address) != NULL;
}

static const char BUSY[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 107\r\n"
    "Retry-After: 2\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    "{\"success\":false,\"error\":{\"code\":\"SERVICE_UNAVAILABLE\",\"message\":\"too many connections from this "
    "address\"}}";

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc has __fd and the like */
int accept(int listener, __SOCKADDR_ARG address, socklen_t *restrict length) {
  struct guest guest;
  int fd = accept4(listener, address, length, 0);
  if (fd < 0 || !identify(fd, &guest) || admit(&guest)) return fd;
  metric_add("http_connections_refused_total", "", 1);
  tell(fd, BUSY);
  close(fd);
  errno = ECONNABORTED; /* as if the peer had gone: the listener goes on */
  return -1;
}
