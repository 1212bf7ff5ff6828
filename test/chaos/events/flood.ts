// As fast as it goes: groups that nobody wants, which the kernel's filter stops, or a wanted group's other ports, which workers see.
import { generate } from "../../helpers/traffic.ts";
import type { Happening } from "./event.ts";

export const flood: Happening = (world, dice) => {
  const isSeen = dice % 2 === 0;
  const seconds = (0.3 + (dice % 1_000) / 1_000).toFixed(2);
  const group = isSeen ? ["--group", "239.1.1.1", "--port", "5999"] : ["--group", "239.8.8.8", "--port", "5000"];
  const how = ["--interface", "out0", "--size", "64", "--rate", "max", "--duration", seconds];
  world.begin(async () => {
    const { sent } = await generate(world.lab, "gen", [...group, ...how]);
    if (isSeen) world.flooded += sent;
  });
  return `${isSeen ? "a wrong port" : "an unwanted group"} for ${seconds} s`;
};
