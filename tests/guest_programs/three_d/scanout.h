// What the renderer keeps, shown: host blobs, default blobs and 3D resources as frame buffers, and a cursor. Each step
// waits, so that whoever runs this can compare the pixels.
#pragma once

#include "contexts.h"
#include "resources.h"

enum { CURSOR_SIZE = 64, GREEN = 0x00ff00 };
static const struct box damage = {300, 200, 0, 150, 70, 1};

static void show_step(const char *name) {
  report(name);
  wait_for_byte();
}

// An image of the display's size in host memory, drawn by a copy out of a buffer that a transfer has filled.
static struct resource create_image(struct display *display, uint32_t blob_mem, uint32_t flags, uint32_t blob_id,
                                    struct resource source, struct stream *stream) {
  struct resource image = {.card = display->card, .size = source.size};
  put_object(stream, blob_id, OBJECT_IMAGE, display->mode.hdisplay, display->mode.vdisplay);
  struct virtgpu_blob request = {.blob_mem = blob_mem, .blob_flags = flags, .blob_id = blob_id};
  require(try_host_blob(&image, request, stream), "RESOURCE_CREATE_BLOB of an image");
  write_buffer(source);
  put_copy(stream, image, 0, source, 0, source.size);
  draw_by_stream(image, stream);
  return image;
}

// The renderer fills a rectangle of what is shown, and the kernel tells that it is damaged.
static void fill_damage(struct display *display, struct resource shown, uint32_t fb_id, struct stream *stream) {
  put_fill_rect(stream, shown, damage.x, damage.y, damage.width, damage.height, GREEN);
  put_fill_rect(stream, shown, 600, 600, 10, 10, GREEN); // is not told of, so it is not shown
  draw_by_stream(shown, stream);
  flush(display->card, fb_id, damage.x, damage.y, damage.width, damage.height);
}

static void show_host_blob(struct display *display, struct offers offers, struct resource source, struct stream *stream) {
  uint32_t width = display->mode.hdisplay;
  draw_pattern(source.words, width, 90, 0, 0, width, display->mode.vdisplay);
  uint32_t flags = offers.host_visible ? USE_MAPPABLE : 0;
  struct resource image = create_image(display, BLOB_MEM_HOST3D, flags, 90, source, stream);
  uint32_t fb_id = show_resource(display, image.handle, width * 4, 0);
  show_step("scanout-host-blob");
  fill_damage(display, image, fb_id, stream);
  show_step("scanout-host-blob-damage");
  if (!offers.host_visible) return;
  draw_pattern(map_resource(&image), width, 91, 10, 20, 30, 40);
  flush(display->card, fb_id, 10, 20, 30, 40);
  show_step("scanout-mapped-blob");
}

static void show_default_blob(struct display *display, struct resource source, struct stream *stream) {
  uint32_t width = display->mode.hdisplay;
  draw_pattern(source.words, width, 92, 0, 0, width, display->mode.vdisplay);
  struct resource image = create_image(display, BLOB_MEM_HOST3D_GUEST, USE_MAPPABLE, 92, source, stream);
  show_resource(display, image.handle, width * 4, 0);
  show_step("scanout-default-blob");
}

static void show_3d_resource(struct display *display, struct stream *stream) {
  uint32_t width = display->mode.hdisplay, height = display->mode.vdisplay;
  struct resource picture = create_resource(display->card, (struct virtgpu_create){.target = TARGET_2D, .format = 2,
      .width = width, .height = height, .array_size = 1, .size = width * height * 4});
  draw_pattern(map_resource(&picture), width, 93, 0, 0, width, height);
  transfer(picture, VIRTGPU_TRANSFER_TO_HOST, (struct virtgpu_transfer){.box = {0, 0, 0, width, height, 1}});
  wait_for(picture);
  uint32_t fb_id = show_resource(display, picture.handle, width * 4, 0);
  show_step("scanout-3d-resource");
  fill_damage(display, picture, fb_id, stream);
  show_step("scanout-3d-resource-damage");
}

static void show_cursor(struct display *display, struct resource source, struct stream *stream) {
  for (uint32_t i = 0; i < CURSOR_SIZE * CURSOR_SIZE; i++)
    source.words[i] = 0xff000000 | pattern_pixel(94, i % CURSOR_SIZE, i / CURSOR_SIZE);
  struct resource image = {.card = display->card, .size = CURSOR_SIZE * CURSOR_SIZE * 4};
  put_object(stream, 94, OBJECT_IMAGE, CURSOR_SIZE, CURSOR_SIZE);
  struct virtgpu_blob request = {.blob_mem = BLOB_MEM_HOST3D, .blob_id = 94};
  require(try_host_blob(&image, request, stream), "RESOURCE_CREATE_BLOB of a cursor");
  write_buffer(source);
  put_copy(stream, image, 0, source, 0, image.size);
  draw_by_stream(image, stream);
  struct cursor cursor = {.flags = CURSOR_BO | CURSOR_MOVE, .crtc_id = display->crtc_id, .width = CURSOR_SIZE,
      .height = CURSOR_SIZE, .handle = image.handle, .x = 40, .y = 30};
  card_ioctl(display->card, MODE_CURSOR2, &cursor, "CURSOR2");
  show_step("cursor-host-blob");
}

static void check_scanouts(struct display *display, struct offers offers, struct stream *stream) {
  struct resource source = create_buffer(display->card, display->mode.hdisplay * display->mode.vdisplay * 4);
  show_host_blob(display, offers, source, stream);
  show_default_blob(display, source, stream);
  show_3d_resource(display, stream);
  show_cursor(display, source, stream);
}
