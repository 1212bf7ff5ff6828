// Rules come and go beside the counted ones: in their group, in other groups, on other links; and one of theirs grows and shrinks.
import { flowRule, type World } from "../world.ts";
import type { Happening } from "./event.ts";

const most = 20;

function neighbour(number: number): { name: string; command: object } {
  const name = `neighbour-${number}`;
  const input_interface = number % 5 === 0 ? "c0" : "in0";
  const input_group = number % 2 === 0 ? "239.1.1.1" : `239.1.2.${number}`;
  const output = { group: "239.9.9.9", port: 7000 + number, interface: number % 3 === 0 ? "o0" : "out0" };
  return {
    name,
    command: { AddRule: { name, input_interface, input_group, input_port: 5100 + number, outputs: [output] } },
  };
}

async function toggle(world: World, number: number): Promise<void> {
  const { name, command } = neighbour(number);
  if (world.neighbours.has(name)) {
    if (await world.ask({ RemoveRuleByName: { name } })) world.neighbours.delete(name);
  } else if (await world.ask(command)) {
    world.neighbours.add(name);
  }
}

export const rule: Happening = (world, dice) => {
  if (dice % 4 === 0) {
    const isWide = dice % 8 === 0;
    world.inTurn(() => world.ask(flowRule(0, isWide)));
    return `flow-0 with ${isWide ? "two outputs" : "one output"}`;
  }
  const number = (dice >> 3) % most;
  world.inTurn(() => toggle(world, number));
  return `neighbour-${number} added, or removed where it is there`;
};
