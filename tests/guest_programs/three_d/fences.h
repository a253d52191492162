// Fences and timelines: execbuffer with ring indexes, and fences in and out.
#pragma once

#include "contexts.h"
#include "resources.h"

enum { POLL_IN = 1, PATIENCE_MILLISECONDS = 10000, EVENT_RING = 5 };
#define EVENT_FENCE_SIGNALED 0x90000000u

struct poll_fd { int fd; int16_t events, answered; };
struct fence_info { char object[32], driver[32]; int32_t status; uint32_t flags; uint64_t nanoseconds; };
struct sync_file_info { char name[32]; int32_t status; uint32_t flags, fence_count, pad; uint64_t fences; };
_Static_assert(sizeof(struct fence_info) == 80 && sizeof(struct sync_file_info) == 56, "sync_file_info");
#define SYNC_FILE_INFO (0xc0003e00u | sizeof(struct sync_file_info) << 16 | 4)

// Whether something is to be read within the time; a fence that is over counts as that.
static int is_ready_within(int fd, int milliseconds) {
  struct poll_fd poll = {fd, POLL_IN, 0};
  return system_call(SYS_poll, (long)&poll, 1, milliseconds) == 1 && (poll.answered & POLL_IN);
}

// Waits for a fence, and tells when it was over, by the kernel's clock. 0 where that does not happen.
static uint64_t finish_fence(int fence) {
  if (!is_ready_within(fence, PATIENCE_MILLISECONDS)) return 0;
  struct fence_info info = {0};
  struct sync_file_info file = {.fence_count = 1, .fences = (uintptr_t)&info};
  require(try_ioctl(fence, SYNC_FILE_INFO, &file), "SYNC_FILE_INFO");
  require(system_call(SYS_close, fence, 0, 0), "close of a fence");
  return info.nanoseconds;
}

// Sends a stream on a ring, and gives its fence.
static int submit_on_ring(int card, uint32_t ring_index, struct stream *stream) {
  struct virtgpu_exec exec = {.flags = EXEC_RING | EXEC_FENCE_OUT, .ring_index = ring_index, .fence_fd = -1};
  require(try_submit(card, stream, &exec), "EXECBUFFER on a ring");
  return exec.fence_fd;
}

static int submit_delay(int card, uint32_t ring_index, uint32_t milliseconds, struct stream *stream) {
  put_delay(stream, milliseconds);
  return submit_on_ring(card, ring_index, stream);
}

static void check_rings(int card, struct stream *stream) {
  uint32_t start = milliseconds();
  int slow = submit_delay(card, 1, 300, stream), fast = submit_on_ring(card, 2, stream);
  uint64_t fast_end = finish_fence(fast), slow_end = finish_fence(slow);
  expect_true(fast_end != 0 && slow_end != 0, "both fences are over");
  expect_true(fast_end < slow_end, "the second ring's fence is over first");
  expect_true(milliseconds() - start >= 250, "the first ring's fence is over after its delay");
  report("fence-order-between-rings");

  start = milliseconds();
  int first = submit_delay(card, 63, 150, stream), second = submit_delay(card, 63, 150, stream);
  int third = submit_on_ring(card, 63, stream);
  uint64_t third_end = finish_fence(third);
  expect_true(milliseconds() - start >= 250, "a ring's third fence waits for the delays of the others");
  uint64_t second_end = finish_fence(second), first_end = finish_fence(first);
  expect_true(first_end != 0 && first_end < second_end && second_end <= third_end, "a ring's fences are over in order");
  report("fence-order-in-ring");

  enum { RINGS = 64 };
  int fences[RINGS];
  for (uint32_t i = 0; i < RINGS; i++) fences[i] = submit_delay(card, i, i % 4 * 20, stream);
  for (uint32_t i = RINGS; i-- > 0;) expect_true(finish_fence(fences[i]) != 0, "a ring's fence is over");
  report("fences-of-64-rings");

  struct virtgpu_exec exec = {.flags = EXEC_RING, .ring_index = 64};
  put_delay(stream, 0);
  expect(try_submit(card, stream, &exec), -EINVAL, "EXECBUFFER on ring 64");
  exec = (struct virtgpu_exec){.flags = EXEC_FENCE_OUT};
  put_delay(stream, 0);
  expect(try_submit(card, stream, &exec), 0, "EXECBUFFER on no ring");
  expect_true(finish_fence(exec.fence_fd) != 0, "the fence of no ring is over");
  report("fence-without-ring");
}

static void check_fences_in(int card, struct stream *stream) {
  uint32_t start = milliseconds();
  int slow = submit_delay(card, 3, 200, stream);
  struct virtgpu_exec exec = {.flags = EXEC_RING | EXEC_FENCE_IN | EXEC_FENCE_OUT, .ring_index = 4, .fence_fd = slow};
  put_delay(stream, 0);
  expect(try_submit(card, stream, &exec), 0, "EXECBUFFER with a fence in and out");
  expect_true(exec.fence_fd != slow, "the fence out is another one");
  uint64_t end = finish_fence(exec.fence_fd);
  expect_true(milliseconds() - start >= 150, "it waits for the fence in");
  expect_true(finish_fence(slow) < end, "the fence in is over first");
  report("fence-in");
}

static void check_events(struct stream *stream) {
  int card = open_context(1 << EVENT_RING);
  struct { uint32_t type, length; } event = {0};
  put_delay(stream, 50);
  struct virtgpu_exec exec = {.flags = EXEC_RING, .ring_index = EVENT_RING};
  expect(try_submit(card, stream, &exec), 0, "EXECBUFFER on a ring with events");
  expect_true(is_ready_within(card, PATIENCE_MILLISECONDS), "an event");
  if (!first_fault) expect(system_call(SYS_read, card, (long)&event, sizeof event), sizeof event, "its size");
  expect(event.type, EVENT_FENCE_SIGNALED, "its type");
  close_card(card);
  report("fence-event");
}

// A resource that a stream is said to use is busy until the stream's fence is over.
static void check_busy_resource(int card, struct stream *stream) {
  struct resource buffer = create_buffer(card, PAGE);
  wait_for(buffer);
  put_delay(stream, 500);
  struct virtgpu_exec exec = {
      .flags = EXEC_RING, .ring_index = 6, .handles = (uintptr_t)&buffer.handle, .handle_count = 1};
  expect(try_submit(card, stream, &exec), 0, "EXECBUFFER with a resource");
  struct virtgpu_wait wait = {.handle = buffer.handle, .flags = WAIT_NOWAIT};
  expect(try_ioctl(card, VIRTGPU_WAIT, &wait), -EBUSY, "WAIT without waiting");
  wait.flags = 0;
  expect(try_ioctl(card, VIRTGPU_WAIT, &wait), 0, "WAIT");
  report("busy-resource");
  close_resource(&buffer);
}

// The fences of a context that is lost are over, those that would never have been among them. So are later ones.
static void check_lost_context(int card, struct stream *stream) {
  int lost = open_context(0);
  struct resource buffer = create_buffer(lost, PAGE), other = create_buffer(card, PAGE);
  int endless = submit_delay(lost, 1, DELAY_FOR_EVER, stream), held = submit_on_ring(lost, 1, stream);
  expect_true(!is_ready_within(endless, 100), "a fence that is never over");
  put_loss(stream);
  int loss = submit_on_ring(lost, 2, stream);
  expect_true(finish_fence(loss) != 0, "the fence of the stream that loses the context is over");
  expect_true(finish_fence(endless) != 0, "the fence that is never over is over");
  expect_true(finish_fence(held) != 0, "the fence behind it is over");
  put_fill(stream, buffer, 0, PAGE, 0x77777777);
  expect_true(finish_fence(submit_on_ring(lost, 3, stream)) != 0, "the fence of a refused stream is over");
  put_fill(stream, other, 0, PAGE, 0x78787878);
  submit(card, stream);
  read_buffer(other);
  expect(other.words[0], 0x78787878, "what another context does");
  close_resource(&buffer);
  close_resource(&other);
  close_card(lost);
  report("lost-context");
}

// A file that is closed ends its context, and with it the context's fences.
static void check_destroyed_context(struct stream *stream) {
  int card = open_context(0), fence = submit_delay(card, 1, DELAY_FOR_EVER, stream);
  expect_true(!is_ready_within(fence, 100), "a fence that is never over");
  close_card(card);
  expect_true(finish_fence(fence) != 0, "the fence is over once the file is closed");
  report("destroyed-context");
}

static void check_fences(struct stream *stream) {
  int card = open_context(0);
  check_rings(card, stream);
  check_fences_in(card, stream);
  check_events(stream);
  check_busy_resource(card, stream);
  check_lost_context(card, stream);
  check_destroyed_context(stream);
  close_card(card);
}
