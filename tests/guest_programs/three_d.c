// three_d [host-visible] [cross-device] [foreign]: uses the reference renderer (tests/support/renderer) through Linux's
// virtgpu interface in every way that a guest can. Prints PASS and a name, or FAIL, a name and what was wrong, for each
// check; waits for a byte after each group of them and after each that shows something, so that whoever runs this can
// compare: tests/support/three_d.ts knows them all. The arguments say what the device has: memory that the guest can map,
// UUIDs, and a renderer that reads resources which are not its own. It ends with everything open.
#include "three_d/blobs.h"
#include "three_d/contexts.h"
#include "three_d/fences.h"
#include "three_d/resources.h"
#include "three_d/scanout.h"
#include "three_d/sharing.h"

// Leaves contexts, objects, resources, mappings and work that is never done for the kernel to end.
static void leave_all_open(struct offers offers, struct stream *stream) {
  int card = open_context(0);
  struct resource buffer = create_buffer(card, PAGE);
  create_host_blob(card, BLOB_MEM_HOST3D, 0, 1, PAGE, stream);
  if (offers.host_visible) {
    struct resource mapped = create_host_blob(card, BLOB_MEM_HOST3D, USE_MAPPABLE, 2, 5 * PAGE, stream);
    map_resource(&mapped);
  }
  put_object(stream, 3, OBJECT_BUFFER, PAGE, 1); // nothing is made from it
  put_delay(stream, DELAY_FOR_EVER);
  put_fill(stream, buffer, 0, PAGE, 1);
  struct virtgpu_exec exec = {.flags = EXEC_RING | EXEC_FENCE_OUT, .ring_index = 1, .fence_fd = -1,
      .handles = (uintptr_t)&buffer.handle, .handle_count = 1};
  expect(try_submit(card, stream, &exec), 0, "EXECBUFFER");
  report("left-open");
}

int program(int argc, char **argv) {
  static struct stream stream;
  struct offers offers = {0};
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == 'h') offers.host_visible = 1;
    if (argv[i][0] == 'c') offers.cross_device = 1;
    if (argv[i][0] == 'f') offers.foreign = 1;
  }
  struct display display = open_display();
  check_contexts(display.card, offers, &stream);
  wait_for_byte();
  check_resources(&stream);
  wait_for_byte();
  check_blobs(offers, &stream);
  wait_for_byte();
  check_fences(&stream);
  wait_for_byte();
  check_sharing(offers, &stream);
  wait_for_byte();
  check_scanouts(&display, offers, &stream);
  leave_all_open(offers, &stream);
  return 0;
}
