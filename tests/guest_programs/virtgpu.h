// The virtgpu interface, as far as these programs use it (Linux's include/uapi/drm/virtgpu_drm.h says what each field
// means), and resources of all kinds.
#pragma once

#include "drm.h"

enum { PAGE = 4096, O_CLOEXEC_RDWR = 02000002 };
enum { BLOB_MEM_GUEST = 1, BLOB_MEM_HOST3D = 2, BLOB_MEM_HOST3D_GUEST = 3 };
enum { USE_MAPPABLE = 1, USE_SHAREABLE = 2, USE_CROSS_DEVICE = 4 };
enum { EXEC_FENCE_IN = 1, EXEC_FENCE_OUT = 2, EXEC_RING = 4 };
enum { WAIT_NOWAIT = 1 };
enum {
  PARAM_3D_FEATURES = 1, PARAM_CAPSET_QUERY_FIX, PARAM_RESOURCE_BLOB, PARAM_HOST_VISIBLE, PARAM_CROSS_DEVICE,
  PARAM_CONTEXT_INIT, PARAM_CAPSET_IDS,
};
enum { CONTEXT_CAPSET_ID = 1, CONTEXT_NUM_RINGS, CONTEXT_POLL_RINGS_MASK };
#define FORMAT_XRGB8888 0x34325258u

struct virtgpu_map { uint64_t offset; uint32_t handle, pad; };
struct virtgpu_exec {
  uint32_t flags, size;
  uint64_t command, handles;
  uint32_t handle_count;
  int32_t fence_fd;
  uint32_t ring_index, pad;
};
struct virtgpu_param { uint64_t param, value; };
struct virtgpu_create {
  uint32_t target, format, bind, width, height, depth, array_size, last_level, samples, flags, handle, resource_id, size,
      stride;
};
struct virtgpu_info { uint32_t handle, resource_id, size, blob_mem; };
struct box { uint32_t x, y, z, width, height, depth; };
struct virtgpu_transfer { uint32_t handle; struct box box; uint32_t level, offset, stride, layer_stride; };
struct virtgpu_wait { uint32_t handle, flags; };
struct virtgpu_caps { uint32_t id, version; uint64_t data; uint32_t size, pad; };
struct virtgpu_blob {
  uint32_t blob_mem, blob_flags, handle, resource_id;
  uint64_t size;
  uint32_t pad, command_size;
  uint64_t command, blob_id;
};
struct virtgpu_context { uint32_t param_count, pad; uint64_t params; };
struct prime { uint32_t handle, flags; int32_t fd; };
struct framebuffer2 {
  uint32_t fb_id, width, height, format, flags, handles[4], pitches[4], offsets[4];
  uint64_t modifiers[4];
};
struct gem_close { uint32_t handle, pad; };

// The i386 ABI aligns u64 to 4, the kernel's structures are laid out so that this does not matter.
_Static_assert(sizeof(struct virtgpu_exec) == 40, "virtgpu_exec");
_Static_assert(sizeof(struct virtgpu_create) == 56, "virtgpu_create");
_Static_assert(sizeof(struct virtgpu_transfer) == 44, "virtgpu_transfer");
_Static_assert(sizeof(struct virtgpu_blob) == 48, "virtgpu_blob");

#define DRM_IOW(number, type) (0x40006400u | sizeof(type) << 16 | (number))
#define GEM_CLOSE DRM_IOW(0x09, struct gem_close)
#define PRIME_HANDLE_TO_FD DRM_IOWR(0x2d, struct prime)
#define PRIME_FD_TO_HANDLE DRM_IOWR(0x2e, struct prime)
#define VIRTGPU_MAP DRM_IOWR(0x41, struct virtgpu_map)
#define VIRTGPU_EXECBUFFER DRM_IOWR(0x42, struct virtgpu_exec)
#define VIRTGPU_GETPARAM DRM_IOWR(0x43, struct virtgpu_param)
#define VIRTGPU_RESOURCE_CREATE DRM_IOWR(0x44, struct virtgpu_create)
#define VIRTGPU_RESOURCE_INFO DRM_IOWR(0x45, struct virtgpu_info)
#define VIRTGPU_TRANSFER_FROM_HOST DRM_IOWR(0x46, struct virtgpu_transfer)
#define VIRTGPU_TRANSFER_TO_HOST DRM_IOWR(0x47, struct virtgpu_transfer)
#define VIRTGPU_WAIT DRM_IOWR(0x48, struct virtgpu_wait)
#define VIRTGPU_GET_CAPS DRM_IOWR(0x49, struct virtgpu_caps)
#define VIRTGPU_RESOURCE_CREATE_BLOB DRM_IOWR(0x4a, struct virtgpu_blob)
#define VIRTGPU_CONTEXT_INIT DRM_IOWR(0x4b, struct virtgpu_context)
#define MODE_ADDFB2 DRM_IOWR(0xb8, struct framebuffer2)

// A resource of a card's file. `words` is 0 until it is mapped.
struct resource { int card; uint32_t handle, id, size, *words; };

// What the kernel answers: 0 or more, or a negative error.
static inline long try_ioctl(int card, uint32_t request, void *argument) {
  return system_call(SYS_ioctl, card, request, (long)argument);
}

static inline int open_card(void) {
  int card = system_call(SYS_open, (long)"/dev/dri/card0", O_RDWR, 0);
  require(card, "/dev/dri/card0");
  return card;
}

// Ends a file, and with it its context.
static inline void close_card(int card) { require(system_call(SYS_close, card, 0, 0), "close of the card"); }

static inline uint32_t get_param(int card, uint64_t param) {
  uint32_t value = 0;
  struct virtgpu_param request = {param, (uintptr_t)&value};
  card_ioctl(card, VIRTGPU_GETPARAM, &request, "GETPARAM");
  return value;
}

static inline struct virtgpu_info resource_info(struct resource resource) {
  struct virtgpu_info info = {.handle = resource.handle};
  card_ioctl(resource.card, VIRTGPU_RESOURCE_INFO, &info, "RESOURCE_INFO");
  return info;
}

static inline struct resource create_guest_blob(int card, uint32_t size, uint32_t flags) {
  struct virtgpu_blob blob = {.blob_mem = BLOB_MEM_GUEST, .blob_flags = flags, .size = size};
  card_ioctl(card, VIRTGPU_RESOURCE_CREATE_BLOB, &blob, "RESOURCE_CREATE_BLOB");
  return (struct resource){card, blob.handle, blob.resource_id, size, 0};
}

// Maps a resource of whole pages. Returns its address or an error.
static inline long try_map(struct resource resource) {
  struct virtgpu_map map = {.handle = resource.handle};
  card_ioctl(resource.card, VIRTGPU_MAP, &map, "MAP");
  return system_call6(SYS_mmap2, 0, resource.size, PROT_READ | PROT_WRITE, MAP_SHARED, resource.card, map.offset >> 12);
}

static inline uint32_t *map_resource(struct resource *resource) {
  long address = try_map(*resource);
  require(address, "mmap of a resource");
  return resource->words = (uint32_t *)address;
}

static inline void unmap_resource(struct resource *resource) {
  require(system_call(SYS_munmap, (long)resource->words, resource->size, 0), "munmap of a resource");
  resource->words = 0;
}

static inline void close_resource(struct resource *resource) {
  if (resource->words) unmap_resource(resource);
  struct gem_close request = {.handle = resource->handle};
  card_ioctl(resource->card, GEM_CLOSE, &request, "GEM_CLOSE");
}

// Waits until nothing is under way with a resource.
static inline void wait_for(struct resource resource) {
  struct virtgpu_wait wait = {.handle = resource.handle};
  card_ioctl(resource.card, VIRTGPU_WAIT, &wait, "WAIT");
}

// A resource of one file as one of another file of the same card.
static inline struct resource share_resource(struct resource resource, int card) {
  struct prime prime = {.handle = resource.handle, .flags = O_CLOEXEC_RDWR};
  card_ioctl(resource.card, PRIME_HANDLE_TO_FD, &prime, "PRIME_HANDLE_TO_FD");
  card_ioctl(card, PRIME_FD_TO_HANDLE, &prime, "PRIME_FD_TO_HANDLE");
  require(system_call(SYS_close, prime.fd, 0, 0), "close of a shared resource");
  return (struct resource){card, prime.handle, resource.id, resource.size, 0};
}

// Shows part of a resource as a frame buffer of the display's size, with this stride and offset. Returns its id.
static inline uint32_t show_resource(struct display *display, uint32_t handle, uint32_t stride, uint32_t offset) {
  struct framebuffer2 framebuffer = {.width = display->mode.hdisplay, .height = display->mode.vdisplay,
      .format = FORMAT_XRGB8888, .handles = {handle}, .pitches = {stride}, .offsets = {offset}};
  card_ioctl(display->card, MODE_ADDFB2, &framebuffer, "ADDFB2");
  struct crtc crtc = {.connector_ids = (uintptr_t)&display->connector_id, .connector_count = 1,
      .crtc_id = display->crtc_id, .fb_id = framebuffer.fb_id, .mode_valid = 1, .mode = display->mode};
  card_ioctl(display->card, MODE_SETCRTC, &crtc, "SETCRTC");
  return framebuffer.fb_id;
}
