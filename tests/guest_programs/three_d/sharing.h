// Resources that two files share: what one file's context has written, the other's reads.
#pragma once

#include "contexts.h"
#include "resources.h"

enum { SHARED_SIZE = 4 * PAGE };

// Fills a resource by its own file's context, shares it, closes the first file's handle, and reads it by the other context.
static void expect_shared(struct resource resource, int other, uint32_t value, struct stream *stream) {
  struct resource own = create_buffer(resource.card, PAGE), copy = create_buffer(other, SHARED_SIZE);
  put_fill(stream, resource, 0, SHARED_SIZE, value);
  submit(resource.card, stream);
  read_buffer(own); // is done after that
  struct resource shared = share_resource(resource, other);
  expect(resource_info(shared).resource_id, resource.id, "the id that the other file is told");
  put_copy(stream, copy, 0, shared, 0, SHARED_SIZE);
  submit(other, stream);
  read_buffer(copy);
  for (uint32_t i = 0; i < SHARED_SIZE / 4; i++) expect(copy.words[i], value, "a word that the other file's context reads");

  put_fill(stream, shared, 0, SHARED_SIZE, ~value);
  submit(other, stream);
  read_buffer(copy); // is done after that
  put_copy(stream, own, 0, resource, SHARED_SIZE - PAGE, PAGE);
  submit(resource.card, stream);
  read_buffer(own);
  for (uint32_t i = 0; i < PAGE / 4; i++) expect(own.words[i], ~value, "a word that the first file's context reads");

  close_resource(&resource);
  put_copy(stream, copy, 0, shared, 0, SHARED_SIZE);
  submit(other, stream);
  read_buffer(copy);
  expect(copy.words[SHARED_SIZE / 4 - 1], ~value, "a word once the first file has closed it");
  close_resource(&shared);
  close_resource(&own);
  close_resource(&copy);
}

static void check_sharing(struct offers offers, struct stream *stream) {
  int cards[] = {open_context(0), open_context(0)};
  uint32_t flags = USE_SHAREABLE | (offers.cross_device ? USE_CROSS_DEVICE : 0);
  expect_shared(create_resource(cards[0], (struct virtgpu_create){.target = TARGET_BUFFER, .format = FORMAT_B8G8R8A8,
      .width = SHARED_SIZE, .height = 1, .array_size = 1, .size = SHARED_SIZE}), cards[1], 0x80808080, stream);
  report("share-3d-resource");
  expect_shared(create_host_blob(cards[0], BLOB_MEM_HOST3D, flags, 81, SHARED_SIZE, stream), cards[1], 0x81818181, stream);
  report("share-host-blob");
  expect_shared(create_host_blob(cards[0], BLOB_MEM_HOST3D_GUEST, flags, 82, SHARED_SIZE, stream), cards[1], 0x82828282,
      stream);
  report("share-default-blob");

  struct resource blob = create_guest_blob(cards[0], SHARED_SIZE, flags | USE_MAPPABLE);
  draw_pattern(map_resource(&blob), SHARED_SIZE / 4, 83, 0, 0, SHARED_SIZE / 4, 1);
  struct resource shared = share_resource(blob, cards[1]);
  expect_words(map_resource(&shared), SHARED_SIZE / 4, 83, "a word of a guest blob in the other file's mapping");
  report("share-guest-blob");
  if (offers.foreign) {
    struct resource copy = create_buffer(cards[1], SHARED_SIZE);
    put_copy(stream, copy, 0, shared, 0, SHARED_SIZE);
    submit(cards[1], stream);
    read_buffer(copy);
    expect_words(copy.words, SHARED_SIZE / 4, 83, "a word of a guest blob that the other file's context reads");
    report("share-guest-blob-copy");
    unmap_resource(&copy);
  }
  unmap_resource(&blob);
  unmap_resource(&shared);

  if (offers.host_visible) {
    struct resource mapped = create_host_blob(cards[0], BLOB_MEM_HOST3D, flags | USE_MAPPABLE, 84, SHARED_SIZE, stream);
    map_resource(&mapped)[9] = 84;
    struct resource other = share_resource(mapped, cards[1]);
    expect(map_resource(&other)[9], 84, "a word in the other file's mapping");
    other.words[10] = 85;
    expect(mapped.words[10], 85, "a word in the first file's mapping");
    report("share-mapped-blob");
    unmap_resource(&mapped);
    unmap_resource(&other);
  }
  for (uint32_t i = 0; i < 2; i++) close_card(cards[i]); // what is shared, too
}
