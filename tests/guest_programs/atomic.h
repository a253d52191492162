// Atomic mode setting, as far as these programs use it: properties by name, and commits of one plane on one CRTC.
#pragma once

#include "drm.h"

struct client_cap { uint64_t capability, value; };
struct plane_resources { uint64_t plane_ids; uint32_t plane_count; };
struct plane { uint32_t plane_id, crtc_id, fb_id, possible_crtcs, gamma_size, format_count; uint64_t formats; };
struct object_properties { uint64_t property_ids, values; uint32_t count, object_id, object_type; };
struct property { uint64_t values, enums; uint32_t property_id, flags; char name[32]; uint32_t value_count, enum_count; };
struct property_blob { uint64_t data; uint32_t length, blob_id; };
struct atomic {
  uint32_t flags, object_count;
  uint64_t objects, property_counts, properties, values, reserved, user_data;
};
// Inclusive of x1 and y1, exclusive of x2 and y2, as FB_DAMAGE_CLIPS wants it.
struct damage_rect { int32_t x1, y1, x2, y2; };

enum { CAP_UNIVERSAL_PLANES = 2, CAP_ATOMIC = 3 };
enum { ATOMIC_ALLOW_MODESET = 0x400 };
enum { PLANE_TYPE_PRIMARY = 1 };
#define OBJECT_CRTC 0xccccccccu
#define OBJECT_CONNECTOR 0xc0c0c0c0u
#define OBJECT_PLANE 0xeeeeeeeeu

#define DRM_IOW(number, type) (0x40006400u | sizeof(type) << 16 | (number))
#define SET_CLIENT_CAP DRM_IOW(0x0d, struct client_cap)
#define MODE_GETPROPERTY DRM_IOWR(0xaa, struct property)
#define MODE_GETPLANERESOURCES DRM_IOWR(0xb5, struct plane_resources)
#define MODE_GETPLANE DRM_IOWR(0xb6, struct plane)
#define MODE_OBJ_GETPROPERTIES DRM_IOWR(0xb9, struct object_properties)
#define MODE_ATOMIC DRM_IOWR(0xbc, struct atomic)
#define MODE_CREATEPROPBLOB DRM_IOWR(0xbd, struct property_blob)

static inline int same_text(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

// Finds a property of an object by its name, and its value where `value` is given. 0 where there is none.
static inline uint32_t find_property(int card, uint32_t object, uint32_t type, const char *name, uint64_t *value) {
  static uint32_t ids[64];
  static uint64_t values[64];
  struct object_properties all = {.property_ids = (uintptr_t)ids, .values = (uintptr_t)values, .count = 64,
      .object_id = object, .object_type = type};
  card_ioctl(card, MODE_OBJ_GETPROPERTIES, &all, "OBJ_GETPROPERTIES");
  for (uint32_t i = 0; i < all.count; i++) {
    struct property property = {.property_id = ids[i]};
    card_ioctl(card, MODE_GETPROPERTY, &property, "GETPROPERTY");
    if (!same_text(property.name, name)) continue;
    if (value) *value = values[i];
    return ids[i];
  }
  return 0;
}

// The first CRTC's primary plane. Universal planes must be on.
static inline uint32_t find_primary_plane(int card) {
  static uint32_t ids[32];
  struct plane_resources resources = {.plane_ids = (uintptr_t)ids, .plane_count = 32};
  card_ioctl(card, MODE_GETPLANERESOURCES, &resources, "GETPLANERESOURCES");
  for (uint32_t i = 0; i < resources.plane_count; i++) {
    struct plane plane = {.plane_id = ids[i]};
    card_ioctl(card, MODE_GETPLANE, &plane, "GETPLANE");
    uint64_t type = 0;
    find_property(card, ids[i], OBJECT_PLANE, "type", &type);
    if (type == PLANE_TYPE_PRIMARY && (plane.possible_crtcs & 1)) return ids[i];
  }
  require(-ENODEV, "a primary plane");
  return 0;
}

// A commit in the making: properties of objects, each object's together.
struct commit { uint32_t objects[4], counts[4], object_count, properties[32], property_count; uint64_t values[32]; };

static inline void begin_object(struct commit *commit, uint32_t object) {
  commit->objects[commit->object_count] = object;
  commit->counts[commit->object_count++] = 0;
}

static inline void add_property(struct commit *commit, uint32_t property, uint64_t value) {
  commit->properties[commit->property_count] = property;
  commit->values[commit->property_count++] = value;
  commit->counts[commit->object_count - 1]++;
}

static inline void send_commit(int card, struct commit *commit, uint32_t flags, const char *name) {
  struct atomic atomic = {.flags = flags, .object_count = commit->object_count, .objects = (uintptr_t)commit->objects,
      .property_counts = (uintptr_t)commit->counts, .properties = (uintptr_t)commit->properties,
      .values = (uintptr_t)commit->values};
  card_ioctl(card, MODE_ATOMIC, &atomic, name);
}

static inline uint32_t create_property_blob(int card, const void *data, uint32_t length) {
  struct property_blob blob = {.data = (uintptr_t)data, .length = length};
  card_ioctl(card, MODE_CREATEPROPBLOB, &blob, "CREATEPROPBLOB");
  return blob.blob_id;
}
