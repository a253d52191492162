// 3D resources: transfers both ways, and what command streams do with them.
#pragma once

#include "../check.h"
#include "../pattern.h"
#include "../stream.h"

enum { TARGET_BUFFER = 0, TARGET_2D = 2, TARGET_2D_ARRAY = 7, FORMAT_B8G8R8A8 = 1 };

// What a picture holds before anything is transferred to it.
static void clear(struct resource resource) { memset(resource.words, 0, resource.size); }

// Looks for the first words of a row of the pattern.
static void expect_words(const uint32_t *words, uint32_t count, uint32_t seed, const char *what) {
  for (uint32_t i = 0; i < count; i++) expect(words[i], pattern_pixel(seed, i, 0), what);
}

// Reads a box of a resource into its backing, which is cleared first.
static void read_box(struct resource resource, struct virtgpu_transfer box) {
  clear(resource);
  transfer(resource, VIRTGPU_TRANSFER_FROM_HOST, box);
  wait_for(resource);
}

static void check_buffer_transfers(int card) {
  enum { SIZE = 3 * PAGE, PART_AT = 4001, PART_SIZE = 4444, OFFSET = 517 };
  struct resource buffer = create_buffer(card, SIZE);
  read_buffer(buffer);
  for (uint32_t i = 0; i < SIZE / 4; i++) expect(buffer.words[i], 0, "a word of a new buffer");
  draw_pattern(buffer.words, SIZE / 4, 21, 0, 0, SIZE / 4, 1);
  write_buffer(buffer);
  read_buffer(buffer);
  expect_words(buffer.words, SIZE / 4, 21, "a word of the buffer");
  report("transfer-buffer");

  uint8_t *bytes = (uint8_t *)buffer.words;
  for (uint32_t i = 0; i < PART_SIZE; i++) bytes[OFFSET + i] = i * 7;
  struct virtgpu_transfer part = {.box = {PART_AT, 0, 0, PART_SIZE, 1, 1}, .offset = OFFSET};
  transfer(buffer, VIRTGPU_TRANSFER_TO_HOST, part);
  wait_for(buffer);
  read_buffer(buffer);
  for (uint32_t i = 0; i < PART_SIZE; i++) expect(bytes[PART_AT + i], i * 7 & 255, "a byte of the part");
  expect_words(buffer.words, PART_AT / 4, 21, "a word before the part");
  expect(buffer.words[SIZE / 4 - 1], pattern_pixel(21, SIZE / 4 - 1, 0), "the last word");
  report("transfer-part");

  clear(buffer);
  transfer(buffer, VIRTGPU_TRANSFER_TO_HOST, (struct virtgpu_transfer){.box = {SIZE - 8, 0, 0, 12, 1, 1}});
  wait_for(buffer); // the kernel asks for it, and does not tell that it is refused
  read_buffer(buffer);
  expect(buffer.words[SIZE / 4 - 1], pattern_pixel(21, SIZE / 4 - 1, 0), "the last word, after a box beyond it");
  transfer(buffer, VIRTGPU_TRANSFER_FROM_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, 8, 1, 1}, .offset = SIZE - 4});
  wait_for(buffer);
  expect(buffer.words[SIZE / 4 - 1], pattern_pixel(21, SIZE / 4 - 1, 0), "the backing's last word, after one beyond it");
  report("transfer-refused");
  close_resource(&buffer);
}

// One level of a picture: its size, and where the backing has it.
struct level { uint32_t width, height, offset; };

// Looks at the pixels of a level in the backing: the pattern of `seed` inside of the box, `outside` elsewhere.
static void expect_level(struct resource picture, struct level level, struct box box, uint32_t seed, uint32_t outside) {
  uint32_t *pixels = picture.words + level.offset / 4;
  for (uint32_t y = 0; y < level.height; y++) {
    for (uint32_t x = 0; x < level.width; x++) {
      int is_inside = x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
      expect(pixels[y * level.width + x], is_inside ? pattern_pixel(seed, x, y) : outside,
          is_inside ? "a pixel of the box" : "a pixel outside of the box");
    }
  }
}

// A part of a level that lies where it belongs: the backing has the level's whole rows, whatever the box's width is.
static struct virtgpu_transfer level_transfer(struct level level, uint32_t number, struct box box) {
  uint32_t offset = level.offset + (box.y * level.width + box.x) * 4;
  return (struct virtgpu_transfer){.box = box, .level = number, .offset = offset};
}

static void check_picture_transfers(int card) {
  static const struct level levels[] = {{61, 37, 0}, {30, 18, 61 * 37 * 4}, {15, 9, (61 * 37 + 30 * 18) * 4}};
  static const struct box boxes[] = {{5, 3, 0, 41, 30, 1}, {0, 17, 0, 30, 1, 1}, {14, 0, 0, 1, 9, 1}};
  struct resource picture = create_resource(card, (struct virtgpu_create){.target = TARGET_2D, .format = FORMAT_B8G8R8A8,
      .width = 61, .height = 37, .array_size = 1, .last_level = 2, .size = 3 * PAGE});
  map_resource(&picture);
  for (uint32_t i = 0; i < 3; i++) {
    clear(picture);
    draw_pattern(picture.words + levels[i].offset / 4, levels[i].width, 30 + i, 0, 0, levels[i].width, levels[i].height);
    transfer(picture, VIRTGPU_TRANSFER_TO_HOST, level_transfer(levels[i], i, boxes[i]));
    wait_for(picture);
  }
  for (uint32_t i = 0; i < 3; i++) {
    struct box whole = {0, 0, 0, levels[i].width, levels[i].height, 1};
    read_box(picture, level_transfer(levels[i], i, whole));
    expect_level(picture, levels[i], boxes[i], 30 + i, 0);
    report(i == 0 ? "transfer-box" : i == 1 ? "transfer-level-1" : "transfer-level-2");
  }
  for (uint32_t i = 0; i < 3; i++) {
    read_box(picture, level_transfer(levels[i], i, boxes[i]));
    expect_level(picture, levels[i], boxes[i], 30 + i, 0);
  }
  report("transfer-box-back");
  close_resource(&picture);
}

static void check_layer_transfers(int card) {
  enum { WIDTH = 20, HEIGHT = 10, LAYERS = 5, LAYER = WIDTH * HEIGHT };
  struct resource array = create_resource(card, (struct virtgpu_create){.target = TARGET_2D_ARRAY,
      .format = FORMAT_B8G8R8A8, .width = WIDTH, .height = HEIGHT, .array_size = LAYERS, .size = PAGE});
  map_resource(&array);
  draw_pattern(array.words, WIDTH, 33, 0, 0, WIDTH, HEIGHT * LAYERS);
  struct virtgpu_transfer middle = {.box = {0, 0, 1, WIDTH, HEIGHT, 3}, .offset = LAYER * 4};
  transfer(array, VIRTGPU_TRANSFER_TO_HOST, middle);
  wait_for(array);
  read_box(array, (struct virtgpu_transfer){.box = {0, 0, 0, WIDTH, HEIGHT, LAYERS}});
  for (uint32_t i = 0; i < LAYER * LAYERS; i++) {
    int is_inside = i >= LAYER && i < 4 * LAYER;
    expect(array.words[i], is_inside ? pattern_pixel(33, i % WIDTH, i / WIDTH) : 0, "a pixel of the layers");
  }
  report("transfer-layers");
  close_resource(&array);
}

static void check_fills_and_copies(int card, struct stream *stream) {
  enum { SIZE = 2 * PAGE };
  struct resource source = create_buffer(card, SIZE), target = create_buffer(card, SIZE);
  put_fill(stream, source, 0, SIZE, 0x01020304);
  put_fill(stream, source, 100, 40, 0x05060708);
  submit(card, stream);
  read_buffer(source);
  for (uint32_t i = 0; i < SIZE / 4; i++)
    expect(source.words[i], i >= 25 && i < 35 ? 0x05060708 : 0x01020304, "a word that is filled");
  report("fill");

  put_copy(stream, target, 8, source, 96, 48);
  submit(card, stream);
  read_buffer(target);
  for (uint32_t i = 0; i < SIZE / 4; i++)
    expect(target.words[i], i < 2 || i >= 14 ? 0 : i >= 3 && i < 13 ? 0x05060708 : 0x01020304, "a word that is copied");
  report("copy");
  close_resource(&source);
  close_resource(&target);

  struct level level = {50, 20, 0};
  struct resource picture = create_resource(card, (struct virtgpu_create){.target = TARGET_2D, .format = FORMAT_B8G8R8A8,
      .width = level.width, .height = level.height, .array_size = 1, .size = PAGE});
  map_resource(&picture);
  put_fill_rect(stream, picture, 7, 2, 30, 11, 0xaabbccdd);
  submit(card, stream);
  read_box(picture, (struct virtgpu_transfer){.box = {0, 0, 0, level.width, level.height, 1}});
  for (uint32_t y = 0; y < level.height; y++) {
    for (uint32_t x = 0; x < level.width; x++) {
      int is_inside = x >= 7 && x < 37 && y >= 2 && y < 13;
      expect(picture.words[y * level.width + x], is_inside ? 0xaabbccdd : 0, "a pixel of the picture");
    }
  }
  report("fill-rect");
  close_resource(&picture);
}

// A stream of so many bytes, each of whose commands writes another word.
static void check_stream_of(int card, struct stream *stream, uint32_t stream_size, const char *name) {
  enum { FILL_SIZE = 5 * 4 };
  uint32_t fills = stream_size / FILL_SIZE;
  struct resource buffer = create_buffer(card, (fills * 4 + PAGE - 1) / PAGE * PAGE);
  for (uint32_t i = 0; i < fills; i++) put_fill(stream, buffer, i * 4, 4, pattern_pixel(34, i, 0));
  while (stream->count < stream_size / 4) put_delay(stream, 0);
  expect(stream->count * 4, stream_size, "the stream's size");
  submit(card, stream);
  read_buffer(buffer);
  for (uint32_t i = 0; i < buffer.size / 4; i++)
    expect(buffer.words[i], i < fills ? pattern_pixel(34, i, 0) : 0, "a word that is filled");
  report(name);
  close_resource(&buffer);
}

static void check_resources(struct stream *stream) {
  int card = open_context(0);
  check_buffer_transfers(card);
  check_picture_transfers(card);
  check_layer_transfers(card);
  check_fills_and_copies(card, stream);
  check_stream_of(card, stream, 4 * 1024, "stream-4k");
  check_stream_of(card, stream, 200 * 1024, "stream-200k");
  close_card(card);
}
