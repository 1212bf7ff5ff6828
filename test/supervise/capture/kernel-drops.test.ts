import { expect, test } from "bun:test";
import { KernelDrops } from "../../../src/supervise/capture/kernel-drops.ts";

test("what the kernel forgets when asked is summed, by link and by worker, also over captures that are gone", () => {
  const lost = new Map([
    [10, 5],
    [11, 7],
  ]);
  const drops = new KernelDrops((fd) => {
    const count = lost.get(fd);
    lost.set(fd, 0);
    return count;
  });
  const eth0 = { link: { name: "eth0" }, sockets: [{ fd: 10 }, { fd: 11 }] };
  drops.read(eth0);
  drops.read(eth0);
  expect([drops.ofLink("eth0"), drops.ofPlace(0), drops.ofPlace(1), drops.total]).toEqual([12, 5, 7, 12]);
  // The link came back, under other sockets.
  lost.set(20, 1);
  drops.read({ link: { name: "eth0" }, sockets: [{ fd: 20 }] });
  expect([...drops.byLink()]).toEqual([["eth0", 13]]);
  expect(drops.total).toBe(13);
});

test("a socket that cannot say, and a link that nobody captured, count as nothing", () => {
  const drops = new KernelDrops(() => undefined);
  drops.read({ link: { name: "eth0" }, sockets: [{ fd: 1 }] });
  expect([drops.ofLink("eth0"), drops.ofLink("eth9"), drops.ofPlace(3), drops.total]).toEqual([0, 0, 0, 0]);
});
