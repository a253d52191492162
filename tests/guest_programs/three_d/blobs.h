// Blobs of each kind: guest memory, host memory with and without a mapping, and both beside each other.
#pragma once

#include "contexts.h"
#include "resources.h"

// Copies a resource's first bytes into a buffer of that size, by the renderer, and reads that.
static void read_through(struct stream *stream, struct resource source, struct resource buffer) {
  put_copy(stream, buffer, 0, source, 0, buffer.size);
  submit(buffer.card, stream);
  read_buffer(buffer);
}

static void expect_info(struct resource resource, uint32_t blob_mem) {
  struct virtgpu_info info = resource_info(resource);
  expect(info.size, resource.size, "the size that RESOURCE_INFO tells");
  expect(info.resource_id, resource.id, "the id that RESOURCE_INFO tells");
  expect(info.blob_mem, blob_mem, "the kind that RESOURCE_INFO tells");
}

// Guest pages alone: nothing to transfer, and a renderer that finds what is not its own reads them where they lie.
static void check_guest_blob(int card, struct offers offers, struct stream *stream) {
  enum { SIZE = 3 * PAGE };
  struct resource blob = create_guest_blob(card, SIZE, USE_MAPPABLE), buffer = create_buffer(card, SIZE);
  expect_info(blob, BLOB_MEM_GUEST);
  struct virtgpu_transfer all = {.box = {0, 0, 0, SIZE, 1, 1}};
  expect(try_transfer(blob, VIRTGPU_TRANSFER_TO_HOST, all), -EINVAL, "TRANSFER_TO_HOST");
  expect(try_transfer(blob, VIRTGPU_TRANSFER_FROM_HOST, all), -EINVAL, "TRANSFER_FROM_HOST");
  report("guest-blob");
  if (offers.foreign) {
    draw_pattern(map_resource(&blob), SIZE / 4, 40, 0, 0, SIZE / 4, 1);
    read_through(stream, blob, buffer);
    expect_words(buffer.words, SIZE / 4, 40, "a word of the copy");
    report("guest-blob-copy");
  }
  close_resource(&blob);
  close_resource(&buffer);
}

static void check_host_blob(int card, struct stream *stream) {
  enum { SIZE = 5 * PAGE };
  struct resource blob = create_host_blob(card, BLOB_MEM_HOST3D, 0, 41, SIZE, stream), buffer = create_buffer(card, SIZE);
  expect_info(blob, BLOB_MEM_HOST3D);
  expect(try_map(blob), -EINVAL, "mmap of a blob that is not declared mappable");
  draw_pattern(buffer.words, SIZE / 4, 41, 0, 0, SIZE / 4, 1);
  write_buffer(buffer);
  put_copy(stream, blob, 0, buffer, 0, SIZE);
  put_fill(stream, blob, PAGE, 4, 0x41414141);
  put_fill(stream, buffer, 0, SIZE, 0);
  submit(card, stream);
  read_through(stream, blob, buffer);
  expect_words(buffer.words, PAGE / 4, 41, "a word of the copy");
  expect(buffer.words[PAGE / 4], 0x41414141, "the word that is filled");
  report("host-blob");

  // Its bytes are the host's alone: there is nothing to transfer, and nothing changes.
  transfer(blob, VIRTGPU_TRANSFER_TO_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, SIZE, 1, 1}});
  transfer(blob, VIRTGPU_TRANSFER_FROM_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, SIZE, 1, 1}});
  wait_for(blob);
  read_through(stream, blob, buffer);
  expect_words(buffer.words, PAGE / 4, 41, "a word after the transfers");
  report("host-blob-transfer");
  close_resource(&blob);
  close_resource(&buffer);
}

// The same memory for guest and host: what one writes, the other reads.
static void check_mapped_blob(int card, struct stream *stream) {
  enum { SIZE = 16 * PAGE };
  struct resource buffer = create_buffer(card, SIZE);
  struct resource blob = create_host_blob(card, BLOB_MEM_HOST3D, USE_MAPPABLE, 42, SIZE, stream);
  expect_info(blob, BLOB_MEM_HOST3D);
  uint32_t *words = map_resource(&blob);
  for (uint32_t i = 0; i < SIZE / 4; i++) expect(words[i], 0, "a word of a new blob");
  put_fill(stream, blob, 0, SIZE, 0x42424242);
  put_fill(stream, blob, 3 * PAGE + 12, 4, 0x43434343);
  submit(card, stream);
  read_buffer(buffer); // is done after that
  for (uint32_t i = 0; i < SIZE / 4; i++)
    expect(words[i], i == 3 * PAGE / 4 + 3 ? 0x43434343 : 0x42424242, "a word that the host has filled");
  report("mapped-blob-read");

  draw_pattern(words, SIZE / 4, 43, 0, 0, SIZE / 4, 1);
  read_through(stream, blob, buffer);
  expect_words(buffer.words, SIZE / 4, 43, "a word that the guest has written");
  report("mapped-blob-write");

  unmap_resource(&blob);
  expect_words(map_resource(&blob), SIZE / 4, 43, "a word in a second mapping");
  close_resource(&blob);
  close_resource(&buffer);
  report("mapped-blob-again");
}

// An object whose stream is over before anything is made from it.
static void check_late_blob(int card, struct stream *stream) {
  enum { SIZE = 2 * PAGE, BLOB_ID = 44 };
  struct resource buffer = create_buffer(card, SIZE), blob = {.card = card, .size = SIZE};
  put_object(stream, BLOB_ID, OBJECT_BUFFER, SIZE, 1);
  submit(card, stream);
  read_buffer(buffer); // is done after that
  struct virtgpu_blob request = {.blob_mem = BLOB_MEM_HOST3D, .blob_flags = USE_MAPPABLE, .blob_id = BLOB_ID};
  expect(try_host_blob(&blob, request, 0), 0, "RESOURCE_CREATE_BLOB");
  draw_pattern(map_resource(&blob), SIZE / 4, 44, 0, 0, SIZE / 4, 1);
  read_through(stream, blob, buffer);
  expect_words(buffer.words, SIZE / 4, 44, "a word of it");
  report("late-blob");
  close_resource(&blob);
  close_resource(&buffer);
}

// A mapped blob that is drawn on; before that it is empty, whatever lay at its place in the window.
static struct resource create_drawn_blob(int card, struct stream *stream, uint32_t blob_id, uint32_t pages) {
  struct resource blob = create_host_blob(card, BLOB_MEM_HOST3D, USE_MAPPABLE, blob_id, pages * PAGE, stream);
  map_resource(&blob);
  for (uint32_t i = 0; i < blob.size / 4; i++) expect(blob.words[i], 0, "a word of a new blob");
  draw_pattern(blob.words, blob.size / 4, blob_id, 0, 0, blob.size / 4, 1);
  return blob;
}

// Many blobs in the window at a time: those that stay keep their bytes when others go and come.
static void check_many_blobs(int card, struct stream *stream) {
  enum { COUNT = 24, FIRST_ID = 100 };
  struct resource blobs[COUNT], buffer = create_buffer(card, PAGE);
  for (uint32_t i = 0; i < COUNT; i++) blobs[i] = create_drawn_blob(card, stream, FIRST_ID + i, 1 + i * 5 % 9);
  for (uint32_t i = 0; i < COUNT; i += 3) close_resource(&blobs[i]);
  for (uint32_t i = 0; i < 3; i++) read_buffer(buffer); // time for the kernel's worker, which gives their places back
  for (uint32_t i = 0; i < COUNT; i += 3) blobs[i] = create_drawn_blob(card, stream, FIRST_ID + COUNT + i, 2 + i * 7 % 5);
  for (uint32_t i = 0; i < COUNT; i++) {
    uint32_t seed = FIRST_ID + i + (i % 3 ? 0 : COUNT);
    expect_words(blobs[i].words, blobs[i].size / 4, seed, "a word that the guest reads");
    read_through(stream, blobs[i], buffer);
    expect_words(buffer.words, PAGE / 4, seed, "a word that the host reads");
    close_resource(&blobs[i]);
  }
  report("many-blobs");
  close_resource(&buffer);
}

// Without a window there are no mappable blobs of host memory: so says the kernel.
static void check_no_window(int card, struct stream *stream) {
  struct resource blob = {.card = card, .size = PAGE};
  put_object(stream, 42, OBJECT_BUFFER, PAGE, 1);
  struct virtgpu_blob request = {.blob_mem = BLOB_MEM_HOST3D, .blob_flags = USE_MAPPABLE, .blob_id = 42};
  expect(try_host_blob(&blob, request, stream), -EINVAL, "RESOURCE_CREATE_BLOB of a mappable blob");
  report("no-window");
}

// Guest pages and host memory beside each other; transfers copy from one to the other, with strides of their own.
static void check_default_blob(int card, struct stream *stream) {
  enum { SIZE = 3 * PAGE };
  struct resource buffer = create_buffer(card, SIZE);
  struct resource blob = create_host_blob(card, BLOB_MEM_HOST3D_GUEST, USE_MAPPABLE, 60, SIZE, stream);
  expect_info(blob, BLOB_MEM_HOST3D_GUEST);
  draw_pattern(map_resource(&blob), SIZE / 4, 60, 0, 0, SIZE / 4, 1);
  read_through(stream, blob, buffer);
  for (uint32_t i = 0; i < SIZE / 4; i++) expect(buffer.words[i], 0, "a word of the host's before a transfer");
  write_buffer(blob);
  read_through(stream, blob, buffer);
  expect_words(buffer.words, SIZE / 4, 60, "a word of the host's after a transfer");
  put_fill(stream, blob, PAGE, PAGE, 0x60606060);
  submit(card, stream);
  read_buffer(buffer); // is done after that
  expect_words(blob.words, SIZE / 4, 60, "a word of the guest's before a transfer");
  read_buffer(blob);
  for (uint32_t i = 0; i < SIZE / 4; i++)
    expect(blob.words[i], i / (PAGE / 4) == 1 ? 0x60606060 : pattern_pixel(60, i, 0), "a word after both transfers");
  report("default-blob");
  close_resource(&blob);
  close_resource(&buffer);
}

// An image that guest pages hold with gaps between its rows.
static void check_default_image(int card, struct stream *stream) {
  enum { WIDTH = 40, HEIGHT = 30, STRIDE = 52, START = 19 }; // in pixels
  static const struct box box = {6, 4, 0, 25, 20, 1};
  struct resource blob = {.card = card, .size = 2 * PAGE};
  put_object(stream, 61, OBJECT_IMAGE, WIDTH, blob.size / (WIDTH * 4) + 1);
  struct virtgpu_blob request = {.blob_mem = BLOB_MEM_HOST3D_GUEST, .blob_flags = USE_MAPPABLE, .blob_id = 61};
  expect(try_host_blob(&blob, request, stream), 0, "RESOURCE_CREATE_BLOB");
  uint32_t *pixels = map_resource(&blob) + START;
  clear(blob);
  draw_pattern(pixels, STRIDE, 61, 0, 0, WIDTH, HEIGHT);
  struct virtgpu_transfer part = {.box = box, .offset = (START + box.y * STRIDE + box.x) * 4, .stride = STRIDE * 4};
  transfer(blob, VIRTGPU_TRANSFER_TO_HOST, part);
  wait_for(blob);
  put_fill_rect(stream, blob, 10, 10, 3, 3, 0x61616161);
  submit(card, stream);
  read_box(blob, (struct virtgpu_transfer){.box = {0, 0, 0, WIDTH, HEIGHT, 1}, .offset = START * 4, .stride = STRIDE * 4});
  for (uint32_t i = 0; i < START; i++) expect(blob.words[i], 0, "a word before the image");
  for (uint32_t y = 0; y < HEIGHT; y++) {
    for (uint32_t x = 0; x < STRIDE; x++) {
      int is_inside = x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
      int is_filled = x >= 10 && x < 13 && y >= 10 && y < 13;
      uint32_t wanted = is_filled ? 0x61616161 : is_inside ? pattern_pixel(61, x, y) : 0;
      expect(pixels[y * STRIDE + x], wanted, is_inside ? "a pixel of the box" : "a pixel outside of it, or a gap");
    }
  }
  report("default-image");
  close_resource(&blob);
}

// What is not there cannot be had. The kernel does not look at the device's answer before the blob is mapped.
static void expect_no_blob(int card, uint32_t blob_id, const char *what) {
  struct resource blob = {.card = card, .size = PAGE};
  struct virtgpu_blob request = {.blob_mem = BLOB_MEM_HOST3D, .blob_flags = USE_MAPPABLE, .blob_id = blob_id};
  expect(try_host_blob(&blob, request, 0), 0, "RESOURCE_CREATE_BLOB");
  expect(try_map(blob), -EINVAL, what);
  close_resource(&blob);
}

static void check_unknown_blobs(int card, struct stream *stream) {
  expect_no_blob(card, 70, "mmap of a blob of an unknown object");
  report("unknown-object");

  struct resource blob = create_host_blob(card, BLOB_MEM_HOST3D, USE_MAPPABLE, 71, PAGE, stream);
  map_resource(&blob)[5] = 71;
  expect_no_blob(card, 71, "mmap of a second blob of an object");
  expect(blob.words[5], 71, "a word of the first one");
  report("used-object");
  close_resource(&blob);

  int other = open_context(0);
  put_object(stream, 72, OBJECT_BUFFER, PAGE, 1);
  submit(other, stream);
  expect_no_blob(card, 72, "mmap of a blob of another context's object");
  close_card(other); // with an object that nothing was made from
  report("foreign-object");
}

static void check_blobs(struct offers offers, struct stream *stream) {
  int card = open_context(0);
  check_guest_blob(card, offers, stream);
  check_host_blob(card, stream);
  check_default_blob(card, stream);
  check_default_image(card, stream);
  if (offers.host_visible) {
    check_mapped_blob(card, stream);
    check_late_blob(card, stream);
    check_many_blobs(card, stream);
    check_unknown_blobs(card, stream);
  } else {
    check_no_window(card, stream);
  }
  close_card(card);
}
