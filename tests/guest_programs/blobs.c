// blobs [cross-device]: makes blobs of guest memory by the virtgpu interface, from 1 to 5,000 pages, and looks at them in
// every way that a guest can. Each step prints PASS and its name; those that show or share something wait for a byte, so
// that whoever runs this can compare: tests/external/guest_blobs_test.ts knows the steps. "cross-device" is for a device
// with RESOURCE_UUID, without which the kernel makes no such blobs.
#include "pattern.h"
#include "virtgpu.h"

enum { PAGES = 5000, SHARED_PAGES = 4 };

static void pass(const char *step) {
  print("PASS ");
  print(step);
  print("\n");
}

static void pass_and_wait(const char *step) {
  pass(step);
  wait_for_byte();
}

// A blob of each size: what the kernel says of it, and its own pages.
static void sizes_step(int card) {
  static const uint32_t sizes[] = {1, 2, 3, 16, 255, 256, 257, 1000, 4096, 5000};
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct resource blob = create_guest_blob(card, sizes[i] * PAGE, USE_MAPPABLE);
    struct virtgpu_info info = resource_info(blob);
    if (info.size != blob.size || info.blob_mem != BLOB_MEM_GUEST) require(-ENODEV, "what was asked for");
    wait_for(blob);
    uint32_t *words = map_resource(&blob);
    words[0] = words[blob.size / 4 - 1] = sizes[i];
    close_resource(&blob);
  }
  pass("sizes");
}

// One blob of 5,000 pages that is seen as one tall picture without gaps; on a screen of 1,024 columns each row is a page.
// Every page is shown: a screen at a time, and last the screen that ends with the last row.
static void scroll_steps(struct display *display, uint32_t handle, uint32_t *words) {
  struct mode_info *mode = &display->mode;
  uint32_t stride = mode->hdisplay * 4, rows = PAGES * PAGE / stride;
  draw_pattern(words, mode->hdisplay, 11, 0, 0, mode->hdisplay, rows);
  for (uint32_t row = 0; row < rows; row += mode->vdisplay) {
    uint32_t top = row + mode->vdisplay > rows ? rows - mode->vdisplay : row;
    show_resource(display, handle, stride, top * stride);
    print("row ");
    print_number(top);
    print("\n");
    pass_and_wait("scroll");
  }
}

// The same blob as other pictures: with gaps between its rows and from the middle of a page on, then as a cursor.
static void view_steps(struct display *display, uint32_t handle, uint32_t *words) {
  enum { SIZE = 64, GAP = 260, START = PAGES / 2 * PAGE + 68 };
  struct mode_info *mode = &display->mode;
  uint32_t stride = mode->hdisplay * 4 + GAP, *view = words + START / 4;
  draw_pattern(view, stride / 4, 12, 0, 0, mode->hdisplay, mode->vdisplay);
  uint32_t fb_id = show_resource(display, handle, stride, START);
  pass_and_wait("odd-view");

  draw_pattern(view, stride / 4, 13, 200, 100, 150, 70);
  draw_pattern(view, stride / 4, 3, 600, 600, 10, 10); // is not told of, so it is not shown
  flush(display->card, fb_id, 200, 100, 150, 70);
  pass_and_wait("odd-damage");

  for (uint32_t i = 0; i < SIZE * SIZE; i++) words[i] = 0xff000000 | pattern_pixel(15, i % SIZE, i / SIZE);
  struct cursor cursor = {.flags = CURSOR_BO | CURSOR_MOVE, .crtc_id = display->crtc_id, .width = SIZE, .height = SIZE,
      .handle = handle, .x = 40, .y = 30};
  card_ioctl(display->card, MODE_CURSOR2, &cursor, "CURSOR2");
  pass_and_wait("cursor");
}

// What one file writes into a shared blob, another file of the same card reads.
static void prime_step(int card, uint32_t flags) {
  struct resource blob = create_guest_blob(card, SHARED_PAGES * PAGE, flags);
  uint32_t *words = map_resource(&blob);
  for (uint32_t i = 0; i < SHARED_PAGES * PAGE / 4; i++) words[i] = pattern_pixel(14, i, 0);
  struct resource other = share_resource(blob, open_card());
  uint32_t *shared = map_resource(&other);
  for (uint32_t i = 0; i < SHARED_PAGES * PAGE / 4; i++)
    if (shared[i] != pattern_pixel(14, i, 0)) require(-ENODEV, "the bytes of the other file");
  pass_and_wait("prime");
}

int program(int argc, char **argv) {
  (void)argv;
  struct display display = open_display();
  if (get_param(display.card, PARAM_RESOURCE_BLOB) != 1) require(-ENODEV, "a device with blobs");
  sizes_step(display.card);
  struct resource blob = create_guest_blob(display.card, PAGES * PAGE, USE_MAPPABLE | USE_SHAREABLE);
  uint32_t *words = map_resource(&blob);
  scroll_steps(&display, blob.handle, words);
  view_steps(&display, blob.handle, words);
  prime_step(display.card, USE_MAPPABLE | USE_SHAREABLE | (argc > 1 ? USE_CROSS_DEVICE : 0));
  return 0;
}
