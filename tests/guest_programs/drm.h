// The kernel's mode-setting interface, as far as these programs use it (Linux's include/uapi/drm/drm_mode.h says what
// each field means), and one display to draw on.
#pragma once

#include "linux.h"

struct mode_info {
  uint32_t clock;
  uint16_t hdisplay, hsync_start, hsync_end, htotal, hskew, vdisplay, vsync_start, vsync_end, vtotal, vscan;
  uint32_t vrefresh, flags, type;
  char name[32];
};
enum { MODE_TYPE_PREFERRED = 8, CONNECTED = 1 };

struct card_resources {
  uint64_t fb_ids, crtc_ids, connector_ids, encoder_ids;
  uint32_t fb_count, crtc_count, connector_count, encoder_count, min_width, max_width, min_height, max_height;
};

struct connector {
  uint64_t encoder_ids, modes, properties, property_values;
  uint32_t mode_count, property_count, encoder_count, encoder_id, connector_id, type, type_id;
  uint32_t connection, width_mm, height_mm, subpixel, pad;
};

struct crtc {
  uint64_t connector_ids;
  uint32_t connector_count, crtc_id, fb_id, x, y, gamma_size, mode_valid;
  struct mode_info mode;
};

struct create_dumb { uint32_t height, width, bpp, flags, handle, pitch; uint64_t size; };
struct map_dumb { uint32_t handle, pad; uint64_t offset; };
struct framebuffer { uint32_t fb_id, width, height, pitch, bpp, depth, handle; };
struct dirty { uint32_t fb_id, flags, color, clip_count; uint64_t clips; };
struct clip { uint16_t x1, y1, x2, y2; };
struct cursor { uint32_t flags, crtc_id; int32_t x, y; uint32_t width, height, handle; int32_t hot_x, hot_y; };
enum { CURSOR_BO = 1, CURSOR_MOVE = 2 };

#define DRM_IOWR(number, type) (0xc0006400u | sizeof(type) << 16 | (number))
#define MODE_GETRESOURCES DRM_IOWR(0xa0, struct card_resources)
#define MODE_GETCRTC DRM_IOWR(0xa1, struct crtc)
#define MODE_SETCRTC DRM_IOWR(0xa2, struct crtc)
#define MODE_GETCONNECTOR DRM_IOWR(0xa7, struct connector)
#define MODE_ADDFB DRM_IOWR(0xae, struct framebuffer)
#define MODE_DIRTYFB DRM_IOWR(0xb1, struct dirty)
#define MODE_CREATE_DUMB DRM_IOWR(0xb2, struct create_dumb)
#define MODE_MAP_DUMB DRM_IOWR(0xb3, struct map_dumb)
#define MODE_CURSOR2 DRM_IOWR(0xbb, struct cursor)

// The i386 ABI aligns u64 to 4, the kernel's structures are laid out so that this does not matter.
_Static_assert(sizeof(struct mode_info) == 68, "mode_info");
_Static_assert(sizeof(struct connector) == 80, "connector");
_Static_assert(sizeof(struct crtc) == 104, "crtc");

// Memory that can be drawn on, 4 bytes a pixel.
struct picture { uint32_t width, height, stride_pixels, handle, *pixels; };

struct display { int card; uint32_t connector_id, crtc_id; struct mode_info mode; };

// Ends the program when the kernel refuses.
static inline void card_ioctl(int card, uint32_t request, void *argument, const char *name) {
  require(system_call(SYS_ioctl, card, request, (long)argument), name);
}

// Opens the card, and finds its first CRTC and the first connector with a display, with that display's preferred mode.
static inline struct display open_display(void) {
  static uint32_t crtcs[16], connectors[16];
  static struct mode_info modes[64];
  struct display display = {.card = system_call(SYS_open, (long)"/dev/dri/card0", O_RDWR, 0)};
  require(display.card, "/dev/dri/card0");
  struct card_resources resources = {
      .crtc_ids = (uintptr_t)crtcs, .crtc_count = 16, .connector_ids = (uintptr_t)connectors, .connector_count = 16};
  card_ioctl(display.card, MODE_GETRESOURCES, &resources, "GETRESOURCES");
  display.crtc_id = crtcs[0];
  for (uint32_t i = 0; i < resources.connector_count; i++) {
    struct connector connector = {.connector_id = connectors[i], .modes = (uintptr_t)modes, .mode_count = 64};
    card_ioctl(display.card, MODE_GETCONNECTOR, &connector, "GETCONNECTOR");
    if (connector.connection != CONNECTED || connector.mode_count == 0) continue;
    display.connector_id = connectors[i];
    display.mode = modes[0];
    for (uint32_t j = connector.mode_count; j-- > 0;)
      if (modes[j].type & MODE_TYPE_PREFERRED) display.mode = modes[j];
    return display;
  }
  require(-ENODEV, "a connected display");
  return display;
}

static inline struct picture create_picture(int card, uint32_t width, uint32_t height) {
  struct create_dumb dumb = {.width = width, .height = height, .bpp = 32};
  card_ioctl(card, MODE_CREATE_DUMB, &dumb, "CREATE_DUMB");
  struct map_dumb map = {.handle = dumb.handle};
  card_ioctl(card, MODE_MAP_DUMB, &map, "MAP_DUMB");
  long pixels = system_call6(SYS_mmap2, 0, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, map.offset >> 12);
  require(pixels, "mmap");
  return (struct picture){width, height, dumb.pitch / 4, dumb.handle, (uint32_t *)pixels};
}

// Makes `picture` a framebuffer (XRGB8888) and shows it in the display's mode. Returns the framebuffer's id.
static inline uint32_t show_picture(struct display *display, struct picture *picture) {
  struct framebuffer framebuffer = {.width = picture->width, .height = picture->height,
      .pitch = picture->stride_pixels * 4, .bpp = 32, .depth = 24, .handle = picture->handle};
  card_ioctl(display->card, MODE_ADDFB, &framebuffer, "ADDFB");
  struct crtc crtc = {.connector_ids = (uintptr_t)&display->connector_id, .connector_count = 1,
      .crtc_id = display->crtc_id, .fb_id = framebuffer.fb_id, .mode_valid = 1, .mode = display->mode};
  card_ioctl(display->card, MODE_SETCRTC, &crtc, "SETCRTC");
  return framebuffer.fb_id;
}

// Tells the driver that a rectangle was drawn. A driver whose display reads the memory itself (bochs) has no such call.
static inline void flush(int card, uint32_t fb_id, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
  struct clip clip = {x, y, x + width, y + height};
  struct dirty dirty = {.fb_id = fb_id, .clip_count = 1, .clips = (uintptr_t)&clip};
  long result = system_call(SYS_ioctl, card, MODE_DIRTYFB, (long)&dirty);
  if (result != -ENOSYS) require(result, "DIRTYFB");
}
