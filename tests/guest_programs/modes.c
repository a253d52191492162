// modes: takes the display through everything that a compositor does with it. Each step prints PASS and its name, then
// waits for a byte, so that whoever runs this can compare the pixels; tests/external/guest_modes_test.ts knows the steps.
#include "atomic.h"
#include "pattern.h"

enum { PAGE_FLIP_EVENT = 1, EVENT_FLIP_COMPLETE = 2, FLIPS = 60, SIZE = 64 };

struct page_flip { uint32_t crtc_id, fb_id, flags, reserved; uint64_t user_data; };
struct event { uint32_t type, length; uint64_t user_data; uint32_t seconds, microseconds, sequence, crtc_id; };
#define MODE_PAGE_FLIP DRM_IOWR(0xb0, struct page_flip)

static struct display display;

static void pass(const char *step) {
  print("PASS ");
  print(step);
  print("\n");
  wait_for_byte();
}

// A picture of the display's size, drawn on with a pattern.
static struct picture new_picture(uint32_t seed) {
  struct picture picture = create_picture(display.card, display.mode.hdisplay, display.mode.vdisplay);
  draw_pattern(picture.pixels, picture.stride_pixels, seed, 0, 0, picture.width, picture.height);
  return picture;
}

static uint32_t new_framebuffer(struct picture *picture) {
  struct framebuffer framebuffer = {.width = picture->width, .height = picture->height,
      .pitch = picture->stride_pixels * 4, .bpp = 32, .depth = 24, .handle = picture->handle};
  card_ioctl(display.card, MODE_ADDFB, &framebuffer, "ADDFB");
  return framebuffer.fb_id;
}

static void draw(struct picture *picture, uint32_t seed, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
  draw_pattern(picture->pixels, picture->stride_pixels, seed, x, y, width, height);
}

// Flips to a framebuffer and waits for the event, which must be this flip's.
static void flip_to(uint32_t fb_id, uint64_t user_data) {
  struct page_flip flip = {.crtc_id = display.crtc_id, .fb_id = fb_id, .flags = PAGE_FLIP_EVENT, .user_data = user_data};
  card_ioctl(display.card, MODE_PAGE_FLIP, &flip, "PAGE_FLIP");
  struct event event = {0};
  require(system_call(SYS_read, display.card, (long)&event, sizeof event), "the flip's event");
  if (event.type != EVENT_FLIP_COMPLETE || event.user_data != user_data) require(-ENODEV, "this flip's event");
}

static void legacy_steps(struct picture *front, struct picture *back) {
  uint32_t front_id = show_picture(&display, front);
  flush(display.card, front_id, 0, 0, front->width, front->height);
  pass("legacy");

  draw(front, 2, 100, 50, 200, 120);
  draw(front, 3, 400, 400, 10, 10); // is not told of, so it is not shown
  flush(display.card, front_id, 100, 50, 200, 120);
  pass("dirtyfb");

  uint32_t back_id = new_framebuffer(back);
  flip_to(back_id, 1);
  pass("flip");

  for (uint32_t i = 0; i < FLIPS; i++) flip_to(i % 2 ? back_id : front_id, i);
  flip_to(front_id, FLIPS);
  pass("flips");
}

static void cursor_steps(void) {
  struct picture image = create_picture(display.card, SIZE, SIZE);
  for (uint32_t i = 0; i < SIZE * SIZE; i++) {
    image.pixels[i / SIZE * image.stride_pixels + i % SIZE] = 0xff000000 | pattern_pixel(5, i % SIZE, i / SIZE);
  }
  struct cursor cursor = {.flags = CURSOR_BO | CURSOR_MOVE, .crtc_id = display.crtc_id, .width = SIZE, .height = SIZE,
      .handle = image.handle, .x = 300, .y = 200, .hot_x = 3, .hot_y = 5};
  card_ioctl(display.card, MODE_CURSOR2, &cursor, "CURSOR2");
  pass("cursor");
  cursor.flags = CURSOR_MOVE;
  cursor.x = -7;
  card_ioctl(display.card, MODE_CURSOR2, &cursor, "CURSOR2 (move)");
  pass("cursor-move");
  cursor.flags = CURSOR_BO;
  cursor.handle = 0;
  card_ioctl(display.card, MODE_CURSOR2, &cursor, "CURSOR2 (hide)");
  pass("cursor-hide");
}

static void add_plane(struct commit *commit, uint32_t plane, uint32_t fb_id) {
  static const char *const names[] = {"FB_ID", "CRTC_ID", "SRC_X", "SRC_Y", "SRC_W", "SRC_H", "CRTC_X", "CRTC_Y",
      "CRTC_W", "CRTC_H"};
  uint64_t width = display.mode.hdisplay, height = display.mode.vdisplay;
  uint64_t values[] = {fb_id, display.crtc_id, 0, 0, width << 16, height << 16, 0, 0, width, height};
  begin_object(commit, plane);
  for (uint32_t i = 0; i < 10; i++)
    add_property(commit, find_property(display.card, plane, OBJECT_PLANE, names[i], 0), values[i]);
}

static void atomic_steps(struct picture *picture) {
  struct client_cap planes = {CAP_UNIVERSAL_PLANES, 1}, atomic = {CAP_ATOMIC, 1};
  card_ioctl(display.card, SET_CLIENT_CAP, &planes, "universal planes");
  card_ioctl(display.card, SET_CLIENT_CAP, &atomic, "atomic");
  uint32_t plane = find_primary_plane(display.card), fb_id = new_framebuffer(picture);

  struct commit commit = {0};
  begin_object(&commit, display.connector_id);
  add_property(&commit, find_property(display.card, display.connector_id, OBJECT_CONNECTOR, "CRTC_ID", 0), display.crtc_id);
  begin_object(&commit, display.crtc_id);
  uint32_t mode_id = create_property_blob(display.card, &display.mode, sizeof display.mode);
  add_property(&commit, find_property(display.card, display.crtc_id, OBJECT_CRTC, "MODE_ID", 0), mode_id);
  add_property(&commit, find_property(display.card, display.crtc_id, OBJECT_CRTC, "ACTIVE", 0), 1);
  add_plane(&commit, plane, fb_id);
  send_commit(display.card, &commit, ATOMIC_ALLOW_MODESET, "atomic commit");
  pass("atomic");

  uint32_t clips_id = find_property(display.card, plane, OBJECT_PLANE, "FB_DAMAGE_CLIPS", 0);
  if (clips_id == 0) {
    pass("no-damage-clips");
    return;
  }
  draw(picture, 6, 10, 20, 30, 40);
  draw(picture, 7, 500, 300, 64, 64);
  draw(picture, 3, 700, 700, 10, 10); // is not told of, so it is not shown
  struct damage_rect clips[] = {{10, 20, 40, 60}, {500, 300, 564, 364}};
  struct commit damaged = {0};
  add_plane(&damaged, plane, fb_id);
  add_property(&damaged, clips_id, create_property_blob(display.card, clips, sizeof clips));
  send_commit(display.card, &damaged, 0, "atomic commit with damage");
  pass("damage-clips");
}

// Has the kernel look at the connector again. Its display's preferred mode becomes the mode; 0 where there is no display.
static int probe(void) {
  static struct mode_info modes[64];
  struct connector connector = {.connector_id = display.connector_id};
  card_ioctl(display.card, MODE_GETCONNECTOR, &connector, "GETCONNECTOR (probe)"); // it looks when no modes are asked for
  if (connector.connection != CONNECTED) return 0;
  connector = (struct connector){.connector_id = display.connector_id, .modes = (uintptr_t)modes, .mode_count = 64};
  card_ioctl(display.card, MODE_GETCONNECTOR, &connector, "GETCONNECTOR");
  for (uint32_t i = 0; i < connector.mode_count; i++) {
    if (!(modes[i].type & MODE_TYPE_PREFERRED)) continue;
    display.mode = modes[i];
    return 1;
  }
  require(-ENODEV, "a preferred mode");
  return 0;
}

// The host has changed its output while the step before was held; this shows a picture in the mode that it wants now.
static void changed_output_step(const char *step, uint32_t seed) {
  if (!probe()) require(-ENODEV, "a display");
  struct picture picture = new_picture(seed);
  uint32_t fb_id = show_picture(&display, &picture);
  flush(display.card, fb_id, 0, 0, picture.width, picture.height);
  pass(step);
}

static void unplugged_step(void) {
  if (probe()) require(-ENODEV, "no display");
  struct crtc off = {.crtc_id = display.crtc_id};
  card_ioctl(display.card, MODE_SETCRTC, &off, "SETCRTC (off)");
  pass("unplugged");
}

int program(int argc, char **argv) {
  (void)argc, (void)argv;
  display = open_display();
  struct picture front = new_picture(1), back = new_picture(4), third = new_picture(9);
  legacy_steps(&front, &back);
  cursor_steps();
  atomic_steps(&third);
  changed_output_step("resized", 8);
  unplugged_step();
  changed_output_step("replugged", 10);
  return 0;
}
