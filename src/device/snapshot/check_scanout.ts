import { isInside, type Rect } from "../../memory/rect.ts";
import { BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import type { PlainValue } from "../../snapshot/plain_value.ts";
import type { GuestBlob, Resource2d } from "../resource.ts";
import type { ResourceTable } from "../resource_table.ts";
import type { ScanoutPicture } from "../scanout.ts";

const MAX_U32 = 0xffffffff;

/**
 * Checks what a scanout of a snapshot shows, of the resources that were made for it; undefined when it shows nothing. Throws
 * `TypeError` or `RangeError` that names what is wrong.
 */
export function checkScanout(scanout: PlainValue, resources: ResourceTable): ScanoutPicture | undefined {
  if (scanout.isNull) return undefined;
  const resource = resources.get(scanout.field("resourceId").integer(1, MAX_U32));
  if (resource === undefined) throw scanout.field("resourceId").refusal("there is no such resource");
  const rect = checkRect(scanout.field("rect"));
  const isStale = scanout.field("isStale").boolean();
  if (resource.kind === "3d" || resource.kind === "hostBlob") throw scanout.refusal("a snapshot has no such resource");
  const picture = resource.kind === "2d" ? check2d(scanout, resource, rect) : checkBlob(scanout, resource, rect);
  return { resource, rect, isStale, ...picture };
}

type Framebuffer = Pick<ScanoutPicture, "format" | "strideBytes" | "offsetBytes">;

function check2d(scanout: PlainValue, resource: Resource2d, rect: Rect): Framebuffer {
  const { format, strideBytes, widthPixels, heightPixels } = resource;
  if (!scanout.field("framebuffer").isNull) throw scanout.field("framebuffer").refusal("a 2D resource has none");
  if (!isInside(rect, widthPixels, heightPixels)) throw scanout.field("rect").refusal("it is not inside the resource");
  return { format, strideBytes, offsetBytes: 0 };
}

function checkBlob(scanout: PlainValue, { sizeBytes }: GuestBlob, rect: Rect): Framebuffer {
  const framebuffer = scanout.field("framebuffer");
  const format = framebuffer.field("format").integer(0, MAX_U32);
  if (!isFormat(format)) throw framebuffer.field("format").refusal("the format is none of virtio_gpu_formats");
  const rowBytes = (rect.x + rect.width) * BYTES_PER_PIXEL;
  const strideBytes = framebuffer.field("strideBytes").integer(0, MAX_U32);
  if (strideBytes < rowBytes) throw framebuffer.field("strideBytes").refusal(`rows are ${rowBytes} bytes or more`);
  const offsetBytes = framebuffer.field("offsetBytes").integer(0, MAX_U32);
  const endBytes = offsetBytes + (rect.y + rect.height - 1) * strideBytes + rowBytes;
  if (endBytes > sizeBytes) throw framebuffer.refusal("its bytes do not all lie in the blob");
  return { format, strideBytes, offsetBytes };
}

function checkRect(rect: PlainValue): Rect {
  return {
    x: rect.field("x").integer(0, MAX_U32),
    y: rect.field("y").integer(0, MAX_U32),
    width: rect.field("width").integer(1, MAX_U32),
    height: rect.field("height").integer(1, MAX_U32),
  };
}
