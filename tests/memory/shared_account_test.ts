import { assertEquals } from "@std/assert";
import { HostAccount } from "../../src/device/host_account.ts";
import { SHARED_ACCOUNT_WORDS, SharedAccount } from "../../src/memory/shared_account.ts";

function makeAccounts(limitBytes: number) {
  const words = new Int32Array(new SharedArrayBuffer(SHARED_ACCOUNT_WORDS * 4));
  const device = new HostAccount(limitBytes);
  device.reserve(10);
  device.share(words);
  return { device, renderer: new SharedAccount(words, true), words };
}

Deno.test("SharedAccount and HostAccount.share count both ends to the byte, under one limit", () => {
  const { device, renderer } = makeAccounts(100);
  assertEquals([renderer.reserve(50), device.reserve(40), device.usedBytes], [true, true, 100]);
  assertEquals([renderer.reserve(1), device.reserve(1)], [false, false]);
  renderer.release(50);
  device.release(10);
  assertEquals([device.usedBytes, renderer.reserve(61), device.reserve(60)], [40, false, true]);
});

Deno.test("SharedAccount counts up to 4 GiB", () => {
  const { device, renderer } = makeAccounts(2 ** 40);
  assertEquals([renderer.reserve(3 * 2 ** 30), device.reserve(2 ** 29)], [true, true]);
  assertEquals([device.usedBytes, renderer.reserve(2 ** 30)], [3.5 * 2 ** 30 + 10, false]);
  renderer.release(3 * 2 ** 30);
  assertEquals(device.usedBytes, 2 ** 29 + 10);
});

Deno.test("SharedAccount.takeBack: what the renderer's end releases afterwards counts for nothing", () => {
  const { device, renderer, words } = makeAccounts(100);
  renderer.reserve(60);
  new SharedAccount(words, false).takeBack();
  assertEquals(device.usedBytes, 10);
  renderer.reserve(20); // the renderer has not heard of it yet
  renderer.release(60);
  renderer.release(20);
  assertEquals(device.usedBytes, 10);
});
