// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program (glibc), counts the bytes that it holds from malloc: cc -shared -fPIC -O2 live_bytes.c -o live_bytes.so
//
//   TENON_LIVE_BYTES=FILE     two 64-bit numbers for others to map: bytes held, and allocations made
//   TENON_PLANTED_LEAK=N      forgets N bytes whenever a socket receives the beginning of an HTTP request, for a test of the test
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

struct counters {
  atomic_llong bytes;
  atomic_llong allocations;
};
static struct counters own;
static struct counters* counted = &own;
static size_t planted;

static void* took(void* memory) {
  if (memory) {
    atomic_fetch_add_explicit(&counted->bytes, (long long)malloc_usable_size(memory), memory_order_relaxed);
    atomic_fetch_add_explicit(&counted->allocations, 1, memory_order_relaxed);
  }
  return memory;
}

static void gave(void* memory) {
  if (memory) atomic_fetch_sub_explicit(&counted->bytes, (long long)malloc_usable_size(memory), memory_order_relaxed);
}

void* malloc(size_t size) { return took(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return took(__libc_calloc(count, size)); }
void* memalign(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }

int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = took(__libc_memalign(alignment, size));
  return *out ? 0 : ENOMEM;
}

void* realloc(void* memory, size_t size) {
  long long const before = memory ? (long long)malloc_usable_size(memory) : 0;
  void* const moved = __libc_realloc(memory, size);
  if (!moved && size != 0) return moved;  // then the old block stands
  atomic_fetch_sub_explicit(&counted->bytes, before, memory_order_relaxed);
  return took(moved);
}

void free(void* memory) {
  gave(memory);
  __libc_free(memory);
}

static void leak_for(void const* bytes, ssize_t length) {
  if (planted && length > 4 && (memcmp(bytes, "GET ", 4) == 0 || memcmp(bytes, "POST", 4) == 0)) {
    void* volatile forgotten = malloc(planted);
    (void)forgotten;
  }
}

ssize_t recvmsg(int socket, struct msghdr* message, int flags) {
  static ssize_t (*next)(int, struct msghdr*, int);
  if (!next) next = (ssize_t(*)(int, struct msghdr*, int))dlsym(RTLD_NEXT, "recvmsg");
  ssize_t const length = next(socket, message, flags);
  if (length > 0 && !(flags & MSG_PEEK)) leak_for(message->msg_iov[0].iov_base, length);
  return length;
}

ssize_t recv(int socket, void* bytes, size_t size, int flags) {
  static ssize_t (*next)(int, void*, size_t, int);
  if (!next) next = (ssize_t(*)(int, void*, size_t, int))dlsym(RTLD_NEXT, "recv");
  ssize_t const length = next(socket, bytes, size, flags);
  if (length > 0 && !(flags & MSG_PEEK)) leak_for(bytes, length);
  return length;
}

__attribute__((constructor)) static void begin(void) {
  char const* const name = getenv("TENON_LIVE_BYTES");
  if (getenv("TENON_PLANTED_LEAK")) planted = (size_t)atol(getenv("TENON_PLANTED_LEAK"));
  if (!name) return;
  int const file = open(name, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(struct counters)) != 0) return;
  void* const shared = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) return;
  struct counters* const published = shared;
  atomic_store(&published->bytes, atomic_load(&own.bytes));
  atomic_store(&published->allocations, atomic_load(&own.allocations));
  counted = published;
}
