// blobs [cross-device]: makes blobs of guest memory by the virtgpu interface, from 1 to 5,000 pages, and looks at them in
// every way that a guest can. Each step prints PASS and its name; those that show or share something wait for a byte, so
// that whoever runs this can compare: tests/external/guest_blobs_test.ts knows the steps. "cross-device" is for a device
// with RESOURCE_UUID, without which the kernel makes no such blobs.
#include "drm.h"
#include "pattern.h"

enum { SYS_munmap = 91, PAGE = 4096, PAGES = 5000, SHARED_PAGES = 4, O_CLOEXEC_RDWR = 02000002 };
enum { BLOB_MEM_GUEST = 1, USE_MAPPABLE = 1, USE_SHAREABLE = 2, USE_CROSS_DEVICE = 4 };
enum { PARAM_RESOURCE_BLOB = 3 };
#define FORMAT_XRGB8888 0x34325258u

struct virtgpu_param { uint64_t param, value; };
struct virtgpu_map { uint64_t offset; uint32_t handle, pad; };
struct virtgpu_info { uint32_t handle, resource_id, size, blob_mem; };
struct virtgpu_wait { uint32_t handle, flags; };
struct virtgpu_blob {
  uint32_t blob_mem, blob_flags, handle, resource_id;
  uint64_t size;
  uint32_t pad, cmd_size;
  uint64_t cmd, blob_id;
};
struct prime { uint32_t handle, flags; int32_t fd; };
struct framebuffer2 {
  uint32_t fb_id, width, height, format, flags, handles[4], pitches[4], offsets[4];
  uint64_t modifiers[4];
};
struct gem_close { uint32_t handle, pad; };

#define DRM_IOW(number, type) (0x40006400u | sizeof(type) << 16 | (number))
#define GEM_CLOSE DRM_IOW(0x09, struct gem_close)
#define PRIME_HANDLE_TO_FD DRM_IOWR(0x2d, struct prime)
#define PRIME_FD_TO_HANDLE DRM_IOWR(0x2e, struct prime)
#define VIRTGPU_MAP DRM_IOWR(0x41, struct virtgpu_map)
#define VIRTGPU_GETPARAM DRM_IOWR(0x43, struct virtgpu_param)
#define VIRTGPU_RESOURCE_INFO DRM_IOWR(0x45, struct virtgpu_info)
#define VIRTGPU_WAIT DRM_IOWR(0x48, struct virtgpu_wait)
#define VIRTGPU_RESOURCE_CREATE_BLOB DRM_IOWR(0x4a, struct virtgpu_blob)
#define MODE_ADDFB2 DRM_IOWR(0xb8, struct framebuffer2)

static void pass(const char *step) {
  print("PASS ");
  print(step);
  print("\n");
}

static void pass_and_wait(const char *step) {
  pass(step);
  wait_for_byte();
}

static uint32_t get_param(int card, uint64_t param) {
  uint32_t value = 0;
  struct virtgpu_param request = {param, (uintptr_t)&value};
  card_ioctl(card, VIRTGPU_GETPARAM, &request, "GETPARAM");
  return value;
}

static uint32_t create_blob(int card, uint32_t pages, uint32_t flags) {
  struct virtgpu_blob blob = {.blob_mem = BLOB_MEM_GUEST, .blob_flags = flags, .size = (uint64_t)pages * PAGE};
  card_ioctl(card, VIRTGPU_RESOURCE_CREATE_BLOB, &blob, "RESOURCE_CREATE_BLOB");
  return blob.handle;
}

static uint32_t *map_blob(int card, uint32_t handle, uint32_t pages) {
  struct virtgpu_map map = {.handle = handle};
  card_ioctl(card, VIRTGPU_MAP, &map, "MAP");
  long at = system_call6(SYS_mmap2, 0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, card, map.offset >> 12);
  require(at, "mmap of a blob");
  return (uint32_t *)at;
}

static void close_blob(int card, uint32_t handle) {
  struct gem_close request = {.handle = handle};
  card_ioctl(card, GEM_CLOSE, &request, "GEM_CLOSE");
}

// A blob of each size: what the kernel says of it, and its own pages.
static void sizes_step(int card) {
  static const uint32_t sizes[] = {1, 2, 3, 16, 255, 256, 257, 1000, 4096, 5000};
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint32_t pages = sizes[i], handle = create_blob(card, pages, USE_MAPPABLE);
    struct virtgpu_info info = {.handle = handle};
    card_ioctl(card, VIRTGPU_RESOURCE_INFO, &info, "RESOURCE_INFO");
    if (info.size != pages * PAGE || info.blob_mem != BLOB_MEM_GUEST) require(-ENODEV, "what was asked for");
    struct virtgpu_wait wait = {.handle = handle};
    card_ioctl(card, VIRTGPU_WAIT, &wait, "WAIT");
    uint32_t *words = map_blob(card, handle, pages);
    words[0] = words[pages * PAGE / 4 - 1] = pages;
    require(system_call(SYS_munmap, (long)words, pages * PAGE, 0), "munmap of a blob");
    close_blob(card, handle);
  }
  pass("sizes");
}

// Shows part of a blob as a frame buffer of the display's size, with this stride and offset.
static uint32_t show_blob(struct display *display, uint32_t handle, uint32_t stride, uint32_t offset) {
  struct framebuffer2 framebuffer = {.width = display->mode.hdisplay, .height = display->mode.vdisplay,
      .format = FORMAT_XRGB8888, .handles = {handle}, .pitches = {stride}, .offsets = {offset}};
  card_ioctl(display->card, MODE_ADDFB2, &framebuffer, "ADDFB2");
  struct crtc crtc = {.connector_ids = (uintptr_t)&display->connector_id, .connector_count = 1,
      .crtc_id = display->crtc_id, .fb_id = framebuffer.fb_id, .mode_valid = 1, .mode = display->mode};
  card_ioctl(display->card, MODE_SETCRTC, &crtc, "SETCRTC");
  return framebuffer.fb_id;
}

// One blob of 5,000 pages that is seen as one tall picture without gaps; on a screen of 1,024 columns each row is a page.
// Every page is shown: a screen at a time, and last the screen that ends with the last row.
static void scroll_steps(struct display *display, uint32_t handle, uint32_t *words) {
  struct mode_info *mode = &display->mode;
  uint32_t stride = mode->hdisplay * 4, rows = PAGES * PAGE / stride;
  draw_pattern(words, mode->hdisplay, 11, 0, 0, mode->hdisplay, rows);
  for (uint32_t row = 0; row < rows; row += mode->vdisplay) {
    uint32_t top = row + mode->vdisplay > rows ? rows - mode->vdisplay : row;
    show_blob(display, handle, stride, top * stride);
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
  uint32_t fb_id = show_blob(display, handle, stride, START);
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
  uint32_t handle = create_blob(card, SHARED_PAGES, flags);
  uint32_t *words = map_blob(card, handle, SHARED_PAGES);
  for (uint32_t i = 0; i < SHARED_PAGES * PAGE / 4; i++) words[i] = pattern_pixel(14, i, 0);
  struct prime prime = {.handle = handle, .flags = O_CLOEXEC_RDWR};
  card_ioctl(card, PRIME_HANDLE_TO_FD, &prime, "PRIME_HANDLE_TO_FD");
  int other = system_call(SYS_open, (long)"/dev/dri/card0", O_RDWR, 0);
  require(other, "the card, again");
  card_ioctl(other, PRIME_FD_TO_HANDLE, &prime, "PRIME_FD_TO_HANDLE");
  uint32_t *shared = map_blob(other, prime.handle, SHARED_PAGES);
  for (uint32_t i = 0; i < SHARED_PAGES * PAGE / 4; i++)
    if (shared[i] != pattern_pixel(14, i, 0)) require(-ENODEV, "the bytes of the other file");
  pass_and_wait("prime");
}

int program(int argc, char **argv) {
  (void)argv;
  struct display display = open_display();
  if (get_param(display.card, PARAM_RESOURCE_BLOB) != 1) require(-ENODEV, "a device with blobs");
  sizes_step(display.card);
  uint32_t handle = create_blob(display.card, PAGES, USE_MAPPABLE | USE_SHAREABLE);
  uint32_t *words = map_blob(display.card, handle, PAGES);
  scroll_steps(&display, handle, words);
  view_steps(&display, handle, words);
  prime_step(display.card, USE_MAPPABLE | USE_SHAREABLE | (argc > 1 ? USE_CROSS_DEVICE : 0));
  return 0;
}
