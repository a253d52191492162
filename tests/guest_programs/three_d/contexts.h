// What the device offers, and contexts.
#pragma once

#include "../check.h"
#include "../stream.h"

enum { CAPS_ONE_SIZE = 64, CAPS_TWO_SIZE = 160 };

// What the host says that the device has.
struct offers { int host_visible, cross_device, foreign; };

static void check_params(int card, struct offers offers) {
  expect(get_param(card, PARAM_3D_FEATURES), 1, "3D features");
  expect(get_param(card, PARAM_CAPSET_QUERY_FIX), 1, "capset query fix");
  expect(get_param(card, PARAM_RESOURCE_BLOB), 1, "blobs");
  expect(get_param(card, PARAM_HOST_VISIBLE), offers.host_visible, "host visible memory");
  expect(get_param(card, PARAM_CROSS_DEVICE), offers.cross_device, "cross device");
  expect(get_param(card, PARAM_CONTEXT_INIT), 1, "context init");
  expect(get_param(card, PARAM_CAPSET_IDS), 1 << CAPSET_ONE | 1 << CAPSET_TWO, "capset ids");
  report("params");
}

static long try_caps(int card, uint32_t id, uint32_t version, uint32_t *data, uint32_t size) {
  struct virtgpu_caps caps = {.id = id, .version = version, .data = (uintptr_t)data, .size = size};
  return try_ioctl(card, VIRTGPU_GET_CAPS, &caps);
}

// Looks at a set's data as of a version. The kernel tells as much of it as is asked for, and no more than there is.
static void expect_caps(int card, uint32_t id, uint32_t version, uint32_t size, uint32_t asked) {
  uint32_t data[64];
  memset(data, 0xee, sizeof data);
  expect(try_caps(card, id, version, data, asked), 0, "GET_CAPS");
  uint32_t told = (asked < size ? asked : size) / 4;
  for (uint32_t i = 0; i < told; i++) expect(data[i], i * 3 + version, "a word of the set");
  expect(data[told], 0xeeeeeeee, "the word after it");
}

static void check_caps(int card) {
  expect_caps(card, CAPSET_ONE, 1, CAPS_ONE_SIZE, CAPS_ONE_SIZE);
  report("caps-one");
  expect_caps(card, CAPSET_TWO, 2, CAPS_TWO_SIZE, CAPS_TWO_SIZE + 64);
  expect_caps(card, CAPSET_TWO, 1, CAPS_TWO_SIZE, CAPS_TWO_SIZE);
  expect_caps(card, CAPSET_TWO, 2, CAPS_TWO_SIZE, 16);
  report("caps-two");
  uint32_t word;
  for (uint32_t id = 0; id < 64; id++)
    if (id != CAPSET_ONE && id != CAPSET_TWO) expect(try_caps(card, id, 0, &word, 4), -EINVAL, "GET_CAPS of another set");
  expect(try_caps(card, CAPSET_ONE, 2, &word, 4), -EINVAL, "GET_CAPS of a version to come");
  report("caps-unknown");
}

// The file's context: one of set `capset_id`, with so many rings, of which those of the mask tell their fences by events.
static long try_context(int card, uint32_t capset_id, uint32_t ring_count, uint32_t polled_rings) {
  struct virtgpu_param params[] = {
      {CONTEXT_CAPSET_ID, capset_id}, {CONTEXT_NUM_RINGS, ring_count}, {CONTEXT_POLL_RINGS_MASK, polled_rings}};
  struct virtgpu_context context = {.param_count = 3, .params = (uintptr_t)params};
  return try_ioctl(card, VIRTGPU_CONTEXT_INIT, &context);
}

// A file of its own with a context of set 1 and 64 rings.
static int open_context(uint32_t polled_rings) {
  int card = open_card();
  require(try_context(card, CAPSET_ONE, 64, polled_rings), "CONTEXT_INIT");
  return card;
}

static void check_context_init(void) {
  int card = open_card();
  expect(try_context(card, CAPSET_TWO, 64, 1 << 5), 0, "CONTEXT_INIT");
  expect(try_context(card, CAPSET_TWO, 64, 1 << 5), -EEXIST, "a second CONTEXT_INIT");
  close_card(card);
  report("context-init");

  int others[] = {open_card(), open_card(), open_card()};
  expect(try_context(others[0], CAPSET_TWO + 1, 64, 1 << 5), -EINVAL, "CONTEXT_INIT with an unknown set");
  expect(try_context(others[1], CAPSET_TWO, 65, 1 << 5), -EINVAL, "CONTEXT_INIT with 65 rings");
  expect(try_context(others[2], CAPSET_TWO, 5, 1 << 5), -EINVAL, "CONTEXT_INIT with a mask of rings that are not there");
  for (uint32_t i = 0; i < 3; i++) close_card(others[i]);
  report("context-init-refused");
}

// Objects under the same blob id in two contexts are two.
static void check_two_contexts(struct stream *stream) {
  enum { BLOB_ID = 7, SIZE = PAGE };
  int cards[] = {open_context(0), open_context(0)};
  struct resource blobs[2], copies[2];
  for (uint32_t i = 0; i < 2; i++) {
    put_object(stream, BLOB_ID, OBJECT_BUFFER, SIZE, 1);
    submit(cards[i], stream);
    copies[i] = create_buffer(cards[i], SIZE);
  }
  for (uint32_t i = 0; i < 2; i++) {
    blobs[i] = (struct resource){.card = cards[i], .size = SIZE};
    struct virtgpu_blob blob = {.blob_mem = BLOB_MEM_HOST3D, .blob_id = BLOB_ID};
    expect(try_host_blob(&blobs[i], blob, 0), 0, "RESOURCE_CREATE_BLOB");
    put_fill(stream, blobs[i], 0, SIZE, 0x11111111 * (i + 1));
    submit(cards[i], stream);
  }
  for (uint32_t i = 0; i < 2; i++) {
    put_copy(stream, copies[i], 0, blobs[i], 0, SIZE);
    submit(cards[i], stream);
    read_buffer(copies[i]);
    expect(copies[i].words[0], 0x11111111 * (i + 1), "the first word of a context's object");
    expect(copies[i].words[SIZE / 4 - 1], 0x11111111 * (i + 1), "the last word of a context's object");
  }
  for (uint32_t i = 0; i < 2; i++) {
    unmap_resource(&copies[i]);
    close_card(cards[i]); // with all that is in it
  }
  report("contexts-of-two-files");
}

static void check_contexts(int card, struct offers offers, struct stream *stream) {
  check_params(card, offers);
  check_caps(card);
  check_context_init();
  check_two_contexts(stream);
}
