// The monitors of the DRM card, their pictures, and the cursor. Monitors stand side by side, in the connectors' order.
#pragma once

#include "drm.h"

enum { SYS_socket = 359, SYS_bind = 361, AF_NETLINK = 16, SOCK_DGRAM_NONBLOCK = 2 | 04000, NETLINK_KOBJECT_UEVENT = 15 };
enum { MAX_MONITORS = 4, CURSOR_SIZE = 64, CURSOR_ARROW = 0, CURSOR_HAND = 1 };

#define MODE_RMFB DRM_IOWR(0xaf, uint32_t)
#define MODE_DESTROY_DUMB DRM_IOWR(0xb4, uint32_t)

struct rect { int32_t left, top, right, bottom; };

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int is_empty(struct rect rect) { return rect.left >= rect.right || rect.top >= rect.bottom; }
static inline struct rect intersect(struct rect a, struct rect b) {
  return (struct rect){most(a.left, b.left), most(a.top, b.top), least(a.right, b.right), least(a.bottom, b.bottom)};
}
static inline int contains(struct rect rect, int32_t x, int32_t y) {
  return x >= rect.left && x < rect.right && y >= rect.top && y < rect.bottom;
}

struct monitor {
  uint32_t connector_id, crtc_id, fb_id;
  int is_lit; // has a picture, and shows it
  uint32_t choice; // 0: the mode that the monitor prefers; else the mode with this number
  int32_t left; // where it begins on the desktop
  struct picture picture;
  struct mode_info mode;
};

static int card, hotspots[2][2] = {[CURSOR_ARROW] = {1, 1}, [CURSOR_HAND] = {15, 15}};
static long hotplug_socket;
static struct monitor monitors[MAX_MONITORS];
static uint32_t monitor_count;
static struct picture cursors[2];

static inline struct rect monitor_rect(const struct monitor *monitor) {
  return (struct rect){monitor->left, 0, monitor->left + monitor->picture.width, monitor->picture.height};
}

static inline int32_t desktop_width(void) {
  int32_t width = 0;
  for (uint32_t i = 0; i < monitor_count; i++) width += monitors[i].is_lit ? monitors[i].picture.width : 0;
  return width;
}

static inline int32_t desktop_height(void) {
  int32_t height = 0;
  for (uint32_t i = 0; i < monitor_count; i++) height = most(height, monitors[i].is_lit ? monitors[i].picture.height : 0);
  return height;
}

static inline void free_picture(uint32_t fb_id, struct picture *picture) {
  system_call(SYS_ioctl, card, MODE_RMFB, (long)&fb_id);
  system_call(SYS_munmap, (long)picture->pixels, picture->stride_pixels * 4 * picture->height, 0);
  system_call(SYS_ioctl, card, MODE_DESTROY_DUMB, (long)&picture->handle);
}

// The monitor is gone.
static inline void darken(struct monitor *monitor) {
  struct crtc off = {.crtc_id = monitor->crtc_id};
  card_ioctl(card, MODE_SETCRTC, &off, "SETCRTC (off)");
  free_picture(monitor->fb_id, &monitor->picture);
  monitor->is_lit = 0;
}

// Shows a new picture of the mode's size, and only then takes the old one away: the monitor never goes dark.
static inline void light(struct monitor *monitor, const struct mode_info *mode) {
  struct monitor old = *monitor;
  struct display display = {card, monitor->connector_id, monitor->crtc_id, *mode};
  monitor->mode = *mode;
  monitor->picture = create_picture(card, mode->hdisplay, mode->vdisplay);
  monitor->fb_id = show_picture(&display, &monitor->picture);
  monitor->is_lit = 1;
  if (old.is_lit) free_picture(old.fb_id, &old.picture);
}

// Has the kernel look at the connector. Returns whether there is a monitor; the mode to use is in `mode` then.
static inline int probe(struct monitor *monitor, struct mode_info *mode) {
  static struct mode_info modes[128];
  struct connector connector = {.connector_id = monitor->connector_id};
  card_ioctl(card, MODE_GETCONNECTOR, &connector, "GETCONNECTOR (probe)");
  if (connector.connection != CONNECTED) return 0;
  connector = (struct connector){.connector_id = monitor->connector_id, .modes = (uintptr_t)modes, .mode_count = 128};
  card_ioctl(card, MODE_GETCONNECTOR, &connector, "GETCONNECTOR");
  if (connector.mode_count == 0) return 0;
  uint32_t count = least(connector.mode_count, 128);
  *mode = modes[monitor->choice %= count];
  for (uint32_t i = count; monitor->choice == 0 && i-- > 0;)
    if (modes[i].type & MODE_TYPE_PREFERRED) *mode = modes[i];
  return 1;
}

// Gives every monitor that is there a picture of its preferred size. Returns whether anything has changed.
static inline int fit_monitors(void) {
  int has_changed = 0;
  int32_t left = 0;
  for (uint32_t i = 0; i < monitor_count; i++) {
    struct monitor *monitor = &monitors[i];
    struct mode_info mode;
    int is_there = probe(monitor, &mode);
    int is_same = is_there == monitor->is_lit &&
        (!is_there || (mode.hdisplay == monitor->mode.hdisplay && mode.vdisplay == monitor->mode.vdisplay));
    if (!is_same) {
      has_changed = 1;
      if (is_there) light(monitor, &mode);
      else darken(monitor);
    }
    monitor->left = left;
    left += monitor->is_lit ? (int32_t)monitor->picture.width : 0;
  }
  return has_changed;
}

// The kernel tells of each change of a display by an event like those that udev listens to.
static inline int monitors_changed(void) {
  static char event[4096];
  while (system_call(SYS_read, hotplug_socket, (long)event, sizeof event) > 0) {}
  for (uint32_t i = 0; i < monitor_count; i++) monitors[i].choice = 0;
  return fit_monitors();
}

static inline void draw_cursors(void) {
  static const char *const arrow[] = { // X black, o white
      "X", "XX", "XoX", "XooX", "XoooX", "XooooX", "XoooooX", "XooooooX", "XoooooooX", "XooooooooX", "XoooooooooX",
      "XooooooXXXXX", "XoooXooX", "XooXXooX", "XoX  XooX", "XX   XooX", "X     XooX", "      XooX", "       XX", 0};
  for (int i = 0; i < 2; i++) cursors[i] = create_picture(card, CURSOR_SIZE, CURSOR_SIZE);
  for (int y = 0; arrow[y]; y++)
    for (int x = 0; arrow[y][x]; x++) {
      uint32_t color = arrow[y][x] == 'X' ? 0xff000000 : arrow[y][x] == 'o' ? 0xffffffff : 0;
      cursors[CURSOR_ARROW].pixels[(y + 1) * cursors[CURSOR_ARROW].stride_pixels + x + 1] = color;
    }
  for (int y = 0; y < 31; y++) // four arrows from the middle: a window can be moved
    for (int x = 0; x < 31; x++) {
      int u = x < 15 ? 15 - x : x - 15, v = y < 15 ? 15 - y : y - 15;
      int along = most(u, v), across = least(u, v);
      int width = along > 9 ? 15 - along : 1;
      uint32_t color = across < width ? 0xffffffff : across == width ? 0xff000000 : 0;
      cursors[CURSOR_HAND].pixels[y * cursors[CURSOR_HAND].stride_pixels + x] = color;
    }
}

static struct { struct monitor *monitor; int shape; } shown_cursor;

// After a mode is set, every cursor has to be shown anew.
static inline void forget_cursor(void) { shown_cursor.monitor = 0; }

static inline void set_cursor(struct monitor *monitor, struct cursor cursor) {
  cursor.crtc_id = monitor->crtc_id;
  system_call(SYS_ioctl, card, MODE_CURSOR2, (long)&cursor);
}

// Shows a cursor whose hotspot is at `x`, `y` of the desktop, on the monitor that is there.
static inline void show_cursor(int shape, int32_t x, int32_t y) {
  struct monitor *here = 0;
  for (uint32_t i = 0; i < monitor_count; i++)
    if (monitors[i].is_lit && contains(monitor_rect(&monitors[i]), x, y)) here = &monitors[i];
  struct monitor *before = shown_cursor.monitor;
  if (before && before != here) set_cursor(before, (struct cursor){.flags = CURSOR_BO}); // none
  if (here) {
    const int *hotspot = hotspots[shape];
    struct cursor cursor = {.flags = CURSOR_MOVE, .x = x - here->left - hotspot[0], .y = y - hotspot[1]};
    if (here != before || shape != shown_cursor.shape) {
      cursor.flags |= CURSOR_BO;
      cursor.width = cursor.height = CURSOR_SIZE;
      cursor.handle = cursors[shape].handle;
      cursor.hot_x = hotspot[0];
      cursor.hot_y = hotspot[1];
    }
    set_cursor(here, cursor);
  }
  shown_cursor.monitor = here;
  shown_cursor.shape = shape;
}

static inline void open_monitors(void) {
  static uint32_t crtcs[16], connectors[16];
  card = system_call(SYS_open, (long)"/dev/dri/card0", O_RDWR, 0);
  require(card, "/dev/dri/card0");
  struct { uint16_t family, pad; uint32_t process, groups; } address = {.family = AF_NETLINK, .groups = 1};
  hotplug_socket = system_call(SYS_socket, AF_NETLINK, SOCK_DGRAM_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  require(hotplug_socket, "socket");
  require(system_call(SYS_bind, hotplug_socket, (long)&address, sizeof address), "bind");
  struct card_resources resources = {
      .crtc_ids = (uintptr_t)crtcs, .crtc_count = 16, .connector_ids = (uintptr_t)connectors, .connector_count = 16};
  card_ioctl(card, MODE_GETRESOURCES, &resources, "GETRESOURCES");
  monitor_count = least(MAX_MONITORS, least(resources.connector_count, resources.crtc_count));
  for (uint32_t i = 0; i < monitor_count; i++) {
    monitors[i].connector_id = connectors[i];
    monitors[i].crtc_id = crtcs[i];
  }
  draw_cursors();
  fit_monitors();
}
