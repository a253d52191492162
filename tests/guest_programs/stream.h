// The command streams of the reference renderer (tests/support/renderer), and how the kernel takes them.
#pragma once

#include "virtgpu.h"

enum { CAPSET_ONE = 20, CAPSET_TWO = 21 };
enum { OBJECT_BUFFER = 0, OBJECT_IMAGE = 1 };
enum { DELAY_FOR_EVER = -1 };

struct stream { uint32_t count, words[64 * 1024]; };

static inline void put_command(struct stream *stream, uint32_t opcode, const uint32_t *arguments, uint32_t count) {
  stream->words[stream->count++] = opcode | (count + 1) << 8;
  for (uint32_t i = 0; i < count; i++) stream->words[stream->count++] = arguments[i];
}
#define PUT(stream, opcode, ...) \
  put_command(stream, opcode, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

// An object from which RESOURCE_CREATE_BLOB makes a resource: a buffer of `width` bytes, or an image.
static inline void put_object(struct stream *stream, uint32_t blob_id, uint32_t kind, uint32_t width, uint32_t height) {
  PUT(stream, 1, blob_id, 0, kind, width, height);
}

static inline void put_fill(struct stream *stream, struct resource target, uint32_t offset, uint32_t size, uint32_t value) {
  PUT(stream, 2, target.id, offset, size, value);
}

static inline void put_copy(struct stream *stream, struct resource target, uint32_t target_offset, struct resource source,
                            uint32_t source_offset, uint32_t size) {
  PUT(stream, 3, target.id, target_offset, source.id, source_offset, size);
}

static inline void put_fill_rect(struct stream *stream, struct resource target, uint32_t x, uint32_t y, uint32_t width,
                                 uint32_t height, uint32_t value) {
  PUT(stream, 4, target.id, x, y, width, height, value);
}

// What follows on the same ring is done so many milliseconds later.
static inline void put_delay(struct stream *stream, uint32_t milliseconds) { PUT(stream, 5, milliseconds); }

// The context is lost.
static inline void put_loss(struct stream *stream) { put_command(stream, 6, 0, 0); }

// Sends a stream with the flags, ring and fence of `exec`, and empties it. `exec->fence_fd` is the new fence, where one is
// asked for. Returns what the kernel answers.
static inline long try_submit(int card, struct stream *stream, struct virtgpu_exec *exec) {
  exec->command = (uintptr_t)stream->words;
  exec->size = stream->count * 4;
  stream->count = 0;
  return try_ioctl(card, VIRTGPU_EXECBUFFER, exec);
}

// Sends a stream for no ring and without a fence.
static inline void submit(int card, struct stream *stream) {
  struct virtgpu_exec exec = {0};
  require(try_submit(card, stream, &exec), "EXECBUFFER");
}

// Sends a stream for no ring, which draws on a resource, and waits until it is done: nothing else makes a flush or a cursor
// come after it.
static inline void draw_by_stream(struct resource resource, struct stream *stream) {
  struct virtgpu_exec exec = {.handles = (uintptr_t)&resource.handle, .handle_count = 1};
  require(try_submit(resource.card, stream, &exec), "EXECBUFFER");
  wait_for(resource);
}

// A 3D resource: a target and format of Gallium's, and a backing of `size` bytes.
static inline struct resource create_resource(int card, struct virtgpu_create create) {
  create.depth = 1;
  card_ioctl(card, VIRTGPU_RESOURCE_CREATE, &create, "RESOURCE_CREATE");
  return (struct resource){card, create.handle, create.resource_id, create.size, 0};
}

// A buffer for 3D that is mapped: its backing, which transfers read and write.
static inline struct resource create_buffer(int card, uint32_t size) {
  struct resource buffer = create_resource(card, (struct virtgpu_create){.target = 0, .format = 1, .width = size,
      .height = 1, .array_size = 1, .size = size});
  map_resource(&buffer);
  return buffer;
}

static inline long try_transfer(struct resource resource, uint32_t request, struct virtgpu_transfer transfer) {
  transfer.handle = resource.handle;
  return try_ioctl(resource.card, request, &transfer);
}

static inline void transfer(struct resource resource, uint32_t request, struct virtgpu_transfer transfer) {
  require(try_transfer(resource, request, transfer), "a transfer");
}

// Brings all of a mapped buffer's bytes to the host, and waits for that.
static inline void write_buffer(struct resource buffer) {
  transfer(buffer, VIRTGPU_TRANSFER_TO_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, buffer.size, 1, 1}});
  wait_for(buffer);
}

// Brings all of a mapped buffer's bytes from the host, once all that was asked for before is done.
static inline void read_buffer(struct resource buffer) {
  memset(buffer.words, 0xee, buffer.size);
  transfer(buffer, VIRTGPU_TRANSFER_FROM_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, buffer.size, 1, 1}});
  wait_for(buffer);
}

// Asks the kernel for a blob of host memory from the object `blob_id`, which the commands of `stream` may have made or
// make now. Returns what the kernel answers.
static inline long try_host_blob(struct resource *resource, struct virtgpu_blob blob, struct stream *stream) {
  blob.size = resource->size;
  if (stream) blob.command = (uintptr_t)stream->words, blob.command_size = stream->count * 4, stream->count = 0;
  long result = try_ioctl(resource->card, VIRTGPU_RESOURCE_CREATE_BLOB, &blob);
  resource->handle = blob.handle;
  resource->id = blob.resource_id;
  return result;
}

// A blob of whole pages of host memory, its object a buffer, made by the command that comes with it.
static inline struct resource create_host_blob(int card, uint32_t blob_mem, uint32_t flags, uint32_t blob_id, uint32_t size,
                                               struct stream *stream) {
  struct resource resource = {.card = card, .size = size};
  put_object(stream, blob_id, OBJECT_BUFFER, size, 1);
  struct virtgpu_blob blob = {.blob_mem = blob_mem, .blob_flags = flags, .blob_id = blob_id};
  require(try_host_blob(&resource, blob, stream), "RESOURCE_CREATE_BLOB");
  return resource;
}
